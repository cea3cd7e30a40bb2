package io.sluice.core.sharing;

/**
 * The latency objective of a latency-critical step: best-effort work may make it longer by at most a share of what it would
 * have taken without. It needs no profile and no absolute figure, and holds at any load: what a step waits for other
 * latency-critical work is part of what it would have taken, so an overloaded server does not blame best-effort work, and
 * every step that misses the objective was made to. Immutable.
 *
 * @param slowdown the share, above 0: 0.1 lets a step take 1.1 times as long
 */
public record StepObjective(double slowdown) {
    /** Usual share. */
    public static final double DEFAULT_SLOWDOWN = 0.1;

    public StepObjective {
        Shares.positive("slowdown", slowdown);
    }

    /**
     * Whether a step missed it.
     *
     * @param waitNanos from when it could have run on an idle device to its start
     * @param causedNanos part of the wait while best-effort work held the device
     * @param serviceNanos from its start to its end
     * @param slowedNanos part of the service by which best-effort work beside it made it longer
     */
    public boolean missed(double waitNanos, double causedNanos, double serviceNanos, double slowedNanos) {
        Shares.notNegative("wait in ns", waitNanos);
        Shares.notNegative("caused wait in ns", causedNanos);
        Shares.notNegative("service in ns", serviceNanos);
        Shares.notNegative("slowed service in ns", slowedNanos);
        double lost = Math.min(causedNanos, waitNanos) + Math.min(slowedNanos, serviceNanos);
        return lost > slowdown * (waitNanos + serviceNanos - lost);
    }
}
