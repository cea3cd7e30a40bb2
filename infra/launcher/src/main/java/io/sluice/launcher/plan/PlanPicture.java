package io.sluice.launcher.plan;

import io.sluice.launcher.picture.Palette;
import io.sluice.launcher.picture.Svg;
import io.sluice.launcher.picture.Svg.Anchor;
import io.sluice.launcher.plan.PictureRows.Row;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * Draws a placement: layers from left to right, a bar for the layers of every node, nodes grouped by region, and the flow
 * between them as bands whose width is tokens per second (Sankey). Rows get lower as nodes get more, like nodes share a
 * row beyond {@link PictureRows#MOST_ROWS}, and of very many bands only the widest are drawn, with a note.
 */
final class PlanPicture {
    private static final double LEFT = 24;
    private static final double LABELS = 165;
    private static final double AXIS = 880;
    private static final double PORT = 46;
    private static final double TABLE = 262;
    private static final double WIDTH = LEFT + LABELS + PORT + AXIS + PORT + TABLE + LEFT;
    private static final double TOP = 96;
    private static final int MOST_BANDS = 400;
    private static final String BAND = "#6e7781";
    private static final String FAR_BAND = "#c2570c";

    private final PlanGraph graph;
    private final PictureRows rows;
    private final SortedMap<String, String> colours;
    private final Svg svg;
    private final double axisLeft = LEFT + LABELS + PORT;
    private final double axisRight = axisLeft + AXIS;
    private final double tableLeft = axisRight + PORT + 14;

    private PlanPicture(PlanGraph graph, String title) {
        this.graph = graph;
        this.rows = PictureRows.of(graph, TOP + 26);
        this.colours = Palette.byName(
                new TreeSet<>(graph.nodes().stream().map(PlanGraph.Node::type).toList()));
        this.svg = new Svg(WIDTH, 0, title);
    }

    /**
     * The picture.
     *
     * @param title one line
     * @param summary a second line: flow, bound, estimate
     * @param bottleneck what limits, in words; may be long
     */
    static Svg draw(PlanGraph graph, String title, String summary, String bottleneck) {
        PlanPicture picture = new PlanPicture(graph, title);
        picture.svg.text(LEFT, 34, title, 20, Svg.INK, Anchor.START, true);
        picture.svg.text(LEFT, 58, summary, 14, Svg.MUTED, Anchor.START, false);
        picture.axis();
        String note = picture.bands();
        picture.headers();
        picture.bars();
        picture.legend(note, bottleneck);
        return picture.svg;
    }

    private double x(int layer) {
        return axisLeft + AXIS * layer / graph.layers();
    }

    private double barLeft(Row row) {
        return x(row.first()) + inset(row);
    }

    private double barRight(Row row) {
        return x(row.end()) - inset(row);
    }

    /** Bars keep apart, so that bands have room to turn; narrow bars keep half of their width. */
    private double inset(Row row) {
        return Math.min(5, (x(row.end()) - x(row.first())) / 4);
    }

    private void axis() {
        double bottom = rows.bottom();
        int step = step(graph.layers());
        for (int layer = 0; layer <= graph.layers(); layer += step) {
            svg.line(x(layer), TOP, x(layer), bottom, Svg.GRID, 1, "");
            svg.text(x(layer), TOP - 6, Integer.toString(layer), 11, Svg.MUTED, Anchor.MIDDLE, false);
        }
        if (graph.layers() % step != 0) {
            svg.line(x(graph.layers()), TOP, x(graph.layers()), bottom, Svg.GRID, 1, "");
            if (graph.layers() % step > step / 3) {
                svg.text(axisRight, TOP - 6, Integer.toString(graph.layers()), 11, Svg.MUTED, Anchor.MIDDLE, false);
            }
        }
        svg.text(axisLeft - PORT, TOP - 6, "layer", 11, Svg.MUTED, Anchor.MIDDLE, false);
        svg.text(tableLeft, TOP - 6, "layers", 11, Svg.MUTED, Anchor.START, false);
        svg.text(tableLeft + 116, TOP - 6, "tokens/s", 11, Svg.MUTED, Anchor.END, false);
        svg.text(tableLeft + 130, TOP - 6, "of its capacity", 11, Svg.MUTED, Anchor.START, false);
    }

    private static int step(int layers) {
        for (int step : new int[] {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
            if (layers / step <= 20) {
                return step;
            }
        }
        return 1000;
    }

    private void headers() {
        for (PictureRows.Region region : rows.regions()) {
            svg.line(LEFT, region.top() + 2, WIDTH - LEFT, region.top() + 2, Svg.GRID, 1, "");
            svg.text(LEFT, region.top() + 18, region.title(), 13, Svg.INK, Anchor.START, true);
            if (!region.empty().isEmpty()) {
                svg.textOnLines(
                        axisLeft,
                        region.top() + 17,
                        Svg.fit("without layers: " + region.empty(), 11, AXIS),
                        11,
                        Svg.MUTED);
            }
        }
    }

    private void bars() {
        double size = Math.clamp(rows.rowHeight() - 6, 7.5, 12);
        for (Row row : rows.rows()) {
            double middle = row.middle();
            double top = middle - rows.barHeight() / 2;
            double w = barRight(row) - barLeft(row);
            if (row.bottleneck()) {
                svg.rect(LEFT - 6, middle - rows.rowHeight() / 2, 4, rows.rowHeight(), 0, Palette.ALARM, "");
            }
            boolean idle = row.flow() <= 0;
            svg.rect(barLeft(row), top, w, rows.barHeight(), 2, idle ? "#ffffff" : colours.get(row.type()), hover(row));
            if (idle) {
                svg.outline(barLeft(row), top, w, rows.barHeight(), 2, colours.get(row.type()), 1.2);
            }
            if (row.bottleneck()) {
                svg.outline(barLeft(row) - 1, top - 1, w + 2, rows.barHeight() + 2, 2, Palette.ALARM, 2.5);
            }
            double baseline = middle + size * 0.36;
            String ink = row.bottleneck() ? Palette.ALARM : Svg.INK;
            svg.text(LEFT, baseline, Svg.fit(row.label(), size, LABELS), size, ink, Anchor.START, row.bottleneck());
            svg.text(tableLeft, baseline, row.first() + "-" + row.end(), size, ink, Anchor.START, false);
            svg.text(tableLeft + 116, baseline, count(row.flow()), size, ink, Anchor.END, false);
            double used = Math.clamp(row.capacity() > 0 ? row.flow() / row.capacity() : 0, 0, 1);
            double meter = Math.min(8, rows.barHeight());
            svg.rect(tableLeft + 130, middle - meter / 2, 64, meter, 1, "#e6eaef", "");
            svg.rect(tableLeft + 130, middle - meter / 2, 64 * used, meter, 1, colours.get(row.type()), "");
            svg.text(tableLeft + 246, baseline, percent(used), size, ink, Anchor.END, row.bottleneck());
        }
    }

    private String hover(Row row) {
        return row.label() + ", " + row.type() + ": layers " + row.first() + "-" + row.end() + ", " + count(row.flow())
                + " of " + count(row.capacity()) + " tokens/s";
    }

    /** Draws the flow; returns a note when some of it is left out. */
    private String bands() {
        List<PictureRows.Band> all = rows.bands();
        List<PictureRows.Band> drawn = new ArrayList<>(all);
        if (all.size() > MOST_BANDS) {
            drawn.sort(Comparator.comparingDouble(PictureRows.Band::flow).reversed());
            drawn = new ArrayList<>(drawn.subList(0, MOST_BANDS));
        }
        double widest = all.stream().mapToDouble(PictureRows.Band::flow).max().orElse(1);
        double busiest = rows.rows().stream().mapToDouble(Row::flow).max().orElse(widest);
        double scale = rows.barHeight() / Math.max(busiest, 1e-9);
        PictureBands ports = new PictureBands(drawn, rows.rows(), scale);
        for (PictureBands.Placed band : ports.placed()) {
            draw(band);
        }
        return all.size() > drawn.size() ? "the " + drawn.size() + " widest of " + all.size() + " flows are drawn" : "";
    }

    private void draw(PictureBands.Placed placed) {
        PictureRows.Band band = placed.band();
        Row from = band.from() < 0 ? null : rows.rows().get(band.from());
        Row to = band.to() < 0 ? null : rows.rows().get(band.to());
        double x0 = from == null ? axisLeft - PORT : barRight(from);
        double x1 = to == null ? axisRight + PORT : Math.max(barLeft(to), from == null ? 0 : barRight(from) + 4);
        double turn = from == null || to == null ? PORT / 2 : Math.max(9, (x1 - x0) / 2);
        String path = "M" + Svg.number(x0) + "," + Svg.number(placed.fromY()) + "C" + Svg.number(x0 + turn) + ","
                + Svg.number(placed.fromY()) + " " + Svg.number(x1 - turn) + "," + Svg.number(placed.toY()) + " "
                + Svg.number(x1) + "," + Svg.number(placed.toY());
        String hover = (from == null ? "requests" : from.label()) + " to " + (to == null ? "answers" : to.label())
                + ": " + count(band.flow()) + " tokens/s";
        String colour = band.bottleneck() ? Palette.ALARM : band.crosses() ? FAR_BAND : BAND;
        double opacity = band.bottleneck() ? 0.9 : rows.bands().size() > 80 ? 0.25 : 0.5;
        svg.path(path, colour, Math.max(1, placed.width()), opacity, "", hover);
    }

    private void legend(String note, String bottleneck) {
        double top = rows.bottom();
        double left = axisLeft - PORT - 5;
        double first = rows.rows().isEmpty() ? TOP : rows.rows().get(0).middle() - 12;
        svg.rect(left, first, 5, Math.max(0, top - first - 4), 2, "#8c959f", "requests come in");
        svg.rect(axisRight + PORT, first, 5, Math.max(0, top - first - 4), 2, "#8c959f", "tokens go out");
        svg.text(left, top + 14, "requests in", 11, Svg.MUTED, Anchor.MIDDLE, false);
        svg.text(axisRight + PORT, top + 14, "tokens out", 11, Svg.MUTED, Anchor.MIDDLE, false);
        double y = top + 42;
        double at = LEFT;
        for (var entry : colours.entrySet()) {
            long nodes = graph.nodes().stream()
                    .filter(n -> n.type().equals(entry.getKey()))
                    .count();
            String text = nodes + " × " + entry.getKey();
            svg.rect(at, y - 10, 12, 12, 2, entry.getValue(), "");
            svg.text(at + 17, y, text, 12, Svg.INK, Anchor.START, false);
            at += 17 + Svg.textWidth(text, 12) + 22;
        }
        at = band(at, y, BAND, "flow, as wide as tokens/s");
        if (graph.edges().stream().anyMatch(graph::crosses)) {
            at = band(at, y, FAR_BAND, "flow between regions");
        }
        svg.outline(at, y - 10, 14, 11, 2, Palette.ALARM, 2.5);
        svg.text(at + 20, y, "bottleneck", 12, Palette.ALARM, Anchor.START, true);
        for (String line : wrap(bottleneck, 185)) {
            y += 20;
            svg.text(LEFT, y, line, 12, Svg.INK, Anchor.START, false);
        }
        if (!note.isEmpty()) {
            y += 20;
            svg.text(LEFT, y, note, 11, Svg.MUTED, Anchor.START, false);
        }
        svg.height(y + 22);
    }

    private double band(double at, double y, String colour, String text) {
        svg.path("M" + Svg.number(at) + "," + Svg.number(y - 4) + "h22", colour, 7, 0.5, "", "");
        svg.text(at + 28, y, text, 12, Svg.INK, Anchor.START, false);
        return at + 28 + Svg.textWidth(text, 12) + 22;
    }

    static List<String> wrap(String text, int characters) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > characters) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        if (line.length() > 0) {
            lines.add(line.toString());
        }
        return lines;
    }

    private static String count(double tokensPerSecond) {
        if (tokensPerSecond < 0.5) {
            return "0";
        }
        return String.format(Locale.ROOT, tokensPerSecond >= 100 ? "%,.0f" : "%.3g", tokensPerSecond);
    }

    private static String percent(double share) {
        return Math.round(share * 100) + " %";
    }
}
