package io.sluice.launcher.picture;

import io.sluice.launcher.picture.Svg.Anchor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Draws curves in panels side by side, each with its own axes: distributions of latency, growth of time with size. */
public final class LinePlot {
    private static final double MARGIN = 24;
    private static final double PANEL = 480;
    private static final double PLOT_HEIGHT = 280;
    private static final double TOP = 108;
    private static final double LEFT = 62;
    private static final double BETWEEN = 40;
    private static final int MOST_POINTS = 300;

    private LinePlot() {}

    /** A curve: x rises. */
    public record Curve(String name, double[] x, double[] y) {
        /** The part of the values that is at most x: an empirical distribution, thinned to what a picture shows. */
        public static Curve distribution(String name, double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int points = Math.min(MOST_POINTS, sorted.length);
            double[] x = new double[points];
            double[] y = new double[points];
            for (int i = 0; i < points; i++) {
                int at = points == 1 ? 0 : (int) ((long) i * (sorted.length - 1) / (points - 1));
                x[i] = sorted[at];
                y[i] = (at + 1.0) / sorted.length;
            }
            return new Curve(name, x, y);
        }
    }

    /**
     * A panel.
     *
     * @param logarithmic whether both axes are; then every x and y is positive
     */
    public record Panel(String title, String xLabel, String yLabel, boolean logarithmic, List<Curve> curves) {
        public Panel {
            curves = List.copyOf(curves);
        }
    }

    /** The picture; curves of the same position have the same colour in every panel, and the legend names them. */
    public static Svg draw(String title, String summary, List<Panel> panels) {
        int most = panels.stream().mapToInt(p -> p.curves().size()).max().orElse(0);
        double width = Math.max(
                2 * MARGIN + panels.size() * PANEL + (panels.size() - 1) * BETWEEN,
                2 * MARGIN + Svg.textWidth(summary, 13));
        Svg svg = new Svg(width, TOP + PLOT_HEIGHT + 74 + 20 * most, title);
        svg.text(MARGIN, 34, title, 18, Svg.INK, Anchor.START, true);
        svg.text(MARGIN, 58, summary, 13, Svg.MUTED, Anchor.START, false);
        for (int p = 0; p < panels.size(); p++) {
            new Drawn(svg, panels.get(p), MARGIN + p * (PANEL + BETWEEN)).draw();
        }
        List<Curve> named = panels.isEmpty() ? List.of() : panels.get(0).curves();
        for (int c = 0; c < named.size(); c++) {
            double y = TOP + PLOT_HEIGHT + 62 + 20 * c;
            svg.line(MARGIN + LEFT, y - 4, MARGIN + LEFT + 28, y - 4, Palette.colour(c), 2.5, dashes(c));
            svg.text(MARGIN + LEFT + 36, y, named.get(c).name(), 12, Svg.INK, Anchor.START, false);
        }
        return svg;
    }

    /** Curves differ in dashes, too, for those who see no colours. */
    private static String dashes(int curve) {
        return List.of("", "7 4", "2 3", "10 3 2 3").get(curve % 4);
    }

    /** One panel on its way to the picture. */
    private static final class Drawn {
        private final Svg svg;
        private final Panel panel;
        private final double left;
        private final double right;
        private final double bottom = TOP + PLOT_HEIGHT;
        private final Scale x;
        private final Scale y;

        Drawn(Svg svg, Panel panel, double from) {
            this.svg = svg;
            this.panel = panel;
            this.left = from + LEFT;
            this.right = from + PANEL;
            this.x = Scale.of(panel, true);
            this.y = Scale.of(panel, false);
        }

        void draw() {
            svg.text(left, TOP - 16, panel.title(), 14, Svg.INK, Anchor.START, true);
            for (double tick : x.ticks()) {
                svg.line(px(tick), TOP, px(tick), bottom, Svg.GRID, 1, "");
                svg.text(px(tick), bottom + 17, number(tick), 11, Svg.MUTED, Anchor.MIDDLE, false);
            }
            for (double tick : y.ticks()) {
                svg.line(left, py(tick), right, py(tick), Svg.GRID, 1, "");
                svg.text(left - 7, py(tick) + 4, number(tick), 11, Svg.MUTED, Anchor.END, false);
            }
            svg.line(left, bottom, right, bottom, Svg.MUTED, 1, "");
            svg.line(left, TOP, left, bottom, Svg.MUTED, 1, "");
            svg.text((left + right) / 2, bottom + 36, panel.xLabel(), 12, Svg.INK, Anchor.MIDDLE, false);
            svg.text(right, TOP - 16, panel.yLabel(), 12, Svg.MUTED, Anchor.END, false);
            for (int c = 0; c < panel.curves().size(); c++) {
                curve(panel.curves().get(c), c);
            }
        }

        private void curve(Curve curve, int number) {
            StringBuilder path = new StringBuilder();
            for (int i = 0; i < curve.x().length; i++) {
                path.append(i == 0 ? "M" : "L")
                        .append(Svg.number(px(curve.x()[i])))
                        .append(',')
                        .append(Svg.number(py(curve.y()[i])));
            }
            if (path.length() > 0) {
                svg.path(path.toString(), Palette.colour(number), 2.2, 1, dashes(number), curve.name());
            }
        }

        private double px(double value) {
            return left + (right - left) * x.position(value);
        }

        private double py(double value) {
            return bottom - PLOT_HEIGHT * y.position(value);
        }

        private static String number(double value) {
            if (value == Math.rint(value)) {
                return String.format(Locale.ROOT, "%,d", (long) value);
            }
            return String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "");
        }
    }

    /** From values to 0..1 along an axis. */
    private record Scale(double low, double high, boolean logarithmic, double[] ticks) {
        static Scale of(Panel panel, boolean alongX) {
            double low = Double.POSITIVE_INFINITY;
            double high = 0;
            for (Curve curve : panel.curves()) {
                for (double value : alongX ? curve.x() : curve.y()) {
                    low = Math.min(low, value);
                    high = Math.max(high, value);
                }
            }
            if (!(high > 0)) {
                high = 1;
                low = 1;
            }
            return panel.logarithmic() ? decades(low, high) : linear(high);
        }

        private static Scale linear(double high) {
            double step = Math.pow(10, Math.floor(Math.log10(high / 2)));
            for (double factor : new double[] {5, 2}) {
                if (high / (step * factor) >= 3) {
                    step *= factor;
                    break;
                }
            }
            int count = (int) Math.ceil(high / step - 1e-9);
            double[] ticks = new double[count + 1];
            for (int i = 0; i <= count; i++) {
                ticks[i] = Math.round(i * step * 1e9) / 1e9;
            }
            return new Scale(0, count * step, false, ticks);
        }

        private static Scale decades(double low, double high) {
            int from = (int) Math.floor(Math.log10(low) + 1e-9);
            int to = Math.max(from + 1, (int) Math.ceil(Math.log10(high) - 1e-9));
            double[] ticks = new double[to - from + 1];
            for (int i = 0; i < ticks.length; i++) {
                ticks[i] = Math.pow(10, from + i);
            }
            return new Scale(Math.pow(10, from), Math.pow(10, to), true, ticks);
        }

        double position(double value) {
            if (logarithmic) {
                return Math.log10(Math.max(value, low) / low) / Math.log10(high / low);
            }
            return (value - low) / (high - low);
        }
    }
}
