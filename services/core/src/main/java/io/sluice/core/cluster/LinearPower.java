package io.sluice.core.cluster;

/**
 * Estimate of what a board draws: idle power, and from there to busy power in proportion to how much of the time it works
 * (the linear model of Fan, Weber and Barroso, ISCA 2007). Immutable.
 *
 * @param idleWatts power without work, watts; 0: unknown
 * @param busyWatts power at full load, watts; 0: unknown
 */
public record LinearPower(double idleWatts, double busyWatts) {
    public LinearPower {
        Numbers.notNegative("idle watts", idleWatts);
        Numbers.notNegative("busy watts", busyWatts);
    }

    /** Power above idle while it works, watts. */
    public double aboveIdleWatts() {
        return busyWatts - idleWatts;
    }

    /** Average power, watts, when it works for a share of the time; a share above 1 counts as 1. */
    public double watts(double busyShare) {
        return idleWatts + aboveIdleWatts() * Math.min(1, busyShare);
    }

    /** Energy of a time in which it worked for a part of it, joules. */
    public double joules(long elapsedNanos, long busyNanos) {
        return elapsedNanos <= 0 ? 0 : watts((double) busyNanos / elapsedNanos) * elapsedNanos / 1e9;
    }
}
