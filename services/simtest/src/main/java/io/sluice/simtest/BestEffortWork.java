package io.sluice.simtest;

import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.sharing.SharingLimits;
import java.util.List;

/**
 * Best-effort work that waits at a simulated stage, and the limits under which it may start. The stage asks only where no
 * latency-critical work is ready; of the quota only that 0 allows nothing is simulated here.
 *
 * @param <T> work
 */
final class BestEffortWork<T> {
    private final BatchScheduler<T> waiting;
    private SharingLimits limits = SharingLimits.NONE;

    BestEffortWork(BatchLimits bounds) {
        waiting = new BatchScheduler<>(bounds);
    }

    BatchScheduler<T> waiting() {
        return waiting;
    }

    void limit(SharingLimits published) {
        limits = published;
    }

    /**
     * A batch that may start now; empty: none.
     *
     * @param unbounded whether the end of the limits is overlooked, on purpose
     */
    List<T> next(long nowNanos, boolean unbounded) {
        boolean fresh = limits.freshAt(nowNanos) || unbounded;
        return fresh && !limits.none() ? waiting.next() : List.of();
    }
}
