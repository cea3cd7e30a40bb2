package io.sluice.runtime.gguf;

import java.util.List;

/**
 * One tensor of a GGUF file.
 *
 * @param name as in the file, for example {@code blk.0.attn_q.weight}
 * @param type how it is encoded
 * @param shape rows first, as in row-major arrays: {@code [rows, columns]} or {@code [columns]} (files keep the
 *     reverse)
 * @param offset of its first byte in the file
 * @param bytes it takes in the file
 */
public record GgufTensor(String name, GgmlType type, List<Long> shape, long offset, long bytes) {
    public GgufTensor {
        shape = List.copyOf(shape);
    }

    /** Elements, the product of the shape. */
    public long elements() {
        return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    /** Elements of one row. */
    public long columns() {
        return shape.getLast();
    }
}
