package io.sluice.core.batching;

/**
 * Decides at the first stage whether decode steps that are ready go on at once or wait for the other sessions' steps, so
 * that all sessions travel the pipeline as one batch. Where stages compete for the same cores, every separate group reads
 * the weights again: eight sessions in three groups cost nearly three times the time of eight in one. Where every stage
 * has a device of its own, waiting would leave devices idle, and the gate stays open.
 *
 * <p>A step waits no longer than a step's usual way round the pipeline, so a session that got lost delays the others by a
 * bounded time, and soon no longer counts. One session never waits. Times are nanoseconds of any one monotonic clock. Not
 * thread-safe.
 */
public final class CohortGate {
    /** No step waits longer than this, nanoseconds. */
    public static final long MAX_HOLD_NANOS = 250_000_000L;

    private static final double NEWEST_WEIGHT = 0.2;
    /** A session that has been away for so many usual ways round is not waited for. */
    private static final int LOST_AFTER_ROUNDS = 3;

    private final boolean gathers;
    private double roundNanos;

    /** @param gathers false: always open */
    public CohortGate(boolean gathers) {
        this.gathers = gathers;
    }

    /** A session's step came back {@code nanos} after it had been sent on. */
    public void returned(long nanos) {
        double bounded = Math.clamp(nanos, 0L, MAX_HOLD_NANOS);
        roundNanos = roundNanos == 0 ? bounded : roundNanos + NEWEST_WEIGHT * (bounded - roundNanos);
    }

    /** Whether a session that was sent on {@code awayNanos} ago may still come back with the others. */
    public boolean expects(long awayNanos) {
        return awayNanos <= LOST_AFTER_ROUNDS * holdNanos();
    }

    /**
     * How long to wait on, nanoseconds; 0: go.
     *
     * @param ready decode steps ready
     * @param expected sessions on their way round that {@link #expects} still counts
     * @param waitedNanos how long the oldest ready step has waited
     */
    public long holdNanos(int ready, int expected, long waitedNanos) {
        if (!gathers || ready == 0 || expected == 0) {
            return 0;
        }
        return Math.max(0, holdNanos() - waitedNanos);
    }

    private long holdNanos() {
        return Math.min(MAX_HOLD_NANOS, Math.round(roundNanos));
    }
}
