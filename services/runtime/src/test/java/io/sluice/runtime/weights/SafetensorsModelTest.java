package io.sluice.runtime.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SafetensorsModelTest {
    private static final ModelConfig TINY = SyntheticModel.tiny();
    private static final LayerRange ALL = new LayerRange(0, TINY.layerCount());

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void write() throws IOException {
        SyntheticModel.write(folder, TINY, ActivationDtype.FP32, 1);
        file = folder.resolve("model.safetensors");
    }

    @Test
    void shouldReadShapeNamesAndRows() {
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            assertThat(weights.config().hiddenSize()).isEqualTo(TINY.hiddenSize());
            assertThat(weights.config().eosTokenIds()).containsExactly(0);
            assertThat(weights.config().name()).isEqualTo(folder.getFileName().toString());
            assertThat(weights.names())
                    .containsExactlyElementsOf(LlamaTensors.ofStage(TINY, ALL).keySet());
            assertThat(weights.shape(LlamaTensors.EMBEDDING)).containsExactly(TINY.vocabSize(), TINY.hiddenSize());
            FloatBuffer all = FloatBuffer.allocate(TINY.vocabSize() * TINY.hiddenSize());
            weights.read(LlamaTensors.EMBEDDING, all);
            FloatBuffer rows = FloatBuffer.allocate(2 * TINY.hiddenSize());
            weights.readRows(LlamaTensors.EMBEDDING, 7, 2, rows);
            assertThat(rows.flip()).isEqualTo(all.slice(7 * TINY.hiddenSize(), 2 * TINY.hiddenSize()));
            assertThatThrownBy(() -> weights.readRows(LlamaTensors.EMBEDDING, TINY.vocabSize() - 1, 2, rows.clear()))
                    .hasMessageContaining("outside the 320 rows");
        }
    }

    @Test
    void shouldExpandHalfPrecisionExactly() throws IOException {
        Path halves = folder.resolve("halves");
        SyntheticModel.write(halves, TINY, ActivationDtype.FP16, 1);
        try (ModelWeights full = SafetensorsModel.open(folder);
                ModelWeights half = SafetensorsModel.open(halves)) {
            float[] a = read(full, LlamaTensors.EMBEDDING);
            float[] b = read(half, LlamaTensors.EMBEDDING);
            for (int i = 0; i < a.length; i++) {
                assertThat(b[i]).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(a[i])));
            }
        }
    }

    @Test
    void shouldExpandBfloat16() throws IOException {
        Path bf16 = folder.resolve("bf16.safetensors");
        writeFile(bf16, "{\"t\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", new byte[] {
            (byte) 0x80, 0x3f, 0x49, (byte) 0xc0
        });
        try (SafetensorsFile tensors = new SafetensorsFile(bf16)) {
            FloatBuffer values = FloatBuffer.allocate(2);
            tensors.readRows("t", 0, 1, values);
            assertThat(values.array()).containsExactly(1f, -3.140625f);
        }
    }

    @Test
    void shouldFollowAnIndexAndOpenOnlyTheFilesItNeeds() throws IOException {
        Map<String, long[]> front = LlamaTensors.ofStage(TINY, new LayerRange(0, 3));
        Map<String, long[]> back = new LinkedHashMap<>(LlamaTensors.ofStage(TINY, new LayerRange(3, 6)));
        back.remove(LlamaTensors.EMBEDDING);
        SyntheticModel.writeTensors(folder.resolve("a.safetensors"), front, ActivationDtype.FP16, 1);
        StringBuilder index = new StringBuilder("{\"weight_map\":{");
        front.keySet().forEach(name -> index.append('"').append(name).append("\":\"a.safetensors\","));
        back.keySet().forEach(name -> index.append('"').append(name).append("\":\"b.safetensors\","));
        index.setCharAt(index.length() - 1, '}');
        Files.writeString(folder.resolve("model.safetensors.index.json"), index.append('}'));
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            LlamaTensors.require(weights, new LayerRange(0, 3));
            assertThatThrownBy(() -> LlamaTensors.require(weights, ALL))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("cannot open")
                    .hasMessageContaining("b.safetensors");
            SyntheticModel.writeTensors(folder.resolve("b.safetensors"), back, ActivationDtype.FP16, 1);
            LlamaTensors.require(weights, ALL);
        }
    }

    @Test
    void shouldReadBeyondTwoGibibytes() throws IOException {
        Path big = folder.resolve("big.safetensors");
        long columns = 1024;
        long rows = (5L << 30) / columns / Float.BYTES;
        String header = "{\"t\":{\"dtype\":\"F32\",\"shape\":[" + rows + "," + columns + "],\"data_offsets\":[0,"
                + rows * columns * 4 + "]}}";
        writeFile(big, header, new byte[0]);
        try (RandomAccessFile sparse = new RandomAccessFile(big.toFile(), "rw")) {
            sparse.setLength(8 + header.length() + rows * columns * 4);
            sparse.seek(8 + header.length() + (rows - 1) * columns * 4);
            sparse.write(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putFloat(2.5f)
                    .array());
        }
        try (SafetensorsFile tensors = new SafetensorsFile(big)) {
            FloatBuffer last = FloatBuffer.allocate((int) columns);
            tensors.readRows("t", rows - 1, 1, last);
            assertThat(last.get(0)).isEqualTo(2.5f);
            FloatBuffer many = FloatBuffer.allocate(20_000 * (int) columns);
            tensors.readRows("t", rows - 20_000, 20_000, many);
            assertThat(many.get(19_999 * (int) columns)).isEqualTo(2.5f);
        }
    }

    @Test
    void shouldSayWhenAFileIsTruncated() throws IOException {
        long bytes = Files.size(file);
        for (long keep : new long[] {bytes - 1, bytes / 2, 100, 5, 0}) {
            truncate(keep);
            assertThatThrownBy(() -> SafetensorsModel.open(folder))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("model.safetensors is truncated: it has " + keep + " bytes")
                    .hasMessageNotContaining("\n");
        }
    }

    @Test
    void shouldSayWhenAFileIsSomethingElse() throws IOException {
        Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n");
        assertThatThrownBy(() -> SafetensorsModel.open(folder)).hasMessageContaining("Git LFS pointer");
        writeFile(file, "[not json", new byte[0]);
        assertThatThrownBy(() -> SafetensorsModel.open(folder)).hasMessageContaining("damaged header");
        writeFile(file, "{\"t\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}", new byte[4]);
        assertThatThrownBy(() -> SafetensorsModel.open(folder))
                .hasMessageContaining("tensor t")
                .hasMessageContaining("type 'I32'")
                .hasMessageContaining("only F32, F16 and BF16");
        writeFile(file, "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", new byte[4]);
        assertThatThrownBy(() -> SafetensorsModel.open(folder)).hasMessageContaining("do not fit shape [2]");
    }

    @Test
    void shouldSayWhichTensorIsMissingOrMisshapen() throws IOException {
        Map<String, long[]> shapes = LlamaTensors.ofStage(TINY, ALL);
        String up = LlamaTensors.ofLayer(4, LlamaTensors.UP);
        shapes.put(up, new long[] {TINY.intermediateSize(), TINY.hiddenSize() + 1});
        SyntheticModel.writeTensors(file, shapes, ActivationDtype.FP16, 1);
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            LlamaTensors.require(weights, new LayerRange(0, 4));
            assertThatThrownBy(() -> LlamaTensors.require(weights, ALL))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(up)
                    .hasMessageContaining("[160, 65]")
                    .hasMessageContaining("[160, 64]");
        }
        shapes.remove(up);
        SyntheticModel.writeTensors(file, shapes, ActivationDtype.FP16, 1);
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            assertThatThrownBy(() -> LlamaTensors.require(weights, ALL)).hasMessageContaining("has no tensor " + up);
        }
    }

    @Test
    void shouldSayWhenAFolderHoldsNoModel() throws IOException {
        assertThatThrownBy(() -> ModelFiles.weights(folder.resolve("nowhere")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("no model at")
                .hasMessageContaining("nowhere");
        assertThatThrownBy(() -> ModelFiles.weights(file)).hasMessageContaining("neither a folder nor a .gguf file");
        Files.delete(file);
        assertThatThrownBy(() -> ModelFiles.weights(folder)).hasMessageContaining("has no *.safetensors file");
        Files.delete(folder.resolve("config.json"));
        assertThatThrownBy(() -> ModelFiles.weights(folder)).hasMessageContaining("no config.json in");
    }

    private static float[] read(ModelWeights weights, String name) {
        long[] shape = weights.shape(name);
        float[] values = new float[(int) (ModelWeights.rows(shape) * shape[shape.length - 1])];
        weights.read(name, FloatBuffer.wrap(values));
        return values;
    }

    private void truncate(long bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(bytes);
        }
    }

    private static void writeFile(Path target, String header, byte[] data) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + header.length() + data.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length())
                .put(header.getBytes(StandardCharsets.US_ASCII))
                .put(data);
        Files.write(target, bytes.array());
    }
}
