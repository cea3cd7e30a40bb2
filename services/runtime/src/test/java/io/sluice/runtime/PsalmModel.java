package io.sluice.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.LayerRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The small model that ships with the repository, and its float64 reference. */
public final class PsalmModel {
    private PsalmModel() {}

    /** A prompt and its greedy continuation. */
    public record Case(String prompt, int[] promptIds, int[] greedyIds) {}

    /** Found by walking up from the working folder. */
    public static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path folder = at.resolve("models").resolve("psalm");
            if (Files.isDirectory(folder)) {
                return folder;
            }
        }
        throw new IllegalStateException("no models/psalm above " + Path.of("").toAbsolutePath());
    }

    public static List<Case> cases() throws IOException {
        List<Case> cases = new ArrayList<>();
        for (JsonNode json : new ObjectMapper()
                .readTree(folder().resolve("reference.json").toFile())
                .get("cases")) {
            cases.add(new Case(
                    json.get("prompt").asText(), ids(json.get("prompt_token_ids")), ids(json.get("greedy_token_ids"))));
        }
        return cases;
    }

    /** Cuts the layers into {@code stages} ranges of nearly equal size. */
    public static List<LayerRange> cut(int layerCount, int stages) {
        List<LayerRange> ranges = new ArrayList<>();
        for (int i = 0; i < stages; i++) {
            ranges.add(new LayerRange(layerCount * i / stages, layerCount * (i + 1) / stages));
        }
        return ranges;
    }

    private static int[] ids(JsonNode json) {
        int[] ids = new int[json.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = json.get(i).asInt();
        }
        return ids;
    }
}
