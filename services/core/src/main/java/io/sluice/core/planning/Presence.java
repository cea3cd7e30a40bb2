package io.sluice.core.planning;

import io.sluice.core.WorkerId;
import java.util.Objects;

/**
 * What heartbeats say of a worker's process. Immutable.
 *
 * @param incarnation of the process
 * @param reason why, for people; may be empty
 */
public record Presence(WorkerId worker, long incarnation, State state, String reason) {
    public Presence {
        Objects.requireNonNull(worker, "worker");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(reason, "reason");
    }

    /** Whether the process is there. */
    public enum State {
        /** Nothing is known: it sends no heartbeats, or the planner has not heard any; telemetry alone decides. */
        UNHEARD,
        ALIVE,
        /** Serves what it has until it leaves, and nothing new. */
        DRAINING,
        /** Its lease ended or its end was reported. */
        GONE
    }

    /** What this says of a process of the same name that announced itself as {@code announced}. */
    State of(long announced) {
        if (incarnation == announced) {
            return state;
        }
        // A newer process has the name; what an older one did says nothing of this one.
        return incarnation > announced ? State.GONE : State.UNHEARD;
    }
}
