package io.sluice.runtime.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.OffHeap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One safetensors file: eight bytes of header length, a JSON header, then the tensors. Big reads map just their range
 * and unmap it at once, so that a loaded model does not linger in this process's memory; small ones (embedding rows)
 * go through windows of 1 GiB that stay mapped. Any file size. Reading is thread-safe.
 */
final class SafetensorsFile implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LENGTH_BYTES = 8;
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final long WINDOW_BYTES = 1L << 30;
    /** Reads up to this size use the windows, which overlap by as much so that no such read straddles two. */
    private static final int SMALL_BYTES = 1 << 16;

    private static final int LARGE_CHUNK_BYTES = 64 << 20;

    private final Path path;
    private final FileChannel channel;
    private final long fileBytes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<Long, ByteBuffer> windows = new ConcurrentHashMap<>();

    private record Entry(TensorType type, long[] shape, long offset) {
        long rowElements() {
            return shape.length == 0 ? 1 : shape[shape.length - 1];
        }
    }

    SafetensorsFile(Path path) {
        this.path = path;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new ModelFormatException("cannot open " + path + ": " + e.getMessage(), e);
        }
        try {
            fileBytes = channel.size();
            readHeader();
        } catch (IOException e) {
            closeChannel();
            throw new ModelFormatException("cannot read " + path + ": " + e.getMessage(), e);
        } catch (RuntimeException e) {
            closeChannel();
            throw e;
        }
    }

    Map<String, long[]> shapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        entries.forEach((name, entry) -> shapes.put(name, entry.shape()));
        return shapes;
    }

    boolean holds(String name) {
        return entries.containsKey(name);
    }

    long[] shape(String name) {
        return entries.get(name).shape().clone();
    }

    void readRows(String name, long firstRow, long rowCount, FloatBuffer target) {
        Entry entry = entries.get(name);
        long rows = ModelWeights.rows(entry.shape());
        if (firstRow < 0 || rowCount < 0 || firstRow > rows - rowCount) {
            throw new IllegalArgumentException("rows [" + firstRow + ", " + (firstRow + rowCount) + ") are outside the "
                    + rows + " rows of " + name);
        }
        long elements = rowCount * entry.rowElements();
        if (target.remaining() < elements) {
            throw new IllegalArgumentException(
                    "a buffer of " + target.remaining() + " floats cannot take " + elements + " of " + name);
        }
        long offset =
                entry.offset() + firstRow * entry.rowElements() * entry.type().bytes();
        long bytes = elements * entry.type().bytes();
        if (bytes <= SMALL_BYTES) {
            ByteBuffer window = windows.computeIfAbsent(offset / WINDOW_BYTES, this::mapWindow);
            entry.type().expand(window, (int) (offset % WINDOW_BYTES), (int) elements, target);
            return;
        }
        for (long done = 0; done < bytes; done += LARGE_CHUNK_BYTES) {
            int part = (int) Math.min(LARGE_CHUNK_BYTES, bytes - done);
            ByteBuffer mapped = map(offset + done, part);
            entry.type().expand(mapped, 0, part / entry.type().bytes(), target);
            OffHeap.free(mapped);
        }
    }

    @Override
    public void close() {
        windows.values().forEach(OffHeap::free);
        windows.clear();
        closeChannel();
    }

    private void readHeader() throws IOException {
        if (fileBytes < LENGTH_BYTES) {
            throw truncated(LENGTH_BYTES);
        }
        long headerBytes = readFully(0, LENGTH_BYTES).getLong(0);
        if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
            throw new ModelFormatException(path + " is not a safetensors file: its header would be " + headerBytes
                    + " bytes. Maybe it is another format, or a Git LFS pointer that was never fetched");
        }
        if (LENGTH_BYTES + headerBytes > fileBytes) {
            throw truncated(LENGTH_BYTES + headerBytes);
        }
        JsonNode header;
        try {
            header = JSON.readTree(readFully(LENGTH_BYTES, (int) headerBytes).array());
        } catch (IOException e) {
            throw new ModelFormatException(path + " has a damaged header: it is not JSON; fetch the file again", e);
        }
        long needed = LENGTH_BYTES + headerBytes;
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (!field.getKey().equals("__metadata__")) {
                needed = Math.max(needed, addEntry(field.getKey(), field.getValue(), LENGTH_BYTES + headerBytes));
            }
        }
        if (needed > fileBytes) {
            throw truncated(needed);
        }
    }

    /** Returns the end of the tensor's bytes in the file. */
    private long addEntry(String name, JsonNode json, long dataStart) {
        String dtype = json.path("dtype").asText();
        TensorType type = TensorType.of(dtype)
                .orElseThrow(() -> new ModelFormatException("tensor " + name + " of " + path + " has type '" + dtype
                        + "': only F32, F16 and BF16 are supported; use the model's unquantised weights"));
        JsonNode dimensions = json.path("shape");
        JsonNode offsets = json.path("data_offsets");
        if (!dimensions.isArray() || offsets.size() != 2) {
            throw damaged(name, "it has no shape or no offsets");
        }
        long[] shape = new long[dimensions.size()];
        long bytes = type.bytes();
        for (int i = 0; i < shape.length; i++) {
            shape[i] = dimensions.get(i).asLong(-1);
            if (shape[i] < 1 || bytes > Long.MAX_VALUE / shape[i]) {
                throw damaged(name, "dimension " + i + " is " + dimensions.get(i));
            }
            bytes *= shape[i];
        }
        long begin = offsets.get(0).asLong(-1);
        long end = offsets.get(1).asLong(-1);
        if (begin < 0 || end - begin != bytes) {
            throw damaged(
                    name,
                    "bytes [" + begin + ", " + end + ") do not fit shape " + Arrays.toString(shape) + " of " + type);
        }
        entries.put(name, new Entry(type, shape, dataStart + begin));
        return dataStart + end;
    }

    private ByteBuffer mapWindow(long window) {
        long start = window * WINDOW_BYTES;
        return map(start, Math.min(WINDOW_BYTES + SMALL_BYTES, fileBytes - start));
    }

    private ByteBuffer map(long offset, long bytes) {
        try {
            return OffHeap.map(channel, offset, bytes);
        } catch (IOException e) {
            throw new ModelFormatException("cannot map " + path + ": " + e.getMessage(), e);
        }
    }

    private ByteBuffer readFully(long offset, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                throw truncated(offset + bytes);
            }
        }
        return buffer;
    }

    private ModelFormatException truncated(long needed) {
        return new ModelFormatException(
                path + " is truncated: it has " + fileBytes + " bytes but needs " + needed + "; fetch the file again");
    }

    private ModelFormatException damaged(String name, String why) {
        return new ModelFormatException(
                "tensor " + name + " of " + path + " is damaged: " + why + "; fetch the file again");
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ModelFormatException("cannot close " + path + ": " + e.getMessage(), e);
        }
    }
}
