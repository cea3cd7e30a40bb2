package io.sluice.runtime.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Blocks written by hand and what they must expand to. */
final class DequantizerTest {
    private static final short HALF = 0x3800; // 0.5 in fp16
    private static final short MINUS_TWO = (short) 0xC000;
    private static final short SMALLEST = 0x0001; // 2^-24, subnormal

    @TempDir
    private Path folder;

    @Test
    void shouldReadF32() throws IOException {
        assertThat(expand(0, 3, GgufWriter.le(12).putFloat(1.5f).putFloat(-0f).putFloat(Float.MIN_VALUE)))
                .containsExactly(1.5f, -0f, Float.MIN_VALUE);
    }

    @Test
    void shouldReadF16() throws IOException {
        assertThat(expand(
                        1,
                        4,
                        GgufWriter.le(8)
                                .putShort(HALF)
                                .putShort(MINUS_TWO)
                                .putShort(SMALLEST)
                                .putShort((short) 0x7BFF)))
                .containsExactly(0.5f, -2f, 0x1p-24f, 65504f);
    }

    @Test
    void shouldReadBf16() throws IOException {
        assertThat(expand(
                        30,
                        3,
                        GgufWriter.le(6)
                                .putShort((short) 0x3F80)
                                .putShort((short) 0xC049)
                                .putShort((short) 0x8000)))
                .containsExactly(1f, -3.140625f, -0f);
    }

    @Test
    void shouldReadQ80() throws IOException {
        ByteBuffer block = GgufWriter.le(2 * 34);
        block.putShort(HALF);
        for (int i = 0; i < 32; i++) {
            block.put((byte) (i - 16));
        }
        block.putShort(MINUS_TWO).put((byte) -128).put((byte) 127);
        float[] values = expand(8, 64, block);
        for (int i = 0; i < 32; i++) {
            assertThat(values[i]).isEqualTo((i - 16) * 0.5f);
        }
        assertThat(values[32]).isEqualTo(256f);
        assertThat(values[33]).isEqualTo(-254f);
        assertThat(values[34]).isEqualTo(-0f);
    }

    @Test
    void shouldReadQ40() throws IOException {
        ByteBuffer block = GgufWriter.le(18).putShort(HALF);
        for (int i = 0; i < 16; i++) {
            block.put((byte) (i | (15 - i) << 4));
        }
        float[] values = expand(2, 32, block);
        for (int i = 0; i < 16; i++) {
            assertThat(values[i]).isEqualTo((i - 8) * 0.5f);
            assertThat(values[16 + i]).isEqualTo((7 - i) * 0.5f);
        }
    }

    @Test
    void shouldReadQ41() throws IOException {
        ByteBuffer block = GgufWriter.le(20).putShort(HALF).putShort(MINUS_TWO);
        for (int i = 0; i < 16; i++) {
            block.put((byte) (i | (15 - i) << 4));
        }
        float[] values = expand(3, 32, block);
        for (int i = 0; i < 16; i++) {
            assertThat(values[i]).isEqualTo(i * 0.5f - 2);
            assertThat(values[16 + i]).isEqualTo((15 - i) * 0.5f - 2);
        }
    }

    @Test
    void shouldReadAnyRangeOfRows() throws IOException {
        int rows = 1200; // more than one step of the reader
        ByteBuffer data = GgufWriter.le(rows * 34);
        for (int row = 0; row < rows; row++) {
            data.putShort(HALF);
            for (int i = 0; i < 32; i++) {
                data.put((byte) (row % 100 + (i == 31 ? 1 : 0)));
            }
        }
        GgufFile file = GgufFile.open(new GgufWriter()
                .tensor("t", 8, new long[] {rows, 32}, data.array())
                .write(folder.resolve("rows.gguf")));
        FloatBuffer all = FloatBuffer.allocate(rows * 32);
        file.read(file.tensor("t").orElseThrow(), 0, rows * 32L, all);
        for (int row = 0; row < rows; row++) {
            assertThat(all.get(row * 32)).isEqualTo(row % 100 * 0.5f);
            assertThat(all.get(row * 32 + 31)).isEqualTo((row % 100 + 1) * 0.5f);
        }
        FloatBuffer some = FloatBuffer.allocate(64);
        file.read(file.tensor("t").orElseThrow(), 777 * 32L, 64, some);
        assertThat(some.get(0)).isEqualTo(38.5f);
        assertThat(some.get(63)).isEqualTo(39.5f);
    }

    private float[] expand(int type, int elements, ByteBuffer data) throws IOException {
        GgufFile file = GgufFile.open(new GgufWriter()
                .tensor("t", type, new long[] {elements}, data.array())
                .write(folder.resolve("tensor-" + type + ".gguf")));
        FloatBuffer values = FloatBuffer.allocate(elements);
        file.read(file.tensor("t").orElseThrow(), 0, elements, values);
        return values.array();
    }
}
