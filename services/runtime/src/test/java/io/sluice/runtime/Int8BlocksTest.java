package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class Int8BlocksTest {
    private static final ActivationDtype INT8 = ActivationDtype.INT8_BLOCK;
    private static final float LEAST_SCALE = 0x1p-24f;

    @Test
    void shouldStayWithinHalfAScaleOfEveryElementWhateverTheShape() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 300; round++) {
            int count = random.nextInt(1, 5);
            int hidden = random.nextInt(1, 300);
            double spread = Math.pow(10, random.nextInt(-9, 5));
            float[] values = new float[count * hidden];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * spread * (random.nextInt(20) == 0 ? 30 : 1));
            }
            FloatBuffer decoded = roundTrip(values, count, hidden);
            for (int row = 0; row < count; row++) {
                for (int from = 0; from < hidden; from += 64) {
                    holdsBound(values, decoded, row * hidden + from, row * hidden + Math.min(hidden, from + 64));
                }
            }
        }
    }

    private static void holdsBound(float[] values, FloatBuffer decoded, int from, int to) {
        double absmax = 0;
        for (int i = from; i < to; i++) {
            absmax = Math.max(absmax, Math.abs(values[i]));
        }
        // absmax / 254, the scale being up to one fp16 step larger than absmax / 127.
        double bound = (absmax / 127 * (1 + 0x1p-10) + LEAST_SCALE) / 2 * (1 + 1e-5);
        for (int i = from; i < to; i++) {
            assertThat(Math.abs(values[i] - decoded.get(i))).isLessThanOrEqualTo((float) bound);
        }
    }

    @Test
    void shouldKeepZerosAndWhatIsAWholeNumberOfScales() {
        float[] values = new float[130];
        values[0] = -127;
        values[1] = 64;
        values[129] = 0.5f * 127;
        FloatBuffer decoded = roundTrip(values, 1, 130);
        assertThat(decoded.array()).containsExactly(values);
    }

    @Test
    void shouldGiveTheSameWhenEncodedAgain() {
        SplittableRandom random = new SplittableRandom(5);
        float[] values = new float[640];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        FloatBuffer once = roundTrip(values, 2, 320);
        FloatBuffer twice = roundTrip(once.array(), 2, 320);
        for (int i = 0; i < values.length; i++) {
            assertThat(twice.get(i)).isCloseTo(once.get(i), org.assertj.core.data.Offset.offset(4e-3f));
        }
    }

    @Test
    void shouldLayOutAScaleAndThenItsBytes() {
        float[] values = new float[66];
        values[0] = 127;
        values[1] = -3;
        values[64] = 254;
        values[65] = -254;
        ByteBuffer bytes = ActivationCodec.encode(FloatBuffer.wrap(values), 1, 66, INT8);
        assertThat(bytes.remaining()).isEqualTo(66 + 2 * 2).isEqualTo(INT8.rowBytes(66));
        ByteBuffer little = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        assertThat(little.getShort(0)).isEqualTo(Float.floatToFloat16(1));
        assertThat(little.get(2)).isEqualTo((byte) 127);
        assertThat(little.get(3)).isEqualTo((byte) -3);
        assertThat(little.getShort(66)).isEqualTo(Float.floatToFloat16(2));
        assertThat(little.get(68)).isEqualTo((byte) 127);
        assertThat(little.get(69)).isEqualTo((byte) -127);
    }

    @Test
    void shouldCarryWhatIsBeyondFp16() {
        float[] values = {1e6f, -8e6f, 0};
        FloatBuffer decoded = roundTrip(values, 1, 3);
        assertThat(decoded.get(1)).isCloseTo(-8e6f, org.assertj.core.data.Percentage.withPercentage(0.1));
    }

    @Test
    void shouldRefuseWhatNoScaleCanHold() {
        float[] values = new float[200];
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e8f}) {
            values[170] = bad;
            assertThatThrownBy(() -> ActivationCodec.encode(FloatBuffer.wrap(values), 2, 100, INT8))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bad + " at row 1, element 70")
                    .hasMessageContaining("--activations fp32");
        }
    }

    @Test
    void shouldRefuseABlockWithoutAFiniteScale() {
        ByteBuffer bytes = ActivationCodec.encode(FloatBuffer.wrap(new float[] {1, 2}), 1, 2, INT8);
        bytes.order(ByteOrder.LITTLE_ENDIAN).putShort(0, (short) 0x7c00);
        assertThatThrownBy(() -> ActivationCodec.decode(bytes, 1, 2, INT8)).hasMessageContaining("scale Infinity");
        bytes.putShort(0, Float.floatToFloat16(-1));
        assertThatThrownBy(() -> ActivationCodec.decode(bytes, 1, 2, INT8)).hasMessageContaining("scale -1");
    }

    @Test
    void shouldRefuseWrongSizes() {
        assertThatThrownBy(() -> ActivationCodec.decode(ByteBuffer.allocate(67), 1, 65, INT8))
                .hasMessageContaining("67 bytes")
                .hasMessageContaining("69");
    }

    @Test
    void shouldReadTheWordsOfTheFlag() {
        for (ActivationChoice choice : new ActivationChoice[] {ActivationChoice.AUTO, INT8, ActivationDtype.FP32}) {
            assertThat(ActivationChoice.parse(choice.toString())).isEqualTo(choice);
        }
        assertThatThrownBy(() -> ActivationChoice.parse("int4"))
                .hasMessageContaining("'int4'")
                .hasMessageContaining("auto, fp16, fp32 or int8");
    }

    private static FloatBuffer roundTrip(float[] values, int count, int hidden) {
        ByteBuffer bytes = ActivationCodec.encode(FloatBuffer.wrap(values), count, hidden, INT8);
        return ActivationCodec.decode(bytes, count, hidden, INT8);
    }
}
