package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.runtime.ActivationDtype;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example in another language, run as it stands there: a foreign Kafka client and a foreign serializer. */
final class PythonExampleIT {
    private static final String PYTHON = System.getenv().getOrDefault("SLUICE_TEST_PYTHON", "python3");
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    Path data;

    @Test
    void shouldAnswerAForeignClient() throws Exception {
        assumeTrue(
                hasClient(),
                "skipped: " + PYTHON
                        + " has no confluent-kafka; pip install \"confluent-kafka[avro,schemaregistry]\" and"
                        + " point SLUICE_TEST_PYTHON at that interpreter to run the Python example");
        StackConfig config = new StackConfig(
                PsalmReference.FOLDER,
                PsalmReference.MODEL,
                List.of(WorkerSpec.of("only", "cpu")),
                1,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP32,
                data,
                StackConfig.Ports.FREE);
        try (EmbeddedStack stack = EmbeddedStack.start(config, Progress.SILENT)) {
            String script = StackFolder.repository().resolve("examples/ask.py").toString();
            String description =
                    Path.of(stack.description().data()).resolve("stack.json").toString();
            List<String> ask = List.of(PYTHON, script, "--stack", description, "--max-tokens", "8", "Once upon a time");
            Output answer = run(ask);
            assertThat(answer.status()).as(answer.text()).isZero();
            assertThat(answer.text().strip()).isNotEmpty();
            assertThat(run(ask)).as("greedy, so the same again").isEqualTo(answer);

            Output refused = run(List.of(PYTHON, script, "--stack", description, "--max-tokens", "0", "Once"));
            assertThat(refused.status()).isEqualTo(1);
            assertThat(refused.text()).contains("INVALID_REQUEST", "max_tokens 0");
        }
    }

    private static boolean hasClient() throws InterruptedException {
        try {
            return run(List.of(PYTHON, "-c", "import confluent_kafka.schema_registry.avro"))
                            .status()
                    == 0;
        } catch (IOException e) {
            return false; // no such interpreter
        }
    }

    private record Output(int status, String text) {}

    private static Output run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " did not end within " + PATIENCE);
        }
        return new Output(
                process.exitValue(), new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
}
