package io.sluice.runtime.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Locale;
import java.util.Optional;

/** Element types of safetensors files that are expanded to fp32. Every conversion is exact. */
enum TensorType {
    F32(4),
    F16(2),
    BF16(2);

    /** Elements converted at a time: small enough for the nearest cache, large enough for vector loops. */
    private static final int BLOCK = 8192;

    private final int bytes;

    TensorType(int bytes) {
        this.bytes = bytes;
    }

    int bytes() {
        return bytes;
    }

    static Optional<TensorType> of(String name) {
        for (TensorType type : values()) {
            if (type.name().equals(name.toUpperCase(Locale.ROOT))) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** Appends {@code count} little-endian elements of {@code source}, from byte {@code offset}, to {@code target}. */
    void expand(ByteBuffer source, int offset, int count, FloatBuffer target) {
        if (this == F32) {
            target.put(source.slice(offset, count * bytes).order(source.order()).asFloatBuffer());
            return;
        }
        short[] halves = new short[Math.min(BLOCK, count)];
        float[] floats = new float[halves.length];
        var shorts = source.slice(offset, count * bytes).order(source.order()).asShortBuffer();
        for (int done = 0; done < count; done += halves.length) {
            int n = Math.min(halves.length, count - done);
            shorts.get(halves, 0, n);
            if (this == F16) {
                for (int i = 0; i < n; i++) {
                    floats[i] = Float.float16ToFloat(halves[i]);
                }
            } else {
                for (int i = 0; i < n; i++) {
                    floats[i] = Float.intBitsToFloat(halves[i] << 16);
                }
            }
            target.put(floats, 0, n);
        }
    }
}
