package io.sluice.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Hidden states as they travel: little-endian, row-major {@code [count, hidden]}. fp32 is exact; fp16 rounds to nearest
 * even. A value beyond fp16's range is an error rather than saturated, for a silently bent activation would change the
 * text. Stateless and thread-safe.
 */
public final class ActivationCodec {
    /** Elements converted at a time, between plain arrays: the JVM turns such loops into vector instructions. */
    private static final int BLOCK = 4096;

    private static final int EXPONENT_BITS = 0x7c00;

    private ActivationCodec() {}

    /**
     * Encodes {@code count} rows from the buffer's position, which stays as it is.
     *
     * @return a heap buffer, position 0, of {@code count * hidden * dtype.bytes()} bytes
     * @throws IllegalArgumentException when rows are missing, or a value for fp16 is NaN or beyond 65504
     */
    public static ByteBuffer encode(FloatBuffer source, int count, int hidden, ActivationDtype dtype) {
        int elements = Math.multiplyExact(count, hidden);
        if (source.remaining() < elements) {
            throw new IllegalArgumentException("activations have " + source.remaining() + " elements, but " + count
                    + " positions of " + hidden + " need " + elements);
        }
        ByteBuffer target =
                ByteBuffer.allocate(Math.multiplyExact(elements, dtype.bytes())).order(ByteOrder.LITTLE_ENDIAN);
        if (dtype == ActivationDtype.FP32) {
            target.asFloatBuffer().put(0, source, source.position(), elements);
            return target;
        }
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
        return target;
    }

    /**
     * Decodes {@code count} rows from the buffer's position, which stays as it is, whatever its byte order.
     *
     * @return a heap buffer, position 0, of {@code count * hidden} floats
     * @throws IllegalArgumentException when the buffer has not exactly that many elements
     */
    public static FloatBuffer decode(ByteBuffer source, int count, int hidden, ActivationDtype dtype) {
        int elements = Math.multiplyExact(count, hidden);
        if (source.remaining() != (long) elements * dtype.bytes()) {
            throw new IllegalArgumentException("activations have " + source.remaining() + " bytes, but " + count
                    + " positions of " + hidden + " in " + dtype + " are " + (long) elements * dtype.bytes());
        }
        ByteBuffer little = source.slice().order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[elements];
        if (dtype == ActivationDtype.FP32) {
            little.asFloatBuffer().get(floats);
        } else {
            short[] halves = new short[elements];
            little.asShortBuffer().get(halves);
            for (int i = 0; i < elements; i++) {
                floats[i] = Float.float16ToFloat(halves[i]);
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
