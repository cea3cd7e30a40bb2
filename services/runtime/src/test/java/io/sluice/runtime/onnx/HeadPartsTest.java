package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.HIDDEN;
import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.logits;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.StageRunner.StageRun;
import io.sluice.runtime.gguf.GgmlType;
import io.sluice.runtime.gguf.GgufFile;
import io.sluice.runtime.gguf.GgufWriter;
import io.sluice.runtime.weights.LlamaTensors;
import io.sluice.runtime.weights.SafetensorsModel;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The head in parts against the head in one piece. Every comparison is of bits. */
final class HeadPartsTest {
    private static final ModelConfig WIDE = TinyStages.wide(true);
    /** Numbers of the encodings in a file. */
    private static final Map<GgmlType, Integer> IDS = Map.of(
            GgmlType.F32, 0, GgmlType.F16, 1, GgmlType.Q4_0, 2, GgmlType.Q4_1, 3, GgmlType.Q8_0, 8, GgmlType.BF16, 30);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"F32, true", "F32, false", "F16, true", "F16, false", "BF16, true", "BF16, false"})
    void shouldGiveTheBitsOfTheWholeHeadForSafetensors(String type, boolean tied) throws IOException {
        ActivationDtype written = type.equals("F32") ? ActivationDtype.FP32 : ActivationDtype.FP16;
        SyntheticModel.write(folder, TinyStages.wide(tied), written, 3);
        if (type.equals("BF16")) {
            callThemBfloat16(folder.resolve("model.safetensors"));
        }
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            assertThat(weights.config().tiedEmbeddings()).isEqualTo(tied);
            requireSameBits(weights);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldGiveTheBitsOfTheWholeHeadForGguf(GgmlType type) throws IOException {
        GgufFile file = GgufFile.open(new GgufWriter()
                .tensor("head", IDS.get(type), new long[] {WIDE.vocabSize(), HIDDEN}, random(type))
                .write(folder.resolve("head.gguf")));
        SyntheticModel.write(folder, WIDE, ActivationDtype.FP32, 3);
        try (ModelWeights others = SafetensorsModel.open(folder)) {
            requireSameBits(new WithHead(others, file));
        }
    }

    static LogitsHead head(OnnxEngine engine, ModelWeights weights, HeadParts parts) {
        return new LogitsHead(engine, weights, parts, new HeadBuffers(weights.config()));
    }

    /** Divides it as the runner does, on all threads and on this one, and in parts of other widths; one row, a few, and more than a panel. */
    private static void requireSameBits(ModelWeights weights) {
        OnnxEngine engine = OnnxEngine.get(2, false);
        SplittableRandom random = new SplittableRandom(1);
        int vocabulary = weights.config().vocabSize();
        HeadParts usual = HeadParts.of(weights.config());
        assertThat(usual.count()).isEqualTo(TinyStages.WIDE_PARTS);
        assertThat(usual.size(usual.count() - 1)).as("a ragged end").isLessThan(usual.width());
        try (LogitsHead whole = head(engine, weights, HeadParts.whole(vocabulary));
                LogitsHead parts = head(engine, weights, usual);
                LogitsHead beside = head(engine.onCallersThread(), weights, usual);
                LogitsHead narrow = head(engine, weights, new HeadParts(vocabulary, 1_999))) {
            for (int rows : new int[] {1, 2, 3, 8, 17, 1}) {
                float[] x = new float[rows * HIDDEN];
                for (int i = 0; i < x.length; i++) {
                    x[i] = (float) random.nextGaussian();
                }
                List<float[]> expected = run(whole, rows, x);
                assertThat(different(expected.getFirst()))
                        .as("logits that differ")
                        .isGreaterThan(vocabulary / 2);
                for (LogitsHead head : List.of(parts, beside, narrow)) {
                    List<float[]> got = run(head, rows, x);
                    for (int row = 0; row < rows; row++) {
                        assertThat(got.get(row)).as("row %d of %d", row, rows).isEqualTo(expected.get(row));
                    }
                }
            }
        }
    }

    /** Values that are numbers, each counted once. */
    private static long different(float[] values) {
        return IntStream.range(0, values.length)
                .mapToObj(i -> values[i])
                .filter(Float::isFinite)
                .distinct()
                .count();
    }

    private static List<float[]> run(LogitsHead head, int rows, float[] x) {
        HeadRows buffers = head.begin(rows);
        buffers.input().put(x);
        while (buffers.partsDone() < head.parts()) {
            head.advance(buffers);
        }
        List<float[]> logits = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            logits.add(copy(buffers.logits(row)));
        }
        head.end(buffers);
        return logits;
    }

    @Test
    void shouldDivideAVocabularyIntoPartsOfAboutOneLayer() {
        HeadParts small = HeadParts.of(SyntheticModel.smolLm135m());
        assertThat(small).isEqualTo(new HeadParts(49_152, 6_144));
        assertThat(small.count()).isEqualTo(8);
        assertThat(HeadParts.of(SyntheticModel.tiny()).count()).isEqualTo(1);
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 2_000; i++) {
            int heads = 1 << random.nextInt(6);
            ModelConfig config = config(random, heads, 1 + random.nextInt(200_000));
            HeadParts parts = HeadParts.of(config);
            int next = 0;
            for (int part = 0; part < parts.count(); part++) {
                assertThat(parts.first(part)).isEqualTo(next);
                assertThat(parts.size(part)).isBetween(1, parts.width());
                next += parts.size(part);
            }
            assertThat(next).as("all rows of %s", config).isEqualTo(config.vocabSize());
            long most = Math.max(HeadParts.LEAST_BYTES, LlamaTensors.layerBytes(config));
            long rowBytes = (long) config.hiddenSize() * Float.BYTES;
            assertThat(parts.width() * rowBytes).isLessThanOrEqualTo(most + 16 * rowBytes);
        }
        assertThatThrownBy(() -> new HeadParts(10, 11)).hasMessageContaining("a vocabulary of 10");
    }

    @Test
    void shouldKeepLogitsUntilAnotherBatchEnds() throws IOException {
        try (ModelWeights weights = TinyStages.wideWeights(folder);
                OnnxStageRunner runner = runner(weights, 0, LAYERS)) {
            KvSlot resting = runner.reserve(16).orElseThrow();
            KvSlot other = runner.reserve(16).orElseThrow();
            KvSlot late = runner.reserve(16).orElseThrow();
            float[] expected = logits(runner, tokensIn(resting, tokens(1, 6)));
            float[] expectedOther = logits(runner, tokensIn(other, tokens(2, 6)));
            runner.truncate(resting, 0);
            runner.truncate(other, 0);

            StageRun run = runner.begin(List.of(withLogits(tokensIn(resting, tokens(1, 6)))));
            run.advance(LAYERS);
            assertThat(run.advanceHead(1)).isEqualTo(1);
            assertThat(run.headLeft()).isEqualTo(TinyStages.WIDE_PARTS - 1);
            List<StageOutput> critical = runner.run(List.of(withLogits(tokensIn(other, tokens(2, 6)))));
            assertThat(run.advanceHead(10)).as("what is left").isEqualTo(TinyStages.WIDE_PARTS - 1);
            assertThat(run.advanceHead(1)).isZero();
            assertThat(copy(critical.getFirst().logits())).isEqualTo(expectedOther);
            FloatBuffer given = run.finish().getFirst().logits();
            StageRun next = runner.begin(List.of(withLogits(tokensIn(late, tokens(3, 6)))));
            next.advance(LAYERS);
            next.advanceHead(2);
            assertThat(copy(given)).isEqualTo(expected);
            next.abandon();
        }
    }

    @Test
    void shouldRunNoMoreOfTheHeadWhenAllHaveLeftWhoWantedLogits() throws IOException {
        try (ModelWeights weights = TinyStages.wideWeights(folder);
                OnnxStageRunner runner = runner(weights, 0, LAYERS)) {
            KvSlot wants = runner.reserve(16).orElseThrow();
            KvSlot wantsNone = runner.reserve(16).orElseThrow();
            StageRun run =
                    runner.begin(List.of(withLogits(tokensIn(wants, tokens(1, 6))), tokensIn(wantsNone, tokens(2, 6))));
            run.advance(LAYERS);
            run.advanceHead(1);
            runner.release(wants);
            assertThat(run.headLeft()).isZero();
            assertThat(run.advanceHead(1)).isZero();
            assertThat(run.finish()).containsOnly(new StageOutput(null, null));
            assertThat(wantsNone.length()).isEqualTo(6);
        }
    }

    private static ModelConfig config(SplittableRandom random, int heads, int vocabulary) {
        int hidden = heads * 16;
        return new ModelConfig(
                "any",
                "LlamaForCausalLM",
                2,
                hidden,
                hidden * random.nextInt(1, 4),
                heads,
                heads,
                16,
                vocabulary,
                64,
                1e-5f,
                1e4,
                random.nextBoolean(),
                0,
                List.of(0));
    }

    /** The same bits under another name: every one of them is a number in bfloat16, too. */
    private static void callThemBfloat16(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        byte[] header = new String(bytes, 8, length, StandardCharsets.US_ASCII)
                .replace("\"F16\"", "\"BF16\"")
                .getBytes(StandardCharsets.US_ASCII);
        ByteBuffer out =
                ByteBuffer.allocate(bytes.length - length + header.length).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(header.length).put(header).put(bytes, 8 + length, bytes.length - 8 - length);
        Files.write(file, out.array());
    }

    /** Blocks of sound scales and random values. */
    private static byte[] random(GgmlType type) {
        SplittableRandom random = new SplittableRandom(9);
        int blocks = WIDE.vocabSize() * HIDDEN / type.blockElements();
        ByteBuffer data = ByteBuffer.allocate(blocks * type.blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < blocks; block++) {
            float value = (float) random.nextDouble(-0.1, 0.1);
            switch (type) {
                case F32 -> data.putFloat(value);
                case BF16 -> data.putShort((short) (Float.floatToRawIntBits(value) >> 16));
                default -> data.putShort(Float.floatToFloat16(value));
            }
            if (type == GgmlType.Q4_1) {
                data.putShort(Float.floatToFloat16(value / 2));
            }
            while (data.position() < (block + 1) * type.blockBytes()) {
                data.put((byte) random.nextInt());
            }
        }
        return data.array();
    }

    /** A model whose head is a tensor of another file. */
    private record WithHead(ModelWeights others, GgufFile file) implements ModelWeights {
        @Override
        public ModelConfig config() {
            return TinyStages.wide(false);
        }

        @Override
        public Set<String> names() {
            return others.names();
        }

        @Override
        public long[] shape(String name) {
            return name.equals(LlamaTensors.HEAD) ? new long[] {WIDE.vocabSize(), HIDDEN} : others.shape(name);
        }

        @Override
        public void readRows(String name, long firstRow, long rowCount, FloatBuffer target) {
            if (name.equals(LlamaTensors.HEAD)) {
                file.read(file.tensor("head").orElseThrow(), firstRow * HIDDEN, rowCount * HIDDEN, target);
            } else {
                others.readRows(name, firstRow, rowCount, target);
            }
        }

        @Override
        public void close() {
            others.close();
        }
    }
}
