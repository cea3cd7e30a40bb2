package io.sluice.runtime.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Rows of one batch on their way through the parts of the head: what goes in, and the logits so far. Reused from batch to
 * batch; left to the garbage collector when it is too small, because a caller may still hold its logits. Not thread-safe.
 */
final class HeadRows {
    final int rowsMax;
    private final int hiddenSize;
    private final int vocabSize;
    private final ByteBuffer hidden;
    private final ByteBuffer logits;
    /** One part of all rows, {@code [rows, width]}; made when it is needed. */
    private ByteBuffer scratch = floats(0);

    private int rows;
    private int partsDone;

    HeadRows(int rowsMax, int hiddenSize, int vocabSize) {
        this.rowsMax = rowsMax;
        this.hiddenSize = hiddenSize;
        this.vocabSize = vocabSize;
        hidden = floats(Math.multiplyExact(rowsMax, hiddenSize));
        logits = floats(Math.multiplyExact(rowsMax, vocabSize));
    }

    void begin(int newRows) {
        rows = newRows;
        partsDone = 0;
    }

    int rows() {
        return rows;
    }

    int partsDone() {
        return partsDone;
    }

    void partDone() {
        partsDone++;
    }

    /** Where the hidden states go, {@code [rows, hiddenSize]}. */
    FloatBuffer input() {
        return hidden.asFloatBuffer();
    }

    /** {@link #input}, its bytes. */
    ByteBuffer inputBytes() {
        return part(hidden, 0, rows * hiddenSize);
    }

    /** Bytes of the logits {@code [first, first + count)} of the first row. */
    ByteBuffer logitBytes(int first, int count) {
        return part(logits, first, count);
    }

    /** Bytes for {@code size} logits of each row, {@code [rows, size]}, until {@link #take} has them; @param widest part */
    ByteBuffer partBytes(int widest, int size) {
        if (scratch.capacity() == 0) {
            scratch = floats(Math.multiplyExact(rowsMax, widest));
        }
        return part(scratch, 0, rows * size);
    }

    /** Takes the logits {@code [first, first + count)} of all rows, {@code [rows, count]}. */
    void take(FloatBuffer y, int first, int count) {
        FloatBuffer target = logits.asFloatBuffer();
        for (int row = 0; row < rows; row++) {
            target.put(row * vocabSize + first, y, row * count, count);
        }
    }

    /** Logits of a row after the last part, {@code [vocabSize]}. */
    FloatBuffer logits(int row) {
        return logits.asFloatBuffer().slice(row * vocabSize, vocabSize);
    }

    /** Memory that goes when nobody holds it. */
    static ByteBuffer floats(int count) {
        return ByteBuffer.allocateDirect(Math.multiplyExact(count, Float.BYTES)).order(ByteOrder.nativeOrder());
    }

    static ByteBuffer part(ByteBuffer buffer, int first, int count) {
        return buffer.slice(first * Float.BYTES, count * Float.BYTES).order(ByteOrder.nativeOrder());
    }
}
