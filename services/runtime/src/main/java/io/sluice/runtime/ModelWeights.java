package io.sluice.runtime;

import java.nio.FloatBuffer;
import java.util.Set;

/**
 * The tensors of one model, by their Hugging Face names and in Hugging Face layout (a linear layer is row-major
 * {@code [outputs, inputs]}; query and key rows in the half-split rotary order), expanded to fp32 as they are read.
 * Opening reads headers only; a tensor's bytes are touched when it is read. Reading is thread-safe until
 * {@link #close}.
 */
public interface ModelWeights extends AutoCloseable {

    ModelConfig config();

    /** Names of all tensors, in the order of the file. */
    Set<String> names();

    /**
     * Sizes of the dimensions, outermost first.
     *
     * @throws ModelFormatException when there is no such tensor
     */
    long[] shape(String name);

    /**
     * Appends rows {@code [firstRow, firstRow + rowCount)} to {@code target} as fp32; a row is the last dimension, so a
     * tensor of one dimension is a single row. Advances {@code target} by {@code rowCount} rows.
     *
     * @throws ModelFormatException when there is no such tensor or its bytes cannot be read
     * @throws IllegalArgumentException when the rows are outside the tensor or {@code target} is too small
     */
    void readRows(String name, long firstRow, long rowCount, FloatBuffer target);

    /** Appends all of a tensor to {@code target}, row-major. Errors as {@link #readRows}. */
    default void read(String name, FloatBuffer target) {
        readRows(name, 0, rows(shape(name)), target);
    }

    /** Rows of a tensor of this shape: the product of all dimensions but the last. */
    static long rows(long[] shape) {
        long rows = 1;
        for (int i = 0; i < shape.length - 1; i++) {
            rows = Math.multiplyExact(rows, shape[i]);
        }
        return rows;
    }

    /** Unmaps the files; a runner that embeds tokens needs the weights open for as long as it lives. */
    @Override
    void close();
}
