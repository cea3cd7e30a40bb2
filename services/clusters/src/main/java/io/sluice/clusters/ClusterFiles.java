package io.sluice.clusters;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.ModelProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cluster files: YAML that people write by hand. {@code examples/clusters/README.md} explains the format, {@link
 * #schema} is its JSON Schema. Stateless and thread-safe.
 */
public final class ClusterFiles {
    static final SchemaCheck SCHEMA = SchemaCheck.ofResource("cluster.schema.json");

    private static final int MOST_NODES_NAMED = 10;

    private ClusterFiles() {}

    /** The JSON Schema (draft 2020-12) of cluster files. */
    public static String schema() {
        return SCHEMA.text();
    }

    /**
     * Reads a cluster file. At most 64 MiB, 5,000 nodes, 32 levels and 4 million values.
     *
     * @throws ClusterFileException when it cannot be read or is wrong; every problem names file, line, path, value and
     *     remedy
     */
    public static ClusterDescription read(Path file) {
        return new ClusterReader(file).read();
    }

    /**
     * Writes a cluster file that reads back as the same description: units that people read, links as regions, pairs or
     * a matrix, whichever is shortest, and every profile as a table.
     *
     * @throws UncheckedIOException when the file cannot be written; names it
     */
    public static void write(ClusterDescription description, Path file) {
        try {
            Files.writeString(file, text(description));
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** What {@link #write} writes. */
    public static String text(ClusterDescription description) {
        return new ClusterWriter(description).text();
    }

    /**
     * What is allowed but hardly meant: nodes that no request reaches or that reach nobody, models that do not fit.
     * One sentence each.
     */
    public static List<String> warnings(ClusterDescription description) {
        List<String> warnings = new ArrayList<>();
        Cluster cluster = description.cluster();
        boolean[] reached = reach(cluster.links(), true);
        boolean[] reaching = reach(cluster.links(), false);
        for (int i = 0; i < cluster.nodes().size(); i++) {
            String node = "node " + cluster.nodes().get(i).id() + " in region "
                    + cluster.nodes().get(i).region();
            if (!reached[i]) {
                warnings.add(node + " cannot be reached from the coordinator; give it a link");
            } else if (!reaching[i]) {
                warnings.add(node + " has no way back to the coordinator; give it a link");
            }
        }
        if (warnings.size() > MOST_NODES_NAMED) {
            int more = warnings.size() - MOST_NODES_NAMED;
            warnings.subList(MOST_NODES_NAMED, warnings.size()).clear();
            warnings.add("and " + more + " more nodes like these");
        }
        for (ModelProfile model : description.models().values()) {
            long layers = cluster.nodes().stream()
                    .mapToLong(node -> model.byType().containsKey(node.type())
                            ? model.byType().get(node.type()).maxLayers()
                            : 0)
                    .sum();
            if (layers < model.model().layerCount()) {
                warnings.add("model " + model.model().name() + " has "
                        + model.model().layerCount() + " layers, but all machines together hold " + layers
                        + "; add machines or narrower weights");
            }
        }
        return warnings;
    }

    /** Which nodes requests get to from the coordinator, or (backwards) which get to the coordinator. */
    private static boolean[] reach(Links links, boolean forward) {
        boolean[] seen = new boolean[links.nodes()];
        Deque<Integer> next = new ArrayDeque<>(List.of(Links.COORDINATOR));
        while (!next.isEmpty()) {
            int at = next.poll();
            for (int to = 0; to < seen.length; to++) {
                if (to != at && !seen[to] && (forward ? links.exists(at, to) : links.exists(to, at))) {
                    seen[to] = true;
                    next.add(to);
                }
            }
        }
        return seen;
    }
}
