package io.sluice.core.planning.live;

import java.util.Objects;

/**
 * Why the planner wants to place again. Immutable.
 *
 * @param reason one clause: {@code spare e joined}
 * @param sinceMillis when the first of these events was seen, planner's clock
 * @param lastMillis when the last was
 * @param loss whether a worker went, so that the least time between decisions, which is meant for gains, does not count
 */
public record Trigger(String reason, long sinceMillis, long lastMillis, boolean loss) {
    private static final int MAX_CHARS = 500;

    public Trigger {
        Objects.requireNonNull(reason, "reason");
    }

    static Trigger of(String reason, long atMillis) {
        return new Trigger(reason, atMillis, atMillis, false);
    }

    static Trigger ofLoss(String reason, long atMillis) {
        return new Trigger(reason, atMillis, atMillis, true);
    }

    /** Both. */
    Trigger and(Trigger later) {
        boolean known = reason.contains(later.reason) || reason.length() > MAX_CHARS;
        if (later.reason.contains(reason)) {
            return new Trigger(later.reason, sinceMillis, later.lastMillis, loss || later.loss);
        }
        return new Trigger(
                known ? reason : reason + ", " + later.reason, sinceMillis, later.lastMillis, loss || later.loss);
    }
}
