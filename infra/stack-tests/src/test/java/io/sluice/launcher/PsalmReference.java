package io.sluice.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.records.InferenceRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The repository's own model and its greedy continuations, which another implementation made. */
final class PsalmReference {
    static final String MODEL = "psalm";
    static final Path FOLDER = StackFolder.repository().resolve("models").resolve(MODEL);

    private PsalmReference() {}

    /** A prompt and what follows it, end tokens included. */
    record Case(String prompt, List<Integer> promptTokenIds, List<Integer> tokenIds) {
        /** Asks for the whole continuation; waits up to {@code deadline} for a pipeline. */
        InferenceRequest request(String id, Duration deadline) {
            return InferenceRequest.newBuilder()
                    .setRequestId(id)
                    .setModel(MODEL)
                    .setPrompt(prompt)
                    .setMaxTokens(tokenIds.size())
                    .setIgnoreEos(true)
                    .setDeadlineMs(deadline.toMillis())
                    .build();
        }
    }

    static List<Case> cases() {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(FOLDER.resolve("reference.json").toFile());
        } catch (IOException e) {
            throw new AssertionError(FOLDER + " has no readable reference.json", e);
        }
        List<Case> cases = new ArrayList<>();
        for (JsonNode node : root.get("cases")) {
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
