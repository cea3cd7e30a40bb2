package io.sluice.runtime.gguf;

import java.nio.ByteBuffer;

/**
 * Expands blocks to fp32 with the same arithmetic as ggml's reference routines ({@code dequantize_row_*} in
 * ggml-quants.c), so the values are bit-identical. Stateless.
 */
final class Dequantizer {
    private Dequantizer() {}

    /** Expands {@code blocks} blocks at byte {@code from} of little-endian {@code data} into {@code values[0..)}. */
    static void expand(GgmlType type, ByteBuffer data, int from, int blocks, float[] values) {
        switch (type) {
            case F32 -> {
                for (int i = 0; i < blocks; i++) {
                    values[i] = data.getFloat(from + 4 * i);
                }
            }
            case F16 -> {
                for (int i = 0; i < blocks; i++) {
                    values[i] = Float.float16ToFloat(data.getShort(from + 2 * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < blocks; i++) {
                    values[i] = Float.intBitsToFloat(data.getShort(from + 2 * i) << 16);
                }
            }
            case Q8_0 -> expandQ8(data, from, blocks, values);
            case Q4_0 -> expandQ4(data, from, blocks, values, false);
            case Q4_1 -> expandQ4(data, from, blocks, values, true);
        }
    }

    private static void expandQ8(ByteBuffer data, int from, int blocks, float[] values) {
        for (int block = 0; block < blocks; block++) {
            int at = from + block * 34;
            float scale = Float.float16ToFloat(data.getShort(at));
            for (int i = 0; i < 32; i++) {
                values[block * 32 + i] = data.get(at + 2 + i) * scale;
            }
        }
    }

    /** 4-bit blocks: the low halves of the 16 bytes are elements 0 to 15, the high halves 16 to 31. */
    private static void expandQ4(ByteBuffer data, int from, int blocks, float[] values, boolean hasMinimum) {
        int header = hasMinimum ? 4 : 2;
        for (int block = 0; block < blocks; block++) {
            int at = from + block * (header + 16);
            float scale = Float.float16ToFloat(data.getShort(at));
            float minimum = hasMinimum ? Float.float16ToFloat(data.getShort(at + 2)) : 0;
            int zero = hasMinimum ? 0 : 8;
            for (int i = 0; i < 16; i++) {
                int packed = data.get(at + header + i);
                float low = ((packed & 0x0F) - zero) * scale;
                float high = ((packed >> 4 & 0x0F) - zero) * scale;
                // Adding 0 would turn a product of -0 into +0, which ggml's Q4_0 does not.
                values[block * 32 + i] = hasMinimum ? low + minimum : low;
                values[block * 32 + 16 + i] = hasMinimum ? high + minimum : high;
            }
        }
    }
}
