package io.sluice.runtime;

import java.nio.FloatBuffer;

/**
 * Rows of floats as blocks of {@link ActivationDtype#BLOCK} elements: one fp16 little-endian scale, then one signed byte an
 * element, {@code value = scale * byte}. Symmetric by the largest magnitude of the block; the scale is {@code absmax / 127}
 * rounded up to fp16, so that no byte saturates and no value moves by more than half a scale: {@code absmax / 254}, and up
 * to a 1024th of that more, or 3e-8 where the block is so small that its scale is subnormal (block-wise quantisation of
 * what travels between servers: Petals, NeurIPS'23; Dettmers et al., ICLR'22). One pass to find the scale and one to write:
 * 5 ns an element there and 2 back where fp16 took 1.4 and 1 (two busy cores of an EPYC). Stateless and thread-safe.
 */
final class Int8Blocks {
    private static final int BLOCK = ActivationDtype.BLOCK;
    private static final int LARGEST = 127;
    private static final int MAGNITUDE_BITS = 0x7fffffff;
    /** Adding it leaves a small number rounded to a whole one in the low bits. */
    private static final float ROUNDER = 0x1.8p23f;

    private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);
    private static final short HALF_INFINITY = 0x7c00;

    private Int8Blocks() {}

    /** Writes {@code count} rows from the source's position, which stays as it is, to the start of {@code target}. */
    static void encode(FloatBuffer source, int count, int hidden, byte[] target) {
        float[] row = new float[hidden];
        int at = 0;
        for (int r = 0; r < count; r++) {
            source.get(source.position() + r * hidden, row);
            for (int from = 0; from < hidden; from += BLOCK) {
                at = encode(row, from, Math.min(hidden, from + BLOCK), r, target, at);
            }
        }
    }

    private static int encode(float[] row, int from, int to, int r, byte[] target, int at) {
        int largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, Float.floatToRawIntBits(row[i]) & MAGNITUDE_BITS);
        }
        short half = scale(Float.intBitsToFloat(largest));
        if (half == HALF_INFINITY) {
            throw beyond(row, from, to, r);
        }
        target[at] = (byte) half;
        target[at + 1] = (byte) (half >> 8);
        float scale = Float.float16ToFloat(half);
        float inverse = scale == 0 ? 0 : 1 / scale;
        int offset = at + 2 - from;
        for (int i = from; i < to; i++) {
            target[offset + i] = (byte) (Float.floatToRawIntBits(row[i] * inverse + ROUNDER) - ROUNDER_BITS);
        }
        return offset + to;
    }

    /** The least fp16 that is at least a 127th; infinity where there is none, and for NaN. */
    private static short scale(float absmax) {
        if (!(absmax <= Float.MAX_VALUE)) {
            return HALF_INFINITY;
        }
        float exact = absmax / LARGEST;
        short half = Float.floatToFloat16(exact);
        return Float.float16ToFloat(half) < exact ? (short) (half + 1) : half;
    }

    /** Reads {@code count} rows from the start of {@code blocks}. */
    static void decode(byte[] blocks, int count, int hidden, float[] target) {
        int at = 0;
        for (int r = 0; r < count; r++) {
            for (int from = 0; from < hidden; from += BLOCK) {
                int n = Math.min(BLOCK, hidden - from);
                short half = (short) (blocks[at] & 0xff | blocks[at + 1] << 8);
                float scale = Float.float16ToFloat(half);
                if (!(scale >= 0 && scale <= Float.MAX_VALUE)) {
                    throw new IllegalArgumentException("int8 block at row " + r + ", element " + from
                            + " has the scale " + scale + "; it must be finite and not negative");
                }
                int to = r * hidden + from;
                for (int i = 0; i < n; i++) {
                    target[to + i] = scale * blocks[at + 2 + i];
                }
                at += 2 + n;
            }
        }
    }

    private static IllegalArgumentException beyond(float[] row, int from, int to, int r) {
        int worst = from;
        for (int i = from; i < to; i++) {
            float value = Math.abs(row[i]);
            if (Float.isNaN(value) || value > Math.abs(row[worst])) {
                worst = i;
                if (Float.isNaN(value)) {
                    break;
                }
            }
        }
        return new IllegalArgumentException("activation " + row[worst] + " at row " + r + ", element " + worst
                + " does not fit an int8 block (largest 127 times 65504): run the worker with --activations fp32");
    }
}
