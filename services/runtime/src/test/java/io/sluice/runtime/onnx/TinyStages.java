package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.PromptChunks;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.weights.SafetensorsModel;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A tiny random model, and the plain loops that tests compare with. */
final class TinyStages {
    static final int LAYERS = SyntheticModel.tiny().layerCount();
    static final int HIDDEN = SyntheticModel.tiny().hiddenSize();
    static final int WIDE_PARTS = 3;
    static final long KV_BYTES = 32 << 20;

    private TinyStages() {}

    static ModelWeights weights(Path folder) throws IOException {
        return SafetensorsModel.open(SyntheticModel.write(folder, SyntheticModel.tiny(), ActivationDtype.FP32, 7));
    }

    /** The same model but for its vocabulary, so large that the head runs in {@link #WIDE_PARTS} parts, the last a ragged one. */
    static ModelConfig wide(boolean tied) {
        ModelConfig c = SyntheticModel.tiny();
        return new ModelConfig(
                "synthetic-wide",
                c.architecture(),
                c.layerCount(),
                c.hiddenSize(),
                c.intermediateSize(),
                c.headCount(),
                c.kvHeadCount(),
                c.headDim(),
                10_001,
                c.contextLength(),
                c.normEpsilon(),
                c.ropeTheta(),
                tied,
                c.bosTokenId(),
                c.eosTokenIds());
    }

    static ModelWeights wideWeights(Path folder) throws IOException {
        return SafetensorsModel.open(SyntheticModel.write(folder, wide(true), ActivationDtype.FP32, 7));
    }

    static OnnxStageRunner runner(ModelWeights weights, int first, int end) {
        return runner(weights, first, end, KV_BYTES);
    }

    static OnnxStageRunner runner(ModelWeights weights, int first, int end, long kvBytes) {
        return OnnxStageRunner.open(weights, new LayerRange(first, end), new RuntimeOptions(2, kvBytes));
    }

    static int[] tokens(long seed, int count) {
        return new SplittableRandom(seed)
                .ints(count, 0, SyntheticModel.tiny().vocabSize())
                .toArray();
    }

    static StageInput tokensIn(KvSlot slot, int... ids) {
        return new StageInput(slot, slot.length(), ids.length, ids, null, 0, false);
    }

    static StageInput withLogits(StageInput in) {
        return new StageInput(in.slot(), in.position(), in.count(), in.tokenIds(), in.hidden(), in.enterLayer(), true);
    }

    static StageInput hiddenIn(KvSlot slot, float[] hidden, int enterLayer) {
        return new StageInput(
                slot, slot.length(), hidden.length / HIDDEN, null, FloatBuffer.wrap(hidden), enterLayer, false);
    }

    static float[] copy(FloatBuffer buffer) {
        float[] values = new float[buffer.remaining()];
        buffer.get(buffer.position(), values);
        return values;
    }

    /** Hidden states of one input run alone. */
    static float[] hidden(OnnxStageRunner runner, StageInput input) {
        return copy(runner.run(List.of(input)).getFirst().hidden());
    }

    static float[] logits(OnnxStageRunner runner, StageInput input) {
        return copy(runner.run(List.of(withLogits(input))).getFirst().logits());
    }

    /** Logits of every position from the end of the prompt on: the prompt in one chunk, the others one by one. */
    static List<float[]> solo(OnnxStageRunner whole, int[] prompt, int[] following) {
        return solo(whole, prompt, following, 1 << 20);
    }

    static List<float[]> solo(OnnxStageRunner whole, int[] prompt, int[] following, int chunk) {
        KvSlot slot = whole.reserve(prompt.length + following.length).orElseThrow();
        List<float[]> logits = new ArrayList<>();
        int position = 0;
        for (int size : PromptChunks.split(prompt.length, chunk)) {
            StageInput input = tokensIn(slot, Arrays.copyOfRange(prompt, position, position + size));
            position += size;
            if (position < prompt.length) {
                StageOutput output = whole.run(List.of(input)).getFirst();
                if (output.logits() != null || output.hidden() != null) {
                    throw new AssertionError("nothing was asked for");
                }
            } else {
                logits.add(logits(whole, input));
            }
        }
        for (int id : following) {
            logits.add(logits(whole, tokensIn(slot, id)));
        }
        whole.release(slot);
        return logits;
    }
}
