package io.sluice.core.sharing;

/**
 * What a {@link QuotaLaw} carries from one report to the next. Immutable.
 *
 * @param level the quota where it is positive; below 0 it is a debt that requests without violation pay back
 * @param recent the last requests, newest in the lowest bit, 1: violated
 * @param holdUntilNanos no rise before this moment
 * @param requests requests counted; those of a frozen report are not
 * @param violations violations counted
 * @param frozen violations not counted, because best-effort work did not cause them
 * @param raised sum of the rises granted from outside, see {@link ConformalQuota#raise}
 */
public record QuotaState(
        double level, long recent, long holdUntilNanos, long requests, long violations, long frozen, double raised) {
    public QuotaState {
        if (!(level <= 1) || Double.isInfinite(level)) {
            throw new IllegalArgumentException("quota level is " + level + ": it must be finite and at most 1");
        }
        Shares.notNegative("requests", requests);
        Shares.notNegative("violations", violations);
        Shares.notNegative("frozen violations", frozen);
        Shares.notNegative("raised", raised);
    }

    /** Begins at a quota. */
    public static QuotaState startingAt(double quota) {
        return new QuotaState(Shares.ratio("first quota", quota), 0, Long.MIN_VALUE, 0, 0, 0, 0);
    }

    /** The quota, 0 to 1. */
    public double quota() {
        return Math.max(0, level);
    }

    /** Whether the guard keeps the quota from rising. */
    public boolean heldAt(long nowNanos) {
        return nowNanos < holdUntilNanos;
    }

    QuotaState withLevel(double newLevel) {
        return new QuotaState(newLevel, recent, holdUntilNanos, requests, violations, frozen, raised);
    }
}
