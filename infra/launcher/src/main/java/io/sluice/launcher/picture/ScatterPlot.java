package io.sluice.launcher.picture;

import io.sluice.launcher.picture.Svg.Anchor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Draws named points in panels side by side: what is gained along x, from 0, against what it costs along y, in decades. A
 * cost below the lowest decade is drawn on the axis.
 */
public final class ScatterPlot {
    private static final double MARGIN = 24;
    private static final double PANEL = 520;
    private static final double PLOT_HEIGHT = 340;
    private static final double TOP = 108;
    private static final double LEFT = 70;
    private static final double BETWEEN = 40;
    private static final double RADIUS = 5;
    private static final double LETTER = 12;

    private ScatterPlot() {}

    /** A point; {@code strong} for the one that is compared. */
    public record Point(String name, double x, double y, boolean strong) {}

    /**
     * A panel.
     *
     * @param lowestY y of the axis, above 0; one decade up is the least that is shown
     * @param aimX where a line says what is aimed for, as for {@code aimY}; 0: no line
     */
    public record Panel(
            String title,
            String xLabel,
            String yLabel,
            double lowestY,
            double aimX,
            double aimY,
            List<Point> points,
            String remark) {
        public Panel {
            points = List.copyOf(points);
            if (!(lowestY > 0)) {
                throw new IllegalArgumentException("lowest y " + lowestY + " must be positive: the axis has decades");
            }
        }
    }

    /** The picture. */
    public static Svg draw(String title, String summary, List<Panel> panels) {
        double width = Math.max(
                2 * MARGIN + panels.size() * PANEL + (panels.size() - 1) * BETWEEN,
                2 * MARGIN + Svg.textWidth(summary, 13));
        Svg svg = new Svg(width, TOP + PLOT_HEIGHT + 84, title);
        svg.text(MARGIN, 34, title, 18, Svg.INK, Anchor.START, true);
        svg.text(MARGIN, 58, summary, 13, Svg.MUTED, Anchor.START, false);
        for (int p = 0; p < panels.size(); p++) {
            new Drawn(svg, panels.get(p), MARGIN + p * (PANEL + BETWEEN)).draw();
        }
        return svg;
    }

    /** Where something was drawn that no label may cover. */
    private record Box(double x, double y, double w, double h) {
        boolean meets(Box other) {
            return x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h;
        }
    }

    /** One panel on its way to the picture. */
    private static final class Drawn {
        private final Svg svg;
        private final Panel panel;
        private final double left;
        private final double right;
        private final double bottom = TOP + PLOT_HEIGHT;
        private final double highX;
        private final double stepX;
        private final double highY;
        private final List<Box> taken = new ArrayList<>();

        Drawn(Svg svg, Panel panel, double from) {
            this.svg = svg;
            this.panel = panel;
            left = from + LEFT;
            right = from + PANEL;
            double x = Math.max(
                    panel.aimX(),
                    panel.points().stream().mapToDouble(Point::x).max().orElse(0));
            stepX = x > 2 ? 0.5 : x > 1 ? 0.2 : 0.1;
            highX = stepX * Math.max(1, Math.ceil(1.08 * x / stepX));
            double y = Math.max(
                    panel.aimY(),
                    panel.points().stream().mapToDouble(Point::y).max().orElse(0));
            double high = 10 * panel.lowestY();
            while (high < y * 1.1) {
                high *= 10;
            }
            highY = high;
        }

        void draw() {
            svg.text(left, TOP - 16, panel.title(), 14, Svg.INK, Anchor.START, true);
            svg.text(right, TOP - 16, panel.yLabel(), 12, Svg.MUTED, Anchor.END, false);
            for (int i = 0; i * stepX <= highX + 1e-9; i++) {
                double x = px(i * stepX);
                svg.line(x, TOP, x, bottom, Svg.GRID, 1, "");
                svg.text(
                        x,
                        bottom + 17,
                        String.format(Locale.ROOT, "%.1f", i * stepX),
                        11,
                        Svg.MUTED,
                        Anchor.MIDDLE,
                        false);
            }
            for (double tick = panel.lowestY(); tick <= highY * 1.001; tick *= 10) {
                svg.line(left, py(tick), right, py(tick), Svg.GRID, 1, "");
                svg.text(left - 7, py(tick) + 4, number(tick), 11, Svg.MUTED, Anchor.END, false);
            }
            aim();
            svg.line(left, bottom, right, bottom, Svg.MUTED, 1, "");
            svg.line(left, TOP, left, bottom, Svg.MUTED, 1, "");
            svg.text((left + right) / 2, bottom + 36, panel.xLabel(), 12, Svg.INK, Anchor.MIDDLE, false);
            svg.text(left, bottom + 60, panel.remark(), 11, Svg.MUTED, Anchor.START, false);
            for (Point point : panel.points()) {
                mark(point);
            }
            panel.points().stream()
                    .sorted(Comparator.comparing(Point::strong).reversed())
                    .forEach(this::label);
        }

        private void aim() {
            if (panel.aimX() > 0) {
                svg.line(px(panel.aimX()), TOP, px(panel.aimX()), bottom, Svg.MUTED, 1.2, "5 4");
            }
            if (panel.aimY() > 0) {
                svg.line(left, py(panel.aimY()), right, py(panel.aimY()), Svg.MUTED, 1.2, "5 4");
            }
        }

        private void mark(Point point) {
            double x = px(point.x());
            double y = py(point.y());
            String hover = String.format(Locale.ROOT, "%s: %.3f, %.2f", point.name(), point.x(), point.y());
            svg.rect(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS, RADIUS, colour(point), hover);
            taken.add(new Box(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS));
        }

        /** Beside its point, where there is room; else further up, with a line. */
        private void label(Point point) {
            double w = Svg.textWidth(point.name(), LETTER);
            double x = px(point.x());
            double y = py(point.y());
            for (int ring = 0; ring < 12; ring++) {
                for (int side : new int[] {1, -1}) {
                    for (int up : ring == 0 ? new int[] {0} : new int[] {-1, 1}) {
                        double from = side > 0 ? x + RADIUS + 4 : x - RADIUS - 4 - w;
                        double middle = y + up * ring * 8;
                        Box box = new Box(from, middle - LETTER / 2, w, LETTER);
                        if (fits(box)) {
                            taken.add(box);
                            if (ring > 1) {
                                svg.line(x, y, side > 0 ? from - 1 : from + w + 1, middle, colour(point), 0.8, "");
                            }
                            Anchor held = side > 0 ? Anchor.START : Anchor.END;
                            double at = side > 0 ? from : from + w;
                            svg.text(at, middle + 4, point.name(), LETTER, Svg.INK, held, point.strong());
                            return;
                        }
                    }
                }
            }
            svg.text(x + RADIUS + 4, y + 4, point.name(), LETTER, Svg.INK, Anchor.START, point.strong());
        }

        private boolean fits(Box box) {
            boolean inside = box.x() > left
                    && box.x() + box.w() < right + 20
                    && box.y() > TOP - 8
                    && box.y() + box.h() < bottom + 6;
            return inside && taken.stream().noneMatch(box::meets);
        }

        private String colour(Point point) {
            return Palette.colour(point.strong() ? 0 : 6);
        }

        private double px(double value) {
            return left + (right - left) * value / highX;
        }

        private double py(double value) {
            double low = panel.lowestY();
            return bottom - PLOT_HEIGHT * Math.log10(Math.max(value, low) / low) / Math.log10(highY / low);
        }

        private static String number(double value) {
            return value >= 1 ? String.format(Locale.ROOT, "%,.0f", value) : String.format(Locale.ROOT, "%.1f", value);
        }
    }
}
