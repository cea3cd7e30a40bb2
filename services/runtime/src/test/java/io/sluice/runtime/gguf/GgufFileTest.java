package io.sluice.runtime.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ModelFormatException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufFileTest {
    @TempDir
    private Path folder;

    @Test
    void shouldReadMetadataOfEveryType() throws IOException {
        byte[] nested = GgufWriter.le(12 + 2 * 12 + 3)
                .putInt(9)
                .putLong(2)
                .putInt(0)
                .putLong(1)
                .put((byte) 200)
                .putInt(0)
                .putLong(2)
                .put((byte) 1)
                .put((byte) 2)
                .array();
        GgufMetadata metadata = open(new GgufWriter()
                        .raw("u8", 0, new byte[] {(byte) 200})
                        .raw("i8", 1, new byte[] {(byte) -3})
                        .raw("u16", 2, GgufWriter.le(2).putShort((short) 65535).array())
                        .raw("i16", 3, GgufWriter.le(2).putShort((short) -2).array())
                        .raw("u32", 4, GgufWriter.le(4).putInt(-1).array())
                        .raw("i32", 5, GgufWriter.le(4).putInt(-7).array())
                        .number("f32", 0.1f)
                        .flag("yes", true)
                        .string("text", "Gr\u00fc\u00dfe \ud83d\ude80")
                        .raw("u64", 10, GgufWriter.le(8).putLong(1L << 40).array())
                        .raw("i64", 11, GgufWriter.le(8).putLong(-5).array())
                        .raw("f64", 12, GgufWriter.le(8).putDouble(Math.PI).array())
                        .strings("list", List.of("a", "", "b"))
                        .integers("numbers", 3, -1, 2)
                        .raw(
                                "floats",
                                9,
                                GgufWriter.le(16)
                                        .putInt(6)
                                        .putLong(1)
                                        .putFloat(2.5f)
                                        .array())
                        .raw(
                                "flags",
                                9,
                                GgufWriter.le(14)
                                        .putInt(7)
                                        .putLong(2)
                                        .put((byte) 1)
                                        .put((byte) 0)
                                        .array())
                        .raw("nested", 9, nested))
                .metadata();
        assertThat(metadata.integer("u8", 0, 255)).contains(200);
        assertThat(metadata.integer("i8", -9, 0)).contains(-3);
        assertThat(metadata.integer("u16", 0, 65535)).contains(65535);
        assertThat(metadata.integer("i16", -9, 0)).contains(-2);
        assertThat(metadata.number("u32")).contains(4294967295.0);
        assertThat(metadata.integer("i32", -9, 0)).contains(-7);
        assertThat(metadata.number("f32").orElseThrow().floatValue()).isEqualTo(0.1f);
        assertThat(metadata.flag("yes")).contains(true);
        assertThat(metadata.string("text")).contains("Gr\u00fc\u00dfe \ud83d\ude80");
        assertThat(metadata.number("u64")).contains((double) (1L << 40));
        assertThat(metadata.number("i64")).contains(-5.0);
        assertThat(metadata.number("f64")).contains(Math.PI);
        assertThat(metadata.strings("list")).contains(List.of("a", "", "b"));
        assertThat(metadata.integers("numbers").orElseThrow()).containsExactly(3, -1, 2);
        assertThat(metadata.keys()).hasSize(17).contains("floats", "flags", "nested");
        assertThat(metadata.string("absent")).isEmpty();
        assertThatThrownBy(() -> metadata.string("u8"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("metadata 'u8' is the whole number 200, expected a string");
        assertThatThrownBy(() -> metadata.integer("u32", 0, 10))
                .hasMessageContaining("is 4294967295, expected 0 to 10");
    }

    @Test
    void shouldReadVersionTwoAndOtherAlignments() throws IOException {
        GgufFile file = open(new GgufWriter()
                .version(2)
                .alignment(64)
                .tensor("a", new long[] {3}, 1, 2, 3)
                .tensor("b", new long[] {2, 1}, 4, 5));
        assertThat(file.version()).isEqualTo(2);
        assertThat(file.tensors()).extracting(GgufTensor::name).containsExactly("a", "b");
        GgufTensor b = file.tensor("b").orElseThrow();
        assertThat(b.shape()).containsExactly(2L, 1L);
        assertThat(b.offset() % 64).isZero();
        FloatBuffer values = FloatBuffer.allocate(2);
        file.read(b, 0, 2, values);
        assertThat(values.array()).containsExactly(4, 5);
    }

    /** A sparse file, so that no disk is filled: two tensors with more than 2 GiB between their bytes. */
    @Test
    void shouldReadTensorsBeyondTwoGigabytes() throws IOException {
        long rows = (3L << 30) / 4 / 16;
        byte[] head = new GgufWriter()
                .tensor("big", 0, new long[] {rows, 16}, new byte[0])
                .toBytes();
        Path path = folder.resolve("big.gguf");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.write(head);
            file.setLength(head.length + rows * 64);
            for (long row : new long[] {0, rows / 2, (1L << 30) / 64 - 1, rows - 1}) {
                file.seek(head.length + row * 64);
                file.write(GgufWriter.le(4).putFloat(row).array());
            }
        }
        GgufFile file = GgufFile.open(path);
        GgufTensor big = file.tensor("big").orElseThrow();
        for (long row : new long[] {0, rows / 2, (1L << 30) / 64 - 1, rows - 1}) {
            FloatBuffer values = FloatBuffer.allocate(16);
            file.read(big, row * 16, 16, values);
            assertThat(values.get(0)).isEqualTo((float) row);
        }
    }

    @Test
    void shouldNameWhatIsWrongWithAFile() throws IOException {
        byte[] good = TinyGguf.model().toBytes();
        assertThatOpening(new byte[0]).hasMessageContaining("is not a GGUF file");
        assertThatOpening("PK\u0003\u0004 something else".getBytes()).hasMessageContaining("is not a GGUF file");
        assertThatOpening(with(good, 4, 1)).hasMessageContaining("is GGUF version 1, versions 2 and 3 are supported");
        assertThatOpening(with(good, 4, 99)).hasMessageContaining("is GGUF version 99");
        assertThatOpening(with(good, 4, Integer.reverseBytes(3))).hasMessageContaining("big-endian");
        assertThatOpening(Arrays.copyOf(good, 6)).hasMessageContaining("truncated");
        assertThatOpening(with(good, 12, 1 << 30)).hasMessageContaining("the tensor count says");
        assertThatOpening(with(good, 20, 1 << 30)).hasMessageContaining("the metadata count says");
        assertThatOpening(Arrays.copyOf(good, 400)).hasMessageContaining("truncated");
        assertThatOpening(Arrays.copyOf(good, good.length - 100)).hasMessageContaining("the file is truncated");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 12, new long[] {256}, new byte[144])
                        .toBytes())
                .hasMessageContaining("tensor 't' has the type Q4_K; supported are F32, F16, BF16, Q8_0, Q4_0 and");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 77, new long[] {1}, new byte[4])
                        .toBytes())
                .hasMessageContaining("the type number 77");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 2, new long[] {33}, new byte[36])
                        .toBytes())
                .hasMessageContaining("rows of 33 elements, not a multiple of 32");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 0, new long[] {1L << 40, 1L << 40}, new byte[4])
                        .toBytes())
                .hasMessageContaining("impossible length");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 0, new long[] {-1}, new byte[4])
                        .toBytes())
                .hasMessageContaining("impossible length");
        assertThatOpening(new GgufWriter()
                        .tensor("t", 0, new long[] {1, 1, 1, 1, 1}, new byte[4])
                        .toBytes())
                .hasMessageContaining("has 5 dimensions");
        assertThatOpening(new GgufWriter().raw("k", 13, new byte[4]).toBytes())
                .hasMessageContaining("'k' has the unknown type 13");
        assertThatOpening(new GgufWriter().integer("general.alignment", 48).toBytes())
                .hasMessageContaining("general.alignment is 48, expected a power of two");
        ByteBuffer deep = GgufWriter.le(12 * 6);
        for (int i = 0; i < 6; i++) {
            deep.putInt(9).putLong(1);
        }
        assertThatOpening(new GgufWriter().raw("k", 9, deep.array()).toBytes())
                .hasMessageContaining("nests arrays deeper");
        assertThatThrownBy(() -> GgufFile.open(folder.resolve("absent.gguf")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("absent.gguf: no such file");
        assertThatThrownBy(() -> GgufFile.open(folder)).isInstanceOf(ModelFormatException.class);
    }

    private AbstractThrowableAssert<?, ?> assertThatOpening(byte[] bytes) throws IOException {
        Path file = Files.write(folder.resolve("wrong.gguf"), bytes);
        return assertThatThrownBy(() -> GgufFile.open(file))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageNotContaining("\n");
    }

    private static byte[] with(byte[] bytes, int at, int value) {
        byte[] changed = bytes.clone();
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        return changed;
    }

    private GgufFile open(GgufWriter writer) throws IOException {
        return GgufFile.open(writer.write(folder.resolve("file.gguf")));
    }
}
