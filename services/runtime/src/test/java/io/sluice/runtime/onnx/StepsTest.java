package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.copy;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
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
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Decode steps computed again several at once: KV cache, hidden states and what comes next, compared by their bits with
 * those of steps that ran alone.
 */
final class StepsTest {
    private static final int CHUNK = 16;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldGiveTheBitsOfSingleStepsForRandomModelsAndLengths(long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        ModelConfig model = randomModel(random);
        try (ModelWeights weights = open(model, seed);
                OnnxStageRunner runner = runner(weights, 0, 2)) {
            for (int session = 0; session < 4; session++) {
                int prompt = random.nextInt(1, 60);
                int steps = random.nextInt(2, 90);
                int chunk = random.nextInt(2, 70);
                requireSameBits(runner, model, prompt, steps, 0, chunk, seed + session);
                requireSameBits(runner, model, prompt, steps, random.nextInt(1, steps), chunk, seed + session);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 16, 128, 1024})
    void shouldGiveTheBitsOfSingleStepsForEverySizeOfChunkInAModelOfUsualShape(int chunk) throws Exception {
        ModelConfig model = model(576, 1536, 9, 3, 64);
        try (ModelWeights weights = open(model, 7);
                OnnxStageRunner runner = runner(weights, 0, 1)) {
            requireSameBits(runner, model, 21, Math.max(40, chunk), 0, chunk, 9);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 7, 31})
    void shouldGiveTheBitsOfSingleStepsBesideOtherSessions(int count) throws Exception {
        ModelConfig model = model(64, 160, 4, 2, 16);
        try (ModelWeights weights = open(model, 3);
                OnnxStageRunner runner = runner(weights, 1, 3)) {
            float[] x = hidden(model, 5, 50);
            List<KvSlot> slots = new ArrayList<>();
            List<float[]> alone = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int steps = i == 1 ? count : 1;
                KvSlot slot = runner.reserve(64).orElseThrow();
                prompt(runner, slot, model, x, 9 + i);
                alone.add(run(runner, slot, model, x, 9 + i, 9 + i + steps, 1, false));
                runner.truncate(slot, 9 + i);
                slots.add(slot);
            }
            List<StageOutput> outputs = runner.run(List.of(
                    input(runner, slots.get(0), model, x, 9, 1, false),
                    input(runner, slots.get(1), model, x, 10, count, true),
                    input(runner, slots.get(2), model, x, 11, 1, false)));
            for (int i = 0; i < 3; i++) {
                assertThat(copy(outputs.get(i).hidden())).isEqualTo(alone.get(i));
            }
        }
    }

    /** @param from first step that is computed again */
    private static void requireSameBits(
            OnnxStageRunner runner, ModelConfig model, int prompt, int steps, int from, int chunk, long seed) {
        int end = prompt + steps;
        float[] x = hidden(model, seed, end + 2);
        KvSlot undisturbed = runner.reserve(end + 2).orElseThrow();
        prompt(runner, undisturbed, model, x, prompt);
        float[] single = run(runner, undisturbed, model, x, prompt, end, 1, false);
        KvSlot rebuilt = runner.reserve(end + 2).orElseThrow();
        prompt(runner, rebuilt, model, x, prompt);
        run(runner, rebuilt, model, x, prompt, prompt + from, 1, false);
        float[] together = run(runner, rebuilt, model, x, prompt + from, end, chunk, true);

        String what = model + " prompt " + prompt + " steps " + steps + " from " + from + " chunk " + chunk;
        int width = model.hiddenSize();
        assertThat(together).as(what).isEqualTo(Arrays.copyOfRange(single, from * width, steps * width));
        assertThat(cache(rebuilt)).as("KV cache of " + what).containsExactlyElementsOf(cache(undisturbed));
        assertThat(run(runner, rebuilt, model, x, end, end + 2, 1, false))
                .as("what follows " + what)
                .isEqualTo(run(runner, undisturbed, model, x, end, end + 2, 1, false));
        runner.release(undisturbed);
        runner.release(rebuilt);
    }

    private static void prompt(OnnxStageRunner runner, KvSlot slot, ModelConfig model, float[] x, int tokens) {
        for (int size : PromptChunks.split(tokens, CHUNK)) {
            runner.run(List.of(input(runner, slot, model, x, slot.length(), size, false)));
        }
    }

    private static float[] run(
            OnnxStageRunner runner,
            KvSlot slot,
            ModelConfig model,
            float[] x,
            int from,
            int to,
            int chunk,
            boolean asSteps) {
        FloatBuffer outputs = FloatBuffer.allocate((to - from) * model.hiddenSize());
        for (int at = from; at < to; at += chunk) {
            StageInput input = input(runner, slot, model, x, at, Math.min(chunk, to - at), asSteps);
            outputs.put(runner.run(List.of(input)).getFirst().hidden().duplicate());
        }
        return outputs.array();
    }

    private static StageInput input(
            OnnxStageRunner runner, KvSlot slot, ModelConfig model, float[] x, int at, int count, boolean asSteps) {
        int width = model.hiddenSize();
        FloatBuffer rows = FloatBuffer.wrap(x).slice(at * width, count * width);
        return new StageInput(slot, at, count, null, rows, runner.layers().first(), false, asSteps);
    }

    /** All keys and values of the slot, per layer and head, up to its length. */
    private static List<float[]> cache(KvSlot slot) {
        CacheSlot mine = (CacheSlot) slot;
        KvPool.View view = mine.pool().view(0, mine.row(), 1);
        List<float[]> heads = new ArrayList<>();
        for (OnnxTensor[] tensors : List.of(view.keys(), view.values())) {
            for (OnnxTensor tensor : tensors) {
                long[] shape = tensor.getInfo().getShape();
                FloatBuffer values = tensor.getFloatBuffer();
                int head = (int) (shape[2] * shape[3]);
                for (int h = 0; h < shape[1]; h++) {
                    float[] used = new float[(int) (slot.length() * shape[3])];
                    values.get(h * head, used);
                    heads.add(used);
                }
            }
        }
        return heads;
    }

    private static float[] hidden(ModelConfig model, long seed, int positions) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[positions * model.hiddenSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static ModelConfig randomModel(SplittableRandom random) {
        int headDim = 16 * random.nextInt(1, 5);
        int kvHeads = random.nextInt(1, 4);
        int heads = kvHeads * random.nextInt(1, 5);
        return model(heads * headDim, 16 * random.nextInt(3, 30), heads, kvHeads, headDim);
    }

    private static ModelConfig model(int hidden, int intermediate, int heads, int kvHeads, int headDim) {
        return new ModelConfig(
                "random",
                "LlamaForCausalLM",
                4,
                hidden,
                intermediate,
                heads,
                kvHeads,
                headDim,
                40,
                2048,
                1e-5f,
                1e4,
                true,
                0,
                List.of(0));
    }

    private ModelWeights open(ModelConfig model, long seed) throws Exception {
        return SafetensorsModel.open(SyntheticModel.write(folder, model, ActivationDtype.FP32, seed));
    }

    private static OnnxStageRunner runner(ModelWeights weights, int first, int end) {
        return OnnxStageRunner.open(weights, new LayerRange(first, end), new RuntimeOptions(2, 64L << 20));
    }
}
