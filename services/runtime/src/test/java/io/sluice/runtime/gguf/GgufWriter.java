package io.sluice.runtime.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes small GGUF files for tests, right and wrong ones. */
public final class GgufWriter {
    private final Map<String, byte[]> metadata = new LinkedHashMap<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private int version = 3;
    private int alignment = 32;

    private record Tensor(String name, int type, long[] shape, byte[] data) {}

    GgufWriter version(int number) {
        version = number;
        return this;
    }

    GgufWriter alignment(int bytes) {
        alignment = bytes;
        return integer("general.alignment", bytes);
    }

    GgufWriter string(String key, String value) {
        return raw(key, 8, text(value));
    }

    GgufWriter integer(String key, int value) {
        return raw(key, 4, le(4).putInt(value).array());
    }

    GgufWriter number(String key, float value) {
        return raw(key, 6, le(4).putFloat(value).array());
    }

    GgufWriter flag(String key, boolean value) {
        return raw(key, 7, new byte[] {(byte) (value ? 1 : 0)});
    }

    GgufWriter strings(String key, List<String> values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(le(12).putInt(8).putLong(values.size()).array());
        values.forEach(value -> out.writeBytes(text(value)));
        return raw(key, 9, out.toByteArray());
    }

    GgufWriter integers(String key, int... values) {
        ByteBuffer out = le(12 + 4 * values.length).putInt(5).putLong(values.length);
        for (int value : values) {
            out.putInt(value);
        }
        return raw(key, 9, out.array());
    }

    /** A value of any type, its bytes as they stand in the file. */
    GgufWriter raw(String key, int type, byte[] value) {
        ByteBuffer out = le(4 + value.length).putInt(type).put(value);
        metadata.put(key, out.array());
        return this;
    }

    GgufWriter without(String key) {
        metadata.remove(key);
        tensors.removeIf(tensor -> tensor.name().equals(key));
        return this;
    }

    /** @param shape outermost dimension first */
    public GgufWriter tensor(String name, int type, long[] shape, byte[] data) {
        tensors.removeIf(tensor -> tensor.name().equals(name));
        tensors.add(new Tensor(name, type, shape, data));
        return this;
    }

    GgufWriter tensor(String name, long[] shape, float... values) {
        ByteBuffer data = le(4 * values.length);
        for (float value : values) {
            data.putFloat(value);
        }
        return tensor(name, 0, shape, data.array());
    }

    byte[] toBytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(le(20).putInt(version)
                .putLong(tensors.size())
                .putLong(metadata.size())
                .array());
        metadata.forEach((key, value) -> {
            out.writeBytes(text(key));
            out.writeBytes(value);
        });
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.writeBytes(text(tensor.name()));
            ByteBuffer head = le(4 + 8 * tensor.shape().length + 4 + 8).putInt(tensor.shape().length);
            for (int i = tensor.shape().length - 1; i >= 0; i--) {
                head.putLong(tensor.shape()[i]);
            }
            out.writeBytes(head.putInt(tensor.type()).putLong(offset).array());
            offset += padded(tensor.data().length);
        }
        out.writeBytes(new byte[padded(out.size()) - out.size()]);
        for (Tensor tensor : tensors) {
            out.writeBytes(tensor.data());
            out.writeBytes(new byte[padded(tensor.data().length) - tensor.data().length]);
        }
        return out.toByteArray();
    }

    public Path write(Path file) throws IOException {
        return Files.write(file, toBytes());
    }

    private int padded(int bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    }

    static byte[] text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        return le(8 + bytes.length).putLong(bytes.length).put(bytes).array();
    }

    static ByteBuffer le(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
