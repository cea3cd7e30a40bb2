package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.runtime.InProcessGenerator.Request;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.runtime.weights.SafetensorsModel;
import io.sluice.runtime.weights.SyntheticModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InProcessGeneratorTest {
    private static final RuntimeOptions OPTIONS = new RuntimeOptions(2, 4 << 20);
    private static final SamplingParams WARM = new SamplingParams(0.9, 40, 0.95, 17);

    private static ModelWeights weights;
    private static InProcessGenerator whole;

    @BeforeAll
    static void load(@TempDir Path folder) throws Exception {
        weights = SafetensorsModel.open(SyntheticModel.write(folder, SyntheticModel.tiny(), ActivationDtype.FP16, 3));
        whole = InProcessGenerator.open(weights, OPTIONS);
    }

    @AfterAll
    static void unload() {
        whole.close();
        weights.close();
    }

    @Test
    void shouldSampleTheSameTextAloneTogetherAndInStages() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            SamplingParams sampling = new SamplingParams(0.9, 40, 0.95, i);
            requests.add(new Request(new int[] {i, 2 * i, 3, 4, 5}, 20 + i, sampling, false));
        }
        List<int[]> together = whole.generateAll(requests, 64);
        try (InProcessGenerator staged = InProcessGenerator.open(weights, PsalmModel.cut(6, 4), OPTIONS)) {
            List<int[]> inStages = staged.generateAll(requests, 3);
            for (int i = 0; i < requests.size(); i++) {
                Request request = requests.get(i);
                int[] alone = whole.generate(request.promptIds(), request.maxTokens(), request.sampling(), 8);
                assertThat(alone).hasSize(20 + i).isEqualTo(together.get(i)).isEqualTo(inStages.get(i));
            }
        }
        assertThat(together.get(1)).isNotEqualTo(together.get(2));
    }

    @Test
    void shouldStopAfterAnEndTokenWhenAsked() {
        int[] prompt = {1, 2, 3};
        int[] endless = whole.generate(prompt, 200, WARM, 64);
        int end = 0;
        while (end < endless.length && endless[end] != 0) {
            end++;
        }
        int[] stopped = whole.generateAll(List.of(new Request(prompt, 200, WARM, true)), 64)
                .getFirst();
        assertThat(stopped).hasSize(Math.min(endless.length, end + 1));
        assertThat(endless).startsWith(stopped);
    }

    @Test
    void shouldSayWhatDoesNotFitAndFreeWhatItTook() {
        assertThatThrownBy(() -> whole.generate(new int[500], 100, WARM, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("599 tokens is longer than the context of 512");
        Request large = new Request(new int[300], 200, WARM, false);
        assertThatThrownBy(() -> whole.generateAll(List.of(large, large, large, large, large, large), 64))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no room in the KV cache");
        assertThat(whole.generate(new int[] {1}, 500, WARM, 64)).hasSize(500);
    }

    @Test
    void shouldRefuseStagesThatDoNotCoverTheModel() {
        try (OnnxStageRunner front = OnnxStageRunner.open(weights, new LayerRange(0, 3), OPTIONS);
                OnnxStageRunner back = OnnxStageRunner.open(weights, new LayerRange(4, 6), OPTIONS)) {
            assertThatThrownBy(() -> new InProcessGenerator(List.of(front, back)))
                    .hasMessageContaining("layer 3");
            assertThatThrownBy(() -> new InProcessGenerator(List.of(front))).hasMessageContaining("before layer 3");
        }
        assertThatThrownBy(() -> new Request(new int[0], 1, WARM, false)).hasMessageContaining("prompt token");
    }

    @Test
    void shouldRefuseToReadClosedWeights(@TempDir Path folder) throws Exception {
        ModelWeights closed =
                SafetensorsModel.open(SyntheticModel.write(folder, SyntheticModel.tiny(), ActivationDtype.FP16, 3));
        try (InProcessGenerator generator = InProcessGenerator.open(closed, OPTIONS)) {
            closed.close();
            assertThatThrownBy(() -> generator.generate(new int[] {1}, 1, WARM, 64))
                    .hasMessageContaining("are closed");
        }
    }
}
