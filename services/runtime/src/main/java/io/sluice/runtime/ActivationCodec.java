package io.sluice.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Hidden states as they travel: little-endian, row-major {@code [count, hidden]}. fp32 is exact; fp16 rounds to nearest
 * even; int8 blocks are within {@code absmax / 254} of a block, but for the rounding of its scale ({@link Int8Blocks}). A
 * value beyond a type's range is an error rather than saturated, for a silently bent activation would change the text.
 * Stateless and thread-safe.
 */
public final class ActivationCodec {
    /** Elements converted at a time, between plain arrays: the JVM turns such loops into vector instructions. */
    private static final int BLOCK = 4096;

    private static final int EXPONENT_BITS = 0x7c00;

    private ActivationCodec() {}

    /**
     * Encodes {@code count} rows from the buffer's position, which stays as it is.
     *
     * @return a heap buffer, position 0, of {@code count * dtype.rowBytes(hidden)} bytes
     * @throws IllegalArgumentException when rows are missing, a value for fp16 is NaN or beyond 65504, or one for int8 is
     *     NaN or beyond 127 times that
     */
    public static ByteBuffer encode(FloatBuffer source, int count, int hidden, ActivationDtype dtype) {
        int elements = Math.multiplyExact(count, hidden);
        if (source.remaining() < elements) {
            throw new IllegalArgumentException("activations have " + source.remaining() + " elements, but " + count
                    + " positions of " + hidden + " need " + elements);
        }
        ByteBuffer target = ByteBuffer.allocate(Math.multiplyExact(count, dtype.rowBytes(hidden)))
                .order(ByteOrder.LITTLE_ENDIAN);
        switch (dtype) {
            case FP32 -> target.asFloatBuffer().put(0, source, source.position(), elements);
            case FP16 -> encodeHalves(source, elements, hidden, target);
            case INT8_BLOCK -> Int8Blocks.encode(source, count, hidden, target.array());
        }
        return target;
    }

    private static void encodeHalves(FloatBuffer source, int elements, int hidden, ByteBuffer target) {
        float[] floats = new float[Math.min(BLOCK, elements)];
        short[] halves = new short[floats.length];
        var shorts = target.asShortBuffer();
        for (int done = 0; done < elements; done += floats.length) {
            int n = Math.min(floats.length, elements - done);
            source.get(source.position() + done, floats, 0, n);
            for (int i = 0; i < n; i++) {
                halves[i] = Float.floatToFloat16(floats[i]);
            }
            int worst = 0;
            for (int i = 0; i < n; i++) {
                worst = Math.max(worst, halves[i] & EXPONENT_BITS);
            }
            if (worst == EXPONENT_BITS) {
                throw overflow(floats, halves, n, done, hidden);
            }
            shorts.put(halves, 0, n);
        }
    }

    /**
     * Decodes {@code count} rows from the buffer's position, which stays as it is, whatever its byte order.
     *
     * @return a heap buffer, position 0, of {@code count * hidden} floats
     * @throws IllegalArgumentException when the buffer has not exactly that many elements, or a scale is no finite number
     */
    public static FloatBuffer decode(ByteBuffer source, int count, int hidden, ActivationDtype dtype) {
        int elements = Math.multiplyExact(count, hidden);
        long bytes = (long) count * dtype.rowBytes(hidden);
        if (source.remaining() != bytes) {
            throw new IllegalArgumentException("activations have " + source.remaining() + " bytes, but " + count
                    + " positions of " + hidden + " in " + dtype + " are " + bytes);
        }
        ByteBuffer little = source.slice().order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[elements];
        switch (dtype) {
            case FP32 -> little.asFloatBuffer().get(floats);
            case FP16 -> {
                short[] halves = new short[elements];
                little.asShortBuffer().get(halves);
                for (int i = 0; i < elements; i++) {
                    floats[i] = Float.float16ToFloat(halves[i]);
                }
            }
            case INT8_BLOCK -> {
                byte[] blocks = new byte[(int) bytes];
                little.get(blocks);
                Int8Blocks.decode(blocks, count, hidden, floats);
            }
        }
        return FloatBuffer.wrap(floats);
    }

    private static IllegalArgumentException overflow(float[] floats, short[] halves, int n, int done, int hidden) {
        int at = 0;
        while (at < n - 1 && (halves[at] & EXPONENT_BITS) != EXPONENT_BITS) {
            at++;
        }
        return new IllegalArgumentException("activation " + floats[at] + " at row " + (done + at) / hidden + ","
                + " element "
                + (done + at) % hidden + " does not fit fp16 (largest 65504): run the worker with --activations fp32");
    }
}
