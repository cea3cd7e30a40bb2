package io.sluice.clusters;

import io.sluice.clusters.PlacementFile.PlacedStage;
import io.sluice.core.LayerRange;
import io.sluice.core.cluster.Node;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The published placements of a {@link HelixFolder}. Immutable. */
final class HelixLayouts {
    private static final String ALL = "all";

    private final CsvTable rows;
    private final List<CsvTable.Row> kvOverrides;

    HelixLayouts(Path folder) {
        Path layouts = folder.resolve("layouts");
        this.rows = CsvTable.read(
                layouts.resolve("layouts.csv"),
                "cluster",
                "model",
                "method",
                "sub_cluster",
                "node_index",
                "start_layer",
                "end_layer_exclusive");
        Path overrides = layouts.resolve("kv_overrides.csv");
        this.kvOverrides = Files.exists(overrides)
                ? CsvTable.read(overrides, "cluster", "model", "method", "gpu", "layers", "kv_capacity_token_layers")
                        .rows()
                : List.of();
    }

    /** Where the rows of a cluster are: under which cluster, and only those of one sub-cluster or all (empty). */
    private record Origin(String cluster, String only) {}

    PlacementFile layout(String cluster, List<Node> nodes, String model, String method) {
        Origin origin = origin(cluster, nodes);
        List<PlacedStage> stages = new ArrayList<>();
        for (CsvTable.Row row : rowsOf(origin, model)) {
            if (row.text("method").equals(method)) {
                stages.add(stage(row, origin, nodes));
            }
        }
        if (stages.isEmpty()) {
            throw new IllegalArgumentException(rows.file() + " has no layout of " + model + " on " + cluster
                    + " by method '" + method + "'; published there for this model: " + methods(cluster, nodes, model)
                    + "; models: "
                    + rows.rows().stream()
                            .filter(row -> row.text("cluster").equals(origin.cluster()))
                            .map(row -> row.text("model"))
                            .distinct()
                            .toList());
        }
        return new PlacementFile(cluster, model, method, stages);
    }

    List<String> methods(String cluster, List<Node> nodes, String model) {
        return rowsOf(origin(cluster, nodes), model).stream()
                .map(row -> row.text("method"))
                .distinct()
                .toList();
    }

    private List<CsvTable.Row> rowsOf(Origin origin, String model) {
        return rows.rows().stream()
                .filter(row -> row.text("cluster").equals(origin.cluster()))
                .filter(row -> row.text("model").equals(model))
                .filter(row ->
                        origin.only().isEmpty() || row.text("sub_cluster").equals(origin.only()))
                .toList();
    }

    private Origin origin(String cluster, List<Node> nodes) {
        List<String> published =
                rows.rows().stream().map(row -> row.text("cluster")).distinct().toList();
        if (published.contains(cluster)) {
            return new Origin(cluster, "");
        }
        Optional<String> pruned = published.stream()
                .filter(name -> cluster.startsWith(name + "_"))
                .findFirst();
        if (pruned.isPresent()) {
            return new Origin(pruned.get(), "");
        }
        String type = nodes.getFirst().type().toLowerCase(Locale.ROOT);
        int cut = cluster.lastIndexOf("_" + type + "x" + nodes.size());
        if (cut > 0) {
            String prefix = cluster.substring(0, cut);
            Optional<String> whole = published.stream()
                    .filter(name -> name.matches(prefix + "\\d+"))
                    .findFirst();
            if (whole.isPresent()) {
                return new Origin(whole.get(), type);
            }
        }
        return new Origin(cluster, "");
    }

    private PlacedStage stage(CsvTable.Row row, Origin origin, List<Node> nodes) {
        String group = row.text("sub_cluster");
        boolean whole = group.equals(ALL);
        List<Node> counted = whole
                ? nodes
                : nodes.stream()
                        .filter(node -> node.type().equalsIgnoreCase(group))
                        .toList();
        int index = row.count("node_index", 0);
        if (index >= counted.size()) {
            throw row.bad("node_index", "is no node: there are " + counted.size() + " in sub-cluster " + group);
        }
        int first = row.count("start_layer", 0);
        int end = row.count("end_layer_exclusive", 0);
        if (end <= first) {
            throw row.bad("end_layer_exclusive", "must be above start_layer " + first);
        }
        Node node = counted.get(index);
        return new PlacedStage(
                node.id(),
                new LayerRange(first, end),
                whole || !origin.only().isEmpty() ? "" : group,
                kvTokensPerLayer(row, node.type(), end - first));
    }

    private long kvTokensPerLayer(CsvTable.Row layout, String type, int layers) {
        for (CsvTable.Row row : kvOverrides) {
            if (row.text("cluster").equals(layout.text("cluster"))
                    && row.text("model").equals(layout.text("model"))
                    && row.text("method").equals(layout.text("method"))
                    && row.text("gpu").equals(type)
                    && row.count("layers", 1) == layers) {
                return row.whole("kv_capacity_token_layers", 1) / layers;
            }
        }
        return 0;
    }
}
