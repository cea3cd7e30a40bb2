package io.sluice.launcher.picture;

import io.sluice.launcher.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Writes an SVG picture, top to bottom, on white. Coordinates and sizes are pixels; colours are {@code #rrggbb}. Text is
 * escaped. Not thread-safe.
 */
public final class Svg {
    /** Colour of text. */
    public static final String INK = "#1b1f24";
    /** Colour of secondary text. */
    public static final String MUTED = "#57606a";
    /** Colour of grid lines. */
    public static final String GRID = "#d8dee4";

    private static final String FONT = "'DejaVu Sans', 'Segoe UI', Helvetica, Arial, sans-serif";
    /** Width of an average character by font size; fonts differ, so this leaves room. */
    private static final double CHARACTER_WIDTH = 0.62;

    private final StringBuilder body = new StringBuilder();
    private final double width;
    private double height;

    /** @param title what a screen reader says */
    public Svg(double width, double height, String title) {
        this.width = width;
        this.height = height;
        body.append("<title>").append(escape(title)).append("</title>\n");
    }

    /** Where a text is held. */
    public enum Anchor {
        START,
        MIDDLE,
        END
    }

    /** Makes the picture so high, whatever was said before. */
    public void height(double pixels) {
        height = pixels;
    }

    public double width() {
        return width;
    }

    /** A filled rectangle with rounded corners; {@code hover} is shown under the pointer, empty: nothing. */
    public void rect(double x, double y, double w, double h, double radius, String fill, String hover) {
        open("rect", x, y);
        attribute("width", Math.max(0, w));
        attribute("height", Math.max(0, h));
        if (radius > 0) {
            attribute("rx", radius);
        }
        body.append(" fill=\"").append(fill).append('"');
        close("rect", hover);
    }

    /** A rectangle's outline. */
    public void outline(double x, double y, double w, double h, double radius, String stroke, double strokeWidth) {
        open("rect", x, y);
        attribute("width", w);
        attribute("height", h);
        attribute("rx", radius);
        body.append(" fill=\"none\" stroke=\"").append(stroke).append('"');
        attribute("stroke-width", strokeWidth);
        body.append("/>\n");
    }

    public void line(double x1, double y1, double x2, double y2, String stroke, double strokeWidth, String dashes) {
        body.append("<line");
        attribute("x1", x1);
        attribute("y1", y1);
        attribute("x2", x2);
        attribute("y2", y2);
        body.append(" stroke=\"").append(stroke).append('"');
        attribute("stroke-width", strokeWidth);
        dashes(dashes);
        body.append("/>\n");
    }

    /** A line along {@code path} (SVG path data), not filled. */
    public void path(String path, String stroke, double strokeWidth, double opacity, String dashes, String hover) {
        body.append("<path d=\"").append(path).append("\" fill=\"none\" stroke=\"");
        body.append(stroke).append('"');
        attribute("stroke-width", strokeWidth);
        if (opacity < 1) {
            attribute("stroke-opacity", opacity);
        }
        dashes(dashes);
        close("path", hover);
    }

    public void text(double x, double y, String text, double size, String fill, Anchor anchor, boolean bold) {
        open("text", x, y);
        attribute("font-size", size);
        body.append(" fill=\"").append(fill).append('"');
        if (anchor != Anchor.START) {
            body.append(" text-anchor=\"")
                    .append(anchor.name().toLowerCase(Locale.ROOT))
                    .append('"');
        }
        if (bold) {
            body.append(" font-weight=\"bold\"");
        }
        body.append('>').append(escape(text)).append("</text>\n");
    }

    /** Text on a white border, for places where lines pass. */
    public void textOnLines(double x, double y, String text, double size, String fill) {
        open("text", x, y);
        attribute("font-size", size);
        body.append(" fill=\"")
                .append(fill)
                .append("\" stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\">")
                .append(escape(text))
                .append("</text>\n");
    }

    /** Width that {@code text} takes at most in common fonts, pixels. */
    public static double textWidth(String text, double size) {
        return text.length() * size * CHARACTER_WIDTH;
    }

    /** {@code text}, or its beginning and an ellipsis when it is wider than {@code pixels}. */
    public static String fit(String text, double size, double pixels) {
        int most = (int) (pixels / (size * CHARACTER_WIDTH));
        return text.length() <= most ? text : text.substring(0, Math.max(1, most - 1)) + "…";
    }

    /** The document. */
    public String document() {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" + number(height)
                + "\" viewBox=\"0 0 " + number(width) + " " + number(height) + "\" font-family=\"" + FONT
                + "\" role=\"img\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" + body + "</svg>\n";
    }

    /**
     * Writes the document; null file: nothing to do.
     *
     * @throws UserException when the file cannot be written
     */
    public void write(Path file) {
        if (file == null) {
            return;
        }
        try {
            Files.writeString(file, document());
        } catch (IOException e) {
            throw new UserException("--svg " + file + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** A number in path data, with at most two decimals. */
    public static String number(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e9) {
            return Long.toString((long) value);
        }
        return String.format(Locale.ROOT, "%.2f", value).replaceAll("\\.?0+$", "");
    }

    private void open(String element, double x, double y) {
        body.append('<').append(element);
        attribute("x", x);
        attribute("y", y);
    }

    private void close(String element, String hover) {
        if (hover.isEmpty()) {
            body.append("/>\n");
        } else {
            body.append("><title>")
                    .append(escape(hover))
                    .append("</title></")
                    .append(element)
                    .append(">\n");
        }
    }

    private void attribute(String name, double value) {
        body.append(' ').append(name).append("=\"").append(number(value)).append('"');
    }

    private void dashes(String dashes) {
        if (!dashes.isEmpty()) {
            body.append(" stroke-dasharray=\"").append(dashes).append('"');
        }
    }

    private static String escape(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '&' -> escaped.append("&amp;");
                case '"' -> escaped.append("&quot;");
                default -> escaped.appendCodePoint(c < 0x20 ? ' ' : c);
            }
        });
        return escaped.toString();
    }
}
