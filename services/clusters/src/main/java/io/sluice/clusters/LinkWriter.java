package io.sluice.clusters;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** Links as a default with the pairs that differ, as regions, or as a matrix: the shortest that says all. */
final class LinkWriter {
    private final Cluster cluster;
    private final Links links;
    private final int nodes;

    LinkWriter(Cluster cluster) {
        this.cluster = cluster;
        this.links = cluster.links();
        this.nodes = links.nodes();
    }

    /** Bandwidth and latency of a link; a link that does not exist has neither. */
    private record Speed(double bytesPerSecond, double latencySeconds) {
        String text() {
            return "bandwidth: " + (bytesPerSecond == 0 ? "0" : Units.printRate(bytesPerSecond)) + ", latency: "
                    + (latencySeconds == 0 ? "0" : Units.printDuration(latencySeconds));
        }
    }

    /**
     * Writes the section.
     *
     * @param line takes depth and text of a line
     */
    void write(BiConsumer<Integer, String> line) {
        line.accept(0, "links:");
        Speed common = mostCommon();
        List<String> different = pairs(common);
        Map<String, Speed> byRegion = byRegion();
        if (different.size() > nodes && byRegion != null) {
            line.accept(1, "regions:");
            byRegion.forEach((ends, speed) -> line.accept(2, "- {" + ends + ", " + speed.text() + ", one_way: true}"));
        } else if (different.size() <= 2 * nodes || nodes > 500) {
            line.accept(1, "default: {" + common.text() + "}");
            if (!different.isEmpty()) {
                line.accept(1, "nodes:");
                different.forEach(text -> line.accept(2, text));
            }
        } else {
            matrix(line);
        }
    }

    private Speed speed(int from, int to) {
        return links.exists(from, to)
                ? new Speed(links.bytesPerSecond(from, to), links.latencySeconds(from, to))
                : new Speed(0, 0);
    }

    private Speed mostCommon() {
        Map<Speed, Integer> counts = new HashMap<>();
        Speed best = new Speed(0, 0);
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            for (int to = Links.COORDINATOR; to < nodes; to++) {
                if (from != to) {
                    Speed speed = speed(from, to);
                    int count = counts.merge(speed, 1, Integer::sum);
                    if (count > counts.getOrDefault(best, 0)) {
                        best = speed;
                    }
                }
            }
        }
        return best;
    }

    /** Every pair that is not {@code common}, both directions in one line where they are alike. */
    private List<String> pairs(Speed common) {
        List<String> lines = new ArrayList<>();
        for (int a = Links.COORDINATOR; a < nodes; a++) {
            for (int b = a + 1; b < nodes; b++) {
                Speed there = speed(a, b);
                Speed back = speed(b, a);
                if (there.equals(back)) {
                    if (!there.equals(common)) {
                        lines.add("- {from: " + name(a) + ", to: " + name(b) + ", " + there.text() + "}");
                    }
                    continue;
                }
                if (!there.equals(common)) {
                    lines.add("- {from: " + name(a) + ", to: " + name(b) + ", " + there.text() + ", one_way: true}");
                }
                if (!back.equals(common)) {
                    lines.add("- {from: " + name(b) + ", to: " + name(a) + ", " + back.text() + ", one_way: true}");
                }
            }
        }
        return lines;
    }

    /** Speed by pair of regions; null when links between the same two regions differ. */
    private Map<String, Speed> byRegion() {
        Map<String, Speed> byRegion = new TreeMap<>();
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            for (int to = Links.COORDINATOR; to < nodes; to++) {
                if (from != to) {
                    Speed speed = speed(from, to);
                    Speed before = byRegion.putIfAbsent("from: " + region(from) + ", to: " + region(to), speed);
                    if (before != null && !before.equals(speed)) {
                        return null;
                    }
                }
            }
        }
        return byRegion;
    }

    private void matrix(BiConsumer<Integer, String> line) {
        List<String> names = new ArrayList<>();
        for (int i = Links.COORDINATOR; i < nodes; i++) {
            names.add(name(i));
        }
        line.accept(1, "matrix:");
        line.accept(2, "between: [" + String.join(", ", names) + "]");
        line.accept(2, "megabytes_per_second:");
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            line.accept(3, "- " + row(from, true));
        }
        line.accept(2, "latency_ms:");
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            line.accept(3, "- " + row(from, false));
        }
    }

    private String row(int from, boolean bandwidth) {
        List<String> cells = new ArrayList<>();
        for (int to = Links.COORDINATOR; to < nodes; to++) {
            Speed speed = from == to ? new Speed(0, 0) : speed(from, to);
            cells.add(bandwidth ? Units.scaled(speed.bytesPerSecond(), 6) : Units.scaled(speed.latencySeconds(), -3));
        }
        return "[" + String.join(", ", cells) + "]";
    }

    private String name(int node) {
        return node == Links.COORDINATOR
                ? LinkReader.COORDINATOR_NAME
                : ClusterWriter.quoted(cluster.nodes().get(node).id().value());
    }

    private String region(int node) {
        return node == Links.COORDINATOR
                ? LinkReader.COORDINATOR_NAME
                : ClusterWriter.quoted(cluster.nodes().get(node).region());
    }
}
