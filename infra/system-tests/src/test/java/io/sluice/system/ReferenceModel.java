package io.sluice.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.Assertions;

/** The model of the repository and what it must answer. */
final class ReferenceModel {
    static final String NAME = "psalm";

    private static final ObjectMapper JSON = new ObjectMapper();

    private ReferenceModel() {}

    /** A prompt and its greedy continuation. */
    record Case(String prompt, List<Integer> promptTokenIds, List<Integer> tokenIds) {}

    static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path folder = at.resolve("models").resolve(NAME);
            if (Files.exists(folder.resolve("config.json"))) {
                return folder;
            }
        }
        return Assertions.fail("models/" + NAME + " is not above " + Path.of("").toAbsolutePath());
    }

    static int layerCount() throws IOException {
        return JSON.readTree(folder().resolve("config.json").toFile())
                .get("num_hidden_layers")
                .asInt();
    }

    static int hiddenSize() throws IOException {
        return JSON.readTree(folder().resolve("config.json").toFile())
                .get("hidden_size")
                .asInt();
    }

    static List<Case> cases() throws IOException {
        List<Case> cases = new ArrayList<>();
        for (JsonNode node :
                JSON.readTree(folder().resolve("reference.json").toFile()).get("cases")) {
            cases.add(new Case(
                    node.get("prompt").asText(),
                    ints(node.get("prompt_token_ids")),
                    ints(node.get("greedy_token_ids"))));
        }
        return cases;
    }

    private static List<Integer> ints(JsonNode array) {
        List<Integer> values = new ArrayList<>();
        array.forEach(item -> values.add(item.asInt()));
        return values;
    }
}
