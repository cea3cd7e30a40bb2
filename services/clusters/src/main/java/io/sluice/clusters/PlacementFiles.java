package io.sluice.clusters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.clusters.PlacementFile.PlacedStage;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Placements as JSON files; {@link #schema} describes them. Stateless. */
public final class PlacementFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final SchemaCheck SCHEMA = SchemaCheck.ofResource("placement.schema.json");

    private PlacementFiles() {}

    /** The JSON Schema (draft 2020-12). */
    public static String schema() {
        return SCHEMA.text();
    }

    /**
     * Reads a placement.
     *
     * @throws ClusterFileException when the file cannot be read or is wrong; names file, line, field and value
     */
    public static PlacementFile read(Path file) {
        FileValue document = JsonReader.read(file);
        Problems problems = new Problems(file.toString());
        SCHEMA.check(document, problems);
        problems.check();
        List<PlacedStage> stages = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (FileValue stage : document.get("stages").items()) {
            FileValue worker = stage.get("worker");
            if (!seen.add(worker.text())) {
                problems.add(worker, worker + " is placed twice; a worker holds one layer range");
            }
            long first = stage.get("first_layer").whole();
            FileValue end = stage.get("end_layer");
            if (end.whole() <= first) {
                problems.add(end, end + " must be above first_layer " + first + "; it is the first layer not held");
            } else {
                stages.add(new PlacedStage(
                        new WorkerId(worker.text()),
                        new LayerRange((int) first, (int) end.whole()),
                        stage.has("group") ? stage.get("group").text() : "",
                        stage.has("kv_tokens_per_layer")
                                ? stage.get("kv_tokens_per_layer").whole()
                                : 0));
            }
        }
        problems.check();
        return new PlacementFile(
                document.get("cluster").text(),
                document.get("model").text(),
                document.get("method").text(),
                stages);
    }

    /**
     * Writes a placement, one stage per line.
     *
     * @throws UncheckedIOException when the file cannot be written; names it
     */
    public static void write(PlacementFile placement, Path file) {
        try {
            Files.writeString(file, text(placement));
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written: " + e.getMessage(), e);
        }
    }

    /** The same as text. */
    public static String text(PlacementFile placement) {
        try {
            StringBuilder out = new StringBuilder("{\n");
            out.append("  \"cluster\": ").append(JSON.writeValueAsString(placement.cluster()));
            out.append(",\n  \"model\": ").append(JSON.writeValueAsString(placement.model()));
            out.append(",\n  \"method\": ").append(JSON.writeValueAsString(placement.method()));
            out.append(",\n  \"stages\": [");
            String separator = "\n    ";
            for (ObjectNode stage : stages(placement)) {
                out.append(separator).append(JSON.writeValueAsString(stage));
                separator = ",\n    ";
            }
            return out.append("\n  ]\n}\n").toString();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a placement must be writable as JSON", e);
        }
    }

    private static List<ObjectNode> stages(PlacementFile placement) {
        ArrayNode list = JSON.createArrayNode();
        List<ObjectNode> nodes = new ArrayList<>();
        for (PlacedStage stage : placement.stages()) {
            ObjectNode node = list.addObject();
            node.put("worker", stage.worker().value());
            node.put("first_layer", stage.layers().first());
            node.put("end_layer", stage.layers().end());
            if (!stage.group().isEmpty()) {
                node.put("group", stage.group());
            }
            if (stage.kvTokensPerLayer() > 0) {
                node.put("kv_tokens_per_layer", stage.kvTokensPerLayer());
            }
            nodes.add(node);
        }
        return nodes;
    }
}
