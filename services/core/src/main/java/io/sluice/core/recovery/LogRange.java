package io.sluice.core.recovery;

import io.sluice.core.WorkerId;
import java.util.Objects;

/**
 * Records of a worker's activation topic that hold inputs of a stage. Immutable.
 *
 * @param worker whose topic
 * @param firstOffset first record
 * @param endOffset end of the range, exclusive
 */
public record LogRange(WorkerId worker, long firstOffset, long endOffset) {
    public LogRange {
        Objects.requireNonNull(worker, "worker");
        if (firstOffset < 0 || endOffset <= firstOffset) {
            throw new IllegalArgumentException("log range [" + firstOffset + ", " + endOffset + ") of " + worker
                    + " must have 0 <= first offset < end offset");
        }
    }

    /** Records in the range. */
    public long records() {
        return endOffset - firstOffset;
    }

    @Override
    public String toString() {
        return worker + "@[" + firstOffset + ", " + endOffset + ")";
    }
}
