package io.sluice.runtime.gguf;

import io.sluice.runtime.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF file, versions 2 and 3, little-endian: metadata and a directory of tensors, both read and checked when it is
 * opened; tensor data is mapped in windows of 1 GiB, so larger files are no special case.
 *
 * <p>Thread-safe. Everything wrong with a file is a {@link ModelFormatException}. Format: the GGUF specification in the
 * ggml repository, docs/gguf.md.
 */
public final class GgufFile {
    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int MAX_DIMENSIONS = 4;
    private static final long WINDOW_BYTES = 1L << 30;
    private static final int OVERLAP_BYTES = 64;
    private static final int MAX_MESSAGE = 600;
    private static final int STEP_ELEMENTS = 1 << 14;

    private final Path path;
    private final ByteBuffer[] windows;
    private final int version;
    private final GgufMetadata metadata;
    private final Map<String, GgufTensor> tensors;

    private GgufFile(
            Path path, ByteBuffer[] windows, int version, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
        this.path = path;
        this.windows = windows;
        this.version = version;
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Opens and checks a file. The mapping lasts as long as the object is reachable; there is nothing to close.
     *
     * @throws ModelFormatException when the file is missing, unreadable, damaged or not supported
     */
    public static GgufFile open(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return read(path, channel);
        } catch (NoSuchFileException e) {
            throw new ModelFormatException(path + ": no such file", e);
        } catch (IOException e) {
            throw new ModelFormatException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static GgufFile read(Path path, FileChannel channel) throws IOException {
        long size = channel.size();
        GgufCursor in =
                new GgufCursor(path, channel.map(FileChannel.MapMode.READ_ONLY, 0, Math.min(size, Integer.MAX_VALUE)));
        if (size < 4 || in.readInt("the magic") != MAGIC) {
            throw problem(path, "is not a GGUF file (it does not begin with the letters GGUF)");
        }
        int version = in.readInt("the version");
        if (version != 2 && version != 3) {
            String why = Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3
                    ? "is a big-endian GGUF file, only little-endian ones are supported"
                    : "is GGUF version " + Integer.toUnsignedString(version) + ", versions 2 and 3 are supported";
            throw problem(path, why);
        }
        int tensorCount = in.readCount(8 + 4 + 8 + 4 + 8, "the tensor count");
        int keyCount = in.readCount(8 + 4 + 1, "the metadata count");
        GgufMetadata metadata = GgufMetadata.read(path, in, keyCount);
        int alignment = metadata.integer("general.alignment", 1, 1 << 20).orElse(32);
        if (Integer.bitCount(alignment) != 1) {
            throw problem(path, "general.alignment is " + alignment + ", expected a power of two");
        }
        List<RawTensor> raw = new ArrayList<>();
        for (int i = 0; i < tensorCount; i++) {
            raw.add(RawTensor.read(path, in, i));
        }
        long dataStart = (in.position() + alignment - 1L) / alignment * alignment;
        Map<String, GgufTensor> tensors = new LinkedHashMap<>();
        for (RawTensor tensor : raw) {
            if (tensors.put(tensor.name(), tensor.place(path, dataStart, alignment, size)) != null) {
                throw problem(path, "tensor '" + tensor.name() + "' appears twice");
            }
        }
        return new GgufFile(path, map(channel, size), version, metadata, tensors);
    }

    public Path path() {
        return path;
    }

    public int version() {
        return version;
    }

    public GgufMetadata metadata() {
        return metadata;
    }

    /** The same file without the metadata, which holds the whole vocabulary and so some tens of megabytes. */
    GgufFile withoutMetadata() {
        return new GgufFile(path, windows, version, GgufMetadata.none(path), tensors);
    }

    public Collection<GgufTensor> tensors() {
        return tensors.values();
    }

    public Optional<GgufTensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * Expands elements {@code [first, first + count)} of a tensor to fp32 and appends them to {@code target}. Both
     * numbers are whole blocks of the tensor's type, as rows always are.
     */
    public void read(GgufTensor tensor, long first, long count, FloatBuffer target) {
        GgmlType type = tensor.type();
        long block = first / type.blockElements();
        long end = block + count / type.blockElements();
        float[] values = new float[(int) Math.min(count, STEP_ELEMENTS)];
        while (block < end) {
            long at = tensor.offset() + block * type.blockBytes();
            ByteBuffer window = windows[(int) (at / WINDOW_BYTES)];
            int inWindow = (int) (at % WINDOW_BYTES);
            int blocks = (int) Math.min(
                    Math.min(end - block, values.length / type.blockElements()),
                    (window.capacity() - inWindow) / type.blockBytes());
            Dequantizer.expand(type, window, inWindow, blocks, values);
            target.put(values, 0, blocks * type.blockElements());
            block += blocks;
        }
    }

    /** One line of bounded length, whatever names and values a damaged file put into it. */
    static ModelFormatException problem(Path path, String problem) {
        String line = problem.replaceAll("[\\p{Cntrl}\\s]+", " ");
        return new ModelFormatException(
                path + ": " + (line.length() <= MAX_MESSAGE ? line : line.substring(0, MAX_MESSAGE) + "…"));
    }

    /** Maps the file in windows that overlap by a little, so that every block lies whole in the window it begins in. */
    private static ByteBuffer[] map(FileChannel channel, long size) throws IOException {
        ByteBuffer[] windows = new ByteBuffer[(int) Math.max(1, Math.ceilDiv(size, WINDOW_BYTES))];
        for (int i = 0; i < windows.length; i++) {
            long from = i * WINDOW_BYTES;
            long length = Math.min(WINDOW_BYTES + OVERLAP_BYTES, size - from);
            windows[i] =
                    channel.map(FileChannel.MapMode.READ_ONLY, from, length).order(ByteOrder.LITTLE_ENDIAN);
        }
        return windows;
    }

    /** A directory entry before its place in the file is known. */
    private record RawTensor(String name, List<Long> shape, long typeId, long relativeOffset) {

        static RawTensor read(Path path, GgufCursor in, int index) {
            String name = in.readString("the name of tensor " + index);
            long dimensions = in.readUnsignedInt("the shape of tensor '" + name + "'");
            if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
                throw problem(path, "tensor '" + name + "' has " + dimensions + " dimensions, expected 1 to 4");
            }
            List<Long> shape = new ArrayList<>();
            long elements = 1;
            for (int i = 0; i < dimensions; i++) {
                long length = in.readLong("the shape of tensor '" + name + "'");
                if (length <= 0 || length > Long.MAX_VALUE / 64 / elements) {
                    throw problem(
                            path, "tensor '" + name + "' has the impossible length " + Long.toUnsignedString(length));
                }
                elements *= length;
                shape.addFirst(length);
            }
            return new RawTensor(
                    name,
                    shape,
                    in.readUnsignedInt("the type of tensor '" + name + "'"),
                    in.readLong("the offset of tensor '" + name + "'"));
        }

        GgufTensor place(Path path, long dataStart, int alignment, long fileSize) {
            GgmlType type = GgmlType.byId(typeId)
                    .orElseThrow(() -> problem(
                            path,
                            "tensor '" + name + "' has the type " + GgmlType.nameOf(typeId)
                                    + "; supported are F32, F16, BF16, Q8_0, Q4_0 and Q4_1"));
            long elements = shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
            if (shape.getLast() % type.blockElements() != 0) {
                throw problem(
                        path,
                        "tensor '" + name + "' has rows of " + shape.getLast() + " elements, not a multiple of "
                                + type.blockElements() + " as " + type + " needs");
            }
            long bytes = elements / type.blockElements() * type.blockBytes();
            if (relativeOffset < 0 || relativeOffset % alignment != 0) {
                throw problem(
                        path,
                        "tensor '" + name + "' begins at offset " + Long.toUnsignedString(relativeOffset)
                                + ", not a multiple of the alignment " + alignment);
            }
            if (relativeOffset > fileSize - dataStart || bytes > fileSize - dataStart - relativeOffset) {
                throw problem(
                        path,
                        "tensor '" + name + "' reaches past the end of the file (" + fileSize
                                + " bytes): the file is truncated");
            }
            return new GgufTensor(name, type, shape, dataStart + relativeOffset, bytes);
        }
    }
}
