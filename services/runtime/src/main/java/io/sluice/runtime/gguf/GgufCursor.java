package io.sluice.runtime.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads the little-endian head of a GGUF file; never past its end. */
final class GgufCursor {
    private final Path file;
    private final ByteBuffer data;

    GgufCursor(Path file, ByteBuffer data) {
        this.file = file;
        this.data = data.order(ByteOrder.LITTLE_ENDIAN);
    }

    byte readByte(String what) {
        return require(1, what).get();
    }

    short readShort(String what) {
        return require(2, what).getShort();
    }

    int readInt(String what) {
        return require(4, what).getInt();
    }

    long readUnsignedInt(String what) {
        return Integer.toUnsignedLong(readInt(what));
    }

    long readLong(String what) {
        return require(8, what).getLong();
    }

    float readFloat(String what) {
        return require(4, what).getFloat();
    }

    double readDouble(String what) {
        return require(8, what).getDouble();
    }

    /** A count of things that take at least {@code leastBytes} each, so it cannot exceed what the file still holds. */
    int readCount(int leastBytes, String what) {
        long count = readLong(what);
        if (count < 0 || count > data.remaining() / leastBytes) {
            throw GgufFile.problem(
                    file,
                    what + " says " + Long.toUnsignedString(count) + ", more than the rest of the file ("
                            + data.remaining() + " bytes) can hold: the file is truncated or damaged");
        }
        return (int) count;
    }

    String readString(String what) {
        int length = readCount(1, "length of " + what);
        byte[] bytes = new byte[length];
        data.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    int position() {
        return data.position();
    }

    private ByteBuffer require(int bytes, String what) {
        if (data.remaining() < bytes) {
            throw GgufFile.problem(
                    file, "ends inside " + what + " at byte " + data.limit() + ": the file is truncated");
        }
        return data;
    }
}
