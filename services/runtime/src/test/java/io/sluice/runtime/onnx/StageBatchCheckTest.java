package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.HIDDEN;
import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.hiddenIn;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StageBatchCheckTest {
    private static ModelWeights weights;
    private static OnnxStageRunner front;
    private static OnnxStageRunner back;
    private final KvSlot slot = front.reserve(64).orElseThrow();

    @BeforeAll
    static void load(@TempDir Path folder) throws Exception {
        weights = TinyStages.weights(folder);
        front = runner(weights, 0, 2);
        back = runner(weights, 2, LAYERS);
    }

    @AfterAll
    static void unload() {
        front.close();
        back.close();
        weights.close();
    }

    @Test
    void shouldRefuseWrongInputsAndChangeNothing() {
        refuse("position 3 is not the length 0", new StageInput(slot, 3, 1, new int[] {1}, null, 0, false));
        refuse("65 positions do not fit", tokensIn(slot, new int[65]));
        refuse("0 positions do not fit", tokensIn(slot));
        refuse("token id 320 is outside the vocabulary of 320", tokensIn(slot, 1, 320));
        refuse("token id -1 is outside", tokensIn(slot, -1));
        refuse("2 token ids were given for 1 positions", new StageInput(slot, 0, 1, new int[2], null, 0, false));
        refuse("token ids enter at layer 0, not at layer 1", new StageInput(slot, 0, 1, new int[1], null, 1, false));
        refuse("layer 2 to enter at is outside", hiddenIn(slot, new float[HIDDEN], 2));
        refuse("token ids or hidden states, and not both", new StageInput(slot, 0, 1, null, null, 0, false));
        refuse(
                "hidden states have 63 elements",
                new StageInput(slot, 0, 1, null, FloatBuffer.allocate(HIDDEN - 1), 1, false));
        refuse("give no logits", withLogits(tokensIn(slot, 1)));
        refuse("occurs twice in one batch", tokensIn(slot, 1), tokensIn(slot, 2));
        KvSlot other = back.reserve(64).orElseThrow();
        refuse("not held by this runner", tokensIn(other, 1));
        back.release(other);
        assertThat(slot.length()).isZero();
        front.release(slot);
        refuse("not held by this runner", tokensIn(slot, 1));
        assertThatThrownBy(() -> front.release(slot)).hasMessageContaining("released");
    }

    @Test
    void shouldRefuseSequencesLongerThanTheContext() {
        assertThatThrownBy(() -> front.reserve(513))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("513 tokens is longer than the context of 512");
    }

    @Test
    void shouldRefuseLayersAndBudgetsThatMakeNoSense() {
        assertThatThrownBy(() -> runner(weights, 4, LAYERS + 1)).hasMessageContaining("outside the 6 layers");
        assertThatThrownBy(() -> OnnxStageRunner.open(weights, new LayerRange(0, 1), new RuntimeOptions(2, 1000)))
                .hasMessageContaining("KV budget of 1000 bytes holds 3 tokens")
                .hasMessageContaining("at least 16384 bytes");
    }

    @Test
    void shouldSayThatItIsClosed() {
        OnnxStageRunner closed = runner(weights, 0, 1);
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.reserve(1)).hasMessageContaining("closed");
        assertThatThrownBy(() -> closed.run(List.of())).hasMessageContaining("closed");
    }

    private static void refuse(String message, StageInput... batch) {
        assertThatThrownBy(() -> front.run(Arrays.asList(batch)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
