package io.sluice.launcher.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * llama.cpp on the same weights, as {@code infra/checks/smollm2.py} sets it up: an optional peer.
 *
 * @param python interpreter of its environment
 * @param script prints the decode speed
 * @param model the F32 GGUF file both sides run
 */
record LlamaCpp(Path python, Path script, Path model) {

    /** The peer, where it has been set up: below {@code .sluice/checks} or where SLUICE_SMOLLM2_DIR points. */
    static Optional<LlamaCpp> find(Path repository) {
        String configured = System.getenv("SLUICE_SMOLLM2_DIR");
        Path folder = configured == null ? repository.resolve(".sluice/checks/smollm2") : Path.of(configured);
        LlamaCpp peer = new LlamaCpp(
                folder.resolve("venv/bin/python"),
                repository.resolve("infra/checks/llama_decode.py"),
                folder.resolve("SmolLM2-135M-Instruct.F32.gguf"));
        boolean complete = Files.exists(peer.python) && Files.exists(peer.script) && Files.exists(peer.model);
        return complete ? Optional.of(peer) : Optional.empty();
    }

    /** Decode tokens/s, one figure. */
    List<Double> decode(int threads, int promptTokens, int tokens) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        python.toString(),
                        script.toString(),
                        model.toString(),
                        "--threads",
                        Integer.toString(threads),
                        "--prompt-tokens",
                        Integer.toString(promptTokens),
                        "--tokens",
                        Integer.toString(tokens),
                        "--rounds",
                        "1")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(
                    "llama.cpp failed; try: " + python + " " + script + " " + model + " --threads " + threads);
        }
        List<Double> speeds = new ArrayList<>();
        for (JsonNode speed : new ObjectMapper().readTree(output).get("decode_tokens_per_s")) {
            speeds.add(speed.asDouble());
        }
        return speeds;
    }
}
