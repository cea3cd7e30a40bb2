package io.sluice.core.membership;

import io.sluice.core.WorkerId;
import java.util.Objects;

/**
 * One heartbeat, or the report of an end. Immutable.
 *
 * @param incarnation grows with every start of the worker
 * @param drainDeadlineMs {@link State#DRAINING}: when it will be gone, milliseconds since the Unix epoch of its own
 *     clock; 0: no deadline
 * @param leaseMs how long it is taken for alive, milliseconds
 * @param reporter who says so
 * @param reason why, for people; may be empty
 */
public record Beat(
        WorkerId worker,
        long incarnation,
        State state,
        long drainDeadlineMs,
        long leaseMs,
        String reporter,
        String reason) {
    public Beat {
        Objects.requireNonNull(worker, "worker");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(reporter, "reporter");
        Objects.requireNonNull(reason, "reason");
        if (leaseMs < 1) {
            throw new IllegalArgumentException("the lease of worker " + worker + " is " + leaseMs
                    + " ms and must be at least 1: set --lease of the worker");
        }
    }

    /** What a heartbeat says. */
    public enum State {
        ALIVE,
        DRAINING,
        GONE
    }
}
