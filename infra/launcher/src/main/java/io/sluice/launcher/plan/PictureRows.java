package io.sluice.launcher.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Which node is drawn in which row, and how high rows are. Nodes of a region stay together, by first layer; above {@link
 * #MOST_ROWS} nodes that hold the same layers on the same machine type in the same region share a row. Immutable.
 */
final class PictureRows {
    static final int MOST_ROWS = 260;

    private static final double HEADER = 26;
    private static final double GAP = 8;

    private final List<Row> rows = new ArrayList<>();
    private final List<Region> regions = new ArrayList<>();
    private final List<Band> bands = new ArrayList<>();
    private double rowHeight;
    private double bottom;

    private PictureRows() {}

    /** One bar; flow and capacity are sums over its nodes. */
    record Row(
            String label,
            String type,
            int first,
            int end,
            double flow,
            double capacity,
            boolean bottleneck,
            double middle) {}

    /**
     * A region's title.
     *
     * @param empty nodes without layers, as a list for people
     */
    record Region(String title, double top, String empty) {}

    /** Flow between two rows; -1 is the coordinator. */
    record Band(int from, int to, double flow, boolean crosses, boolean bottleneck) {}

    static PictureRows of(PlanGraph graph, double top) {
        PictureRows made = new PictureRows();
        long holding = graph.nodes().stream().filter(PlanGraph.Node::holds).count();
        made.rowHeight = holding <= 40 ? 24 : holding <= 100 ? 16 : 11;
        int[] rowOf = made.place(graph, top - HEADER, holding > MOST_ROWS);
        made.connect(graph, rowOf);
        return made;
    }

    List<Row> rows() {
        return rows;
    }

    List<Region> regions() {
        return regions;
    }

    List<Band> bands() {
        return bands;
    }

    double rowHeight() {
        return rowHeight;
    }

    double barHeight() {
        return Math.round(rowHeight * 0.66);
    }

    double bottom() {
        return bottom;
    }

    private int[] place(PlanGraph graph, double top, boolean share) {
        int[] rowOf = new int[graph.nodes().size()];
        Map<String, List<Integer>> byRegion = new TreeMap<>(Comparator.comparing(PictureRows::naturalKey));
        IntStream.range(0, graph.nodes().size())
                .forEach(i -> byRegion.computeIfAbsent(graph.nodes().get(i).region(), region -> new ArrayList<>())
                        .add(i));
        double y = top;
        for (Map.Entry<String, List<Integer>> region : byRegion.entrySet()) {
            double headerTop = y;
            y += HEADER;
            Map<String, List<Integer>> groups = groups(graph, region.getValue(), share);
            for (List<Integer> group : groups.values()) {
                group.forEach(node -> rowOf[node] = rows.size());
                rows.add(row(graph, group, y + rowHeight / 2));
                y += rowHeight;
            }
            List<String> empty = region.getValue().stream()
                    .map(graph.nodes()::get)
                    .filter(node -> !node.holds())
                    .map(PlanGraph.Node::id)
                    .toList();
            String size =
                    region.getValue().size() == 1 ? "1 node" : region.getValue().size() + " nodes";
            regions.add(new Region("region " + region.getKey() + " · " + size, headerTop, String.join(", ", empty)));
            y += GAP;
        }
        bottom = y;
        return rowOf;
    }

    private static Map<String, List<Integer>> groups(PlanGraph graph, List<Integer> nodes, boolean share) {
        Map<String, List<Integer>> groups = new LinkedHashMap<>();
        nodes.stream()
                .filter(i -> graph.nodes().get(i).holds())
                .sorted(Comparator.<Integer>comparingInt(
                                i -> graph.nodes().get(i).first())
                        .thenComparingInt(i -> graph.nodes().get(i).end())
                        .thenComparing(i -> graph.nodes().get(i).type())
                        .thenComparing(i -> naturalKey(graph.nodes().get(i).id())))
                .forEach(i -> {
                    PlanGraph.Node node = graph.nodes().get(i);
                    String key = share ? node.type() + " " + node.range() : node.id();
                    groups.computeIfAbsent(key, k -> new ArrayList<>()).add(i);
                });
        return groups;
    }

    private static Row row(PlanGraph graph, List<Integer> group, double middle) {
        PlanGraph.Node one = graph.nodes().get(group.get(0));
        double flow = 0;
        double capacity = 0;
        boolean bottleneck = false;
        for (int i : group) {
            flow += graph.nodes().get(i).flow();
            capacity += graph.nodes().get(i).capacity();
            bottleneck |= graph.nodes().get(i).bottleneck();
        }
        String label = group.size() == 1 ? one.id() : group.size() + " × " + one.type();
        return new Row(label, one.type(), one.first(), one.end(), flow, capacity, bottleneck, middle);
    }

    private void connect(PlanGraph graph, int[] rowOf) {
        Map<List<Integer>, Band> merged = new LinkedHashMap<>();
        for (PlanGraph.Edge edge : graph.edges()) {
            int from = edge.from() < 0 ? -1 : rowOf[edge.from()];
            int to = edge.to() < 0 ? -1 : rowOf[edge.to()];
            merged.merge(
                    List.of(from, to),
                    new Band(from, to, edge.flow(), graph.crosses(edge), edge.bottleneck()),
                    (a, b) -> new Band(
                            from,
                            to,
                            a.flow() + b.flow(),
                            a.crosses() || b.crosses(),
                            a.bottleneck() || b.bottleneck()));
        }
        bands.addAll(merged.values());
    }

    /** Orders {@code t4-2} before {@code t4-10}. */
    static String naturalKey(String name) {
        StringBuilder key = new StringBuilder();
        int i = 0;
        while (i < name.length()) {
            int start = i;
            while (i < name.length() && Character.isDigit(name.charAt(i))) {
                i++;
            }
            if (i > start) {
                key.append("0".repeat(Math.max(0, 12 - (i - start)))).append(name, start, i);
            } else {
                key.append(name.charAt(i++));
            }
        }
        return key.toString();
    }
}
