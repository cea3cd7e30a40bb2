package io.sluice.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.embedded.WanShape;
import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.InferenceRequest;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.InProcessGenerator;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.SamplingParams;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three worker processes at a site each, across relays with delay, jitter and loss. */
@Timeout(600)
@Tag("long")
final class WanStackIT {
    private static final int TOKENS = 24;
    private static final WanShape FAR = WanShape.parse("40ms,100mbit,jitter=2ms,loss=0.2%");

    @TempDir
    Path data;

    @Test
    void shouldGenerateAcrossSitesWhatOneProcessGenerates() throws Exception {
        int[] prompt = IntStream.range(0, 200).map(i -> 100 + (i * 31) % 800).toArray();
        int[] expected;
        int layers;
        try (ModelWeights weights = ModelFiles.weights(BenchStacks.psalmModel());
                InProcessGenerator generator = InProcessGenerator.open(weights, new RuntimeOptions(1, 64L << 20))) {
            layers = weights.config().layerCount();
            expected = generator.generate(prompt, TOKENS, SamplingParams.GREEDY, 128);
        }
        try (EmbeddedStack stack = EmbeddedStack.start(
                BenchStacks.chain(data, BenchStacks.psalmModel(), "psalm", layers, 3)
                        .withActivations(ActivationDtype.FP32)
                        .withWan(FAR),
                Progress.SILENT)) {
            RequestOutcome outcome = LoadRun.play(
                            stack.description(),
                            new LoadPlan(List.of(new LoadPlan.Planned(0, request(prompt)))),
                            1,
                            Duration.ofMinutes(3),
                            new LoadGenerator.Listener() {})
                    .run()
                    .outcomes()
                    .getFirst();
            assertThat(outcome.completed()).isTrue();
            assertThat(outcome.tokenIds())
                    .containsExactlyElementsOf(IntStream.of(expected).boxed().toList());
            // Three records a token, two crossings each: no token can come sooner after the one before it.
            double least = IntStream.range(0, TOKENS - 1)
                    .mapToDouble(i -> outcome.interTokenMs()[i])
                    .sum();
            assertThat(least).isGreaterThan((TOKENS - 1) * 6 * FAR.crossingNanos() / 1e6 * 0.9);
        }
    }

    private static InferenceRequest request(int[] prompt) {
        return InferenceRequest.newBuilder()
                .setRequestId("far-away")
                .setModel("psalm")
                .setPromptTokenIds(IntStream.of(prompt).boxed().toList())
                .setMaxTokens(TOKENS)
                .setIgnoreEos(true)
                .build();
    }
}
