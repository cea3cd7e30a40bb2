package io.sluice.core.sharing;

/**
 * The latency objective of a latency-critical step: best-effort work may make it longer by at most a share of what it would
 * have taken without. It needs no profile and no absolute figure, and holds at any load: what a step waits for other
 * latency-critical work is part of what it would have taken, so an overloaded server does not blame best-effort work, and
 * every step that misses the objective was made to.
 *
 * <p>A step whose session has a budget here ({@link io.sluice.core.slo.StageBudget}) is held against that instead, by the same
 * question: would it have kept it without best-effort work? Within its budget a step is fine, longer by how much it may be up
 * to {@code sloSlowdown}; beyond it, it has missed if it would have kept it alone. One that would have missed it even
 * alone is held against the share, so a budget that nobody can keep neither starves best-effort work nor frees it. A step that
 * only its budget lets pass is {@link Verdict#EXCUSED}: it must not count as one more that went well, for then sessions that ask
 * for little could, by their number, hide the steps of others that best-effort work makes late. Immutable.
 *
 * @param slowdown the share, above 0: 0.1 lets a step take 1.1 times as long
 * @param sloSlowdown the most that a budget can excuse, above 0: 1 lets a step take twice as long
 */
public record StepObjective(double slowdown, double sloSlowdown) {
    /** Usual share. */
    public static final double DEFAULT_SLOWDOWN = 0.1;
    /** Usual bound of what a budget can excuse. */
    public static final double DEFAULT_SLO_SLOWDOWN = 1;

    public StepObjective {
        Shares.positive("slowdown", slowdown);
        Shares.positive("slowdown of steps with a budget", sloSlowdown);
    }

    public StepObjective(double slowdown) {
        this(slowdown, DEFAULT_SLO_SLOWDOWN);
    }

    /** What a step says of best-effort work. */
    public enum Verdict {
        /** There may be as much of it, or more. */
        KEPT,
        /** There may be as much of it, by this step's budget alone; it is no sign that there may be more. */
        EXCUSED,
        /** There was too much of it. */
        MISSED
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

    /**
     * What a step with a budget says; arguments as in {@link #missed}.
     *
     * @param budgetNanos what it may take, wait and service together; not positive or NaN: it has no budget, or nothing is left of it
     */
    public Verdict judge(
            double waitNanos, double causedNanos, double serviceNanos, double slowedNanos, double budgetNanos) {
        boolean slowedDown = missed(waitNanos, causedNanos, serviceNanos, slowedNanos);
        double lost = Math.min(causedNanos, waitNanos) + Math.min(slowedNanos, serviceNanos);
        double took = waitNanos + serviceNanos;
        double alone = took - lost;
        if (!(budgetNanos > 0) || alone > budgetNanos) {
            return slowedDown ? Verdict.MISSED : Verdict.KEPT;
        }
        if (took > budgetNanos || lost > Math.max(slowdown, sloSlowdown) * alone) {
            return Verdict.MISSED;
        }
        return slowedDown ? Verdict.EXCUSED : Verdict.KEPT;
    }
}
