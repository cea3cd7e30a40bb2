package io.sluice.runtime.onnx;

import io.sluice.runtime.ModelConfig;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Buffers of batches at the heads of one model. Thread-safe: a batch may begin its head on any thread, and ends it on its
 * owner's.
 */
final class HeadBuffers {
    private final int hiddenSize;
    private final int vocabSize;
    /** Those that nobody uses; no more than batches were at the head at once. */
    private final Deque<HeadRows> free = new ArrayDeque<>();
    /** Those of the batch that ended last, whose logits may still be read. */
    private HeadRows last;

    HeadBuffers(ModelConfig config) {
        hiddenSize = config.hiddenSize();
        vocabSize = config.vocabSize();
    }

    /** Buffers for {@code rows} rows, of which no part has run. */
    synchronized HeadRows take(int rows) {
        HeadRows taken = free.poll();
        if (taken == null || taken.rowsMax < rows) {
            // By powers of two, so that a batch that grows row by row leaves little behind.
            int rowsMax = rows == 1 ? 1 : Integer.highestOneBit(rows - 1) << 1;
            taken = new HeadRows(rowsMax, hiddenSize, vocabSize);
        }
        taken.begin(rows);
        return taken;
    }

    /** Takes back the buffers of a batch that has ended: its logits may be read until another one ends. */
    synchronized void giveBack(HeadRows rows) {
        if (last != null) {
            free.push(last);
        }
        last = rows;
    }
}
