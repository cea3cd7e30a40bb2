package io.sluice.core.planning;

import java.util.Objects;

/**
 * Why a report was not used. A value, not an exception: telemetry may be absurd and the planner goes on.
 *
 * @param message names the value and the remedy
 */
public record Rejection(Kind kind, String message) {
    /** What is wrong; only {@link #INVALID} and {@link #FUTURE} point at a fault somebody should mend. */
    public enum Kind {
        /** Not a number, negative or beyond anything a device can do. */
        INVALID(true),
        /** Made later than the planner's clock allows. */
        FUTURE(true),
        /** Older than the lease. */
        STALE(false),
        /** Sequence or epoch already seen. */
        DUPLICATE(false),
        /** From before the worker's last start. */
        OLD_INCARNATION(false),
        /** From a worker or start that has not announced itself yet. */
        UNANNOUNCED(false);

        private final boolean fault;

        Kind(boolean fault) {
            this.fault = fault;
        }

        /** Whether this goes to the errors topic; the others are ordinary in a distributed system. */
        public boolean isFault() {
            return fault;
        }
    }

    public Rejection {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(message, "message");
    }
}
