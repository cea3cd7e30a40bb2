package io.sluice.clusters;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The flows Helix's artefact routes by, from {@code layouts/flows.csv} of a {@link HelixFolder}'s folder. A maximum flow
 * is not unique and its split becomes the routing weights, so a published result belongs to one split.
 */
public final class HelixFlows {
    private HelixFlows() {}

    /**
     * Tokens per second by {@code from>to}, ends as node numbers of the cluster, -1 for the coordinator; links without
     * flow are left out. Empty: nothing is published for this layout.
     *
     * @throws IllegalArgumentException when the file cannot be read; names file, line and value
     */
    public static Map<String, Double> read(Path folder, String cluster, String model, String method) {
        Map<String, Double> flows = new TreeMap<>();
        CsvTable table = CsvTable.read(
                folder.resolve("layouts/flows.csv"), "cluster", "model", "method", "from", "to", "flow_tokens_per_s");
        for (CsvTable.Row row : table.rows()) {
            if (row.text("cluster").equals(cluster)
                    && row.text("model").equals(model)
                    && row.text("method").equals(method)) {
                flows.put(end(row, "from") + ">" + end(row, "to"), row.notNegative("flow_tokens_per_s"));
            }
        }
        return Collections.unmodifiableMap(flows);
    }

    private static int end(CsvTable.Row row, String column) {
        String text = row.text(column);
        return text.equals("source") || text.equals("sink") ? -1 : row.count(column, 0);
    }
}
