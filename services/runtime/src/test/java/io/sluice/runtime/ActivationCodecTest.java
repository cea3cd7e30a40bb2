package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class ActivationCodecTest {
    @Test
    void shouldBringFp32BackExactly() {
        FloatBuffer source = random(3 * 500);
        ByteBuffer bytes = ActivationCodec.encode(source, 3, 500, ActivationDtype.FP32);
        assertThat(bytes.remaining()).isEqualTo(3 * 500 * 4);
        assertThat(ActivationCodec.decode(bytes, 3, 500, ActivationDtype.FP32)).isEqualTo(source);
    }

    @Test
    void shouldRoundFp16ToTheNearestValue() {
        FloatBuffer source = random(2 * 5000);
        ByteBuffer bytes = ActivationCodec.encode(source, 2, 5000, ActivationDtype.FP16);
        assertThat(bytes.remaining()).isEqualTo(2 * 5000 * 2);
        FloatBuffer decoded = ActivationCodec.decode(bytes, 2, 5000, ActivationDtype.FP16);
        for (int i = 0; i < source.remaining(); i++) {
            assertThat(decoded.get(i)).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(source.get(i))));
        }
        assertThat(source.position()).isZero();
    }

    @Test
    void shouldWriteLittleEndian() {
        ByteBuffer bytes = ActivationCodec.encode(FloatBuffer.wrap(new float[] {1}), 1, 1, ActivationDtype.FP16);
        assertThat(bytes.get(0)).isZero();
        assertThat(bytes.get(1)).isEqualTo((byte) 0x3c);
        ByteBuffer big = ByteBuffer.wrap(bytes.array()).order(ByteOrder.BIG_ENDIAN);
        assertThat(ActivationCodec.decode(big, 1, 1, ActivationDtype.FP16).get(0))
                .isEqualTo(1f);
    }

    @Test
    void shouldEncodeFromADirectBufferAtItsPosition() {
        FloatBuffer source =
                ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder()).asFloatBuffer();
        source.put(4, 7f).position(4);
        ByteBuffer bytes = ActivationCodec.encode(source, 1, 1, ActivationDtype.FP32);
        assertThat(ActivationCodec.decode(bytes, 1, 1, ActivationDtype.FP32).get(0))
                .isEqualTo(7f);
        assertThat(source.position()).isEqualTo(4);
    }

    @Test
    void shouldRefuseWhatFp16CannotHold() {
        float[] values = new float[9000];
        values[8001] = 65520f;
        assertThatThrownBy(() -> ActivationCodec.encode(FloatBuffer.wrap(values), 9, 1000, ActivationDtype.FP16))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65520.0 at row 8, element 1")
                .hasMessageContaining("--activations fp32");
        values[8001] = -65504f;
        assertThat(ActivationCodec.encode(FloatBuffer.wrap(values), 9, 1000, ActivationDtype.FP16)
                        .remaining())
                .isEqualTo(18000);
        values[0] = Float.NaN;
        assertThatThrownBy(() -> ActivationCodec.encode(FloatBuffer.wrap(values), 9, 1000, ActivationDtype.FP16))
                .hasMessageContaining("NaN at row 0");
    }

    @Test
    void shouldRefuseWrongSizes() {
        assertThatThrownBy(() -> ActivationCodec.encode(FloatBuffer.allocate(5), 2, 3, ActivationDtype.FP32))
                .hasMessageContaining("5 elements")
                .hasMessageContaining("need 6");
        assertThatThrownBy(() -> ActivationCodec.decode(ByteBuffer.allocate(13), 2, 3, ActivationDtype.FP16))
                .hasMessageContaining("13 bytes")
                .hasMessageContaining("12");
    }

    private static FloatBuffer random(int count) {
        SplittableRandom random = new SplittableRandom(1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(-8, 4)));
        }
        return FloatBuffer.wrap(values);
    }
}
