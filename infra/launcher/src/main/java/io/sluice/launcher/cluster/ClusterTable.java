package io.sluice.launcher.cluster;

import io.sluice.clusters.ClusterDescription;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.placement.PlacementConstraints;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A cluster description as a table for people. */
final class ClusterTable {
    private static final String TYPE_ROW = "%-16s %6s %10s %10s %10s %9s %7s  %s%n";
    private static final String LINK_ROW = "%-16s %-16s %8s %22s %16s%n";
    private static final String HELD_ROW = "  %-14s %10s %18s %22s%n";

    private final ClusterDescription description;
    private final Cluster cluster;

    ClusterTable(ClusterDescription description) {
        this.description = description;
        this.cluster = description.cluster();
    }

    void print(PrintWriter out) {
        out.println("cluster " + cluster.name() + ": " + cluster.nodes().size() + " machines, coordinator "
                + megabytes(cluster.coordinatorOutBytesPerSecond()) + " MB/s out, "
                + megabytes(cluster.coordinatorInBytesPerSecond()) + " MB/s in");
        types(out);
        links(out);
        description.models().values().forEach(model -> model(out, model));
    }

    private void types(PrintWriter out) {
        out.println();
        out.printf(
                Locale.ROOT,
                TYPE_ROW,
                "type",
                "number",
                "memory GB",
                "NIC MB/s",
                "load MB/s",
                "price/h",
                "watts",
                "regions");
        for (MachineType type : cluster.types()) {
            Map<String, Integer> regions = new TreeMap<>();
            cluster.nodes().stream()
                    .filter(node -> node.type().equals(type.name()))
                    .forEach(node -> regions.merge(node.region(), 1, Integer::sum));
            out.printf(
                    Locale.ROOT,
                    TYPE_ROW,
                    type.name(),
                    regions.values().stream().mapToInt(n -> n).sum(),
                    number(type.memoryBytes() / 1e9),
                    megabytes(Math.min(type.nicInBytesPerSecond(), type.nicOutBytesPerSecond())),
                    megabytes(type.loadBytesPerSecond()),
                    type.pricePerHour() == 0 ? "-" : number(type.pricePerHour()),
                    type.busyWatts() == 0 ? "-" : number(type.busyWatts()),
                    regions.entrySet().stream()
                            .map(region -> region.getKey() + " " + region.getValue())
                            .collect(Collectors.joining(", ")));
        }
    }

    /** Range of the links between two regions. */
    private static final class Range {
        private int links;
        private double slowest = Double.POSITIVE_INFINITY;
        private double fastest;
        private double nearest = Double.POSITIVE_INFINITY;
        private double farthest;

        void add(double bytesPerSecond, double latencySeconds) {
            links++;
            slowest = Math.min(slowest, bytesPerSecond);
            fastest = Math.max(fastest, bytesPerSecond);
            nearest = Math.min(nearest, latencySeconds);
            farthest = Math.max(farthest, latencySeconds);
        }
    }

    private void links(PrintWriter out) {
        Map<String, Range> ranges = new TreeMap<>();
        Links links = cluster.links();
        for (int from = Links.COORDINATOR; from < links.nodes(); from++) {
            for (int to = Links.COORDINATOR; to < links.nodes(); to++) {
                if (from != to && links.exists(from, to)) {
                    ranges.computeIfAbsent(
                                    String.format(Locale.ROOT, "%-16s %-16s", region(from), region(to)),
                                    pair -> new Range())
                            .add(links.bytesPerSecond(from, to), links.latencySeconds(from, to));
                }
            }
        }
        out.println();
        out.printf(Locale.ROOT, LINK_ROW, "from", "to", "links", "MB/s", "ms");
        ranges.forEach((pair, range) -> out.printf(
                Locale.ROOT,
                "%s %8d %22s %16s%n",
                pair,
                range.links,
                range(megabytes(range.slowest), megabytes(range.fastest)),
                range(number(range.nearest * 1e3), number(range.farthest * 1e3))));
    }

    private String region(int node) {
        return node == Links.COORDINATOR
                ? "coordinator"
                : cluster.nodes().get(node).region();
    }

    private void model(PrintWriter out, ModelProfile model) {
        var spec = model.model();
        out.println();
        out.println("model " + spec.name() + ": " + spec.layerCount() + " layers of "
                + megabytes(spec.layerBytes()) + " MB, " + spec.kvBytesPerTokenLayer()
                + " bytes of KV cache per token and layer, "
                + spec.activationBytesPerToken() + " bytes per token between machines, demand "
                + number(description.demandOf(spec.name())));
        asked(out, description.constraintsOf(spec.name()));
        out.printf(Locale.ROOT, HELD_ROW, "type", "layers", "tokens/s", "KV tokens per layer");
        for (MachineType type : cluster.types()) {
            LayerProfile layers = model.byType().get(type.name());
            if (layers == null) {
                out.printf(Locale.ROOT, HELD_ROW, type.name(), "none", "", "");
                continue;
            }
            LayerProfile.Held most = layers.holding(layers.maxLayers());
            out.printf(
                    Locale.ROOT,
                    HELD_ROW,
                    type.name(),
                    "1 to " + layers.maxLayers(),
                    range(number(layers.holding(1).tokensPerSecond()), number(most.tokensPerSecond())),
                    range(Long.toString(layers.holding(1).kvTokensPerLayer()), Long.toString(most.kvTokensPerLayer())));
        }
        long held = cluster.nodes().stream()
                .map(node -> model.byType().get(node.type()))
                .mapToLong(layers -> layers == null ? 0 : layers.maxLayers())
                .sum();
        out.println("  all machines hold " + held + " layers, " + number((double) held / spec.layerCount())
                + " times the model");
    }

    private static void asked(PrintWriter out, PlacementConstraints asked) {
        if (!asked.allowedRegions().isEmpty()) {
            out.println("  only in regions " + asked.allowedRegions());
        }
        if (!asked.emptyNodes().isEmpty()) {
            out.println("  left empty: " + asked.emptyNodes());
        }
        asked.pinned().forEach((node, layers) -> out.println("  pinned: " + node + " holds " + layers));
        if (asked.maxHops() > 0) {
            out.println("  at most " + asked.maxHops() + " stages in a pipeline");
        }
        if (asked.minReplicas() > 1) {
            out.println("  every layer on at least " + asked.minReplicas() + " machines");
        }
        if (asked.priceCeilingPerHour() > 0) {
            out.println("  machines used cost at most " + number(asked.priceCeilingPerHour()) + " per hour");
        }
        if (asked.partialInference()) {
            out.println("  a pipeline may enter a machine behind its first layer");
        }
    }

    private static String range(String least, String most) {
        return least.equals(most) ? least : least + " to " + most;
    }

    private static String megabytes(double bytes) {
        return number(bytes / 1e6);
    }

    /** Three significant digits, no trailing zeros, no exponent. */
    private static String number(double value) {
        if (value == 0) {
            return "0";
        }
        BigDecimal rounded = new BigDecimal(value)
                .round(new MathContext(Math.max(3, (int) Math.floor(Math.log10(Math.abs(value))) + 1)));
        return rounded.stripTrailingZeros().toPlainString();
    }
}
