package io.sluice.core.sharing;

/** Sums up time at a gate, event by event. Not thread-safe. */
final class GateMeter {
    private long slices;
    private long overruns;
    private double bestEffortNanos;
    private long waitNanos;
    private long causedWaitNanos;
    private long serviceNanos;
    private long besideNanos;
    private long drains;
    private long drainNanos;
    private long longestDrainNanos;
    private long drainSince = Long.MIN_VALUE;

    /** {@code nanos} went by in a state. */
    void passed(long nanos, int waiting, int running, double bestEffortShare, boolean draining) {
        bestEffortNanos += bestEffortShare * nanos;
        waitNanos += nanos * waiting;
        serviceNanos += nanos * running;
        if (bestEffortShare > 0) {
            besideNanos += nanos * running;
        }
        if (draining) {
            causedWaitNanos += nanos * waiting;
        }
    }

    /** Best-effort work must give up lanes, or has given them up. */
    void draining(boolean now, long nowNanos) {
        if (now && drainSince == Long.MIN_VALUE) {
            drainSince = nowNanos;
        } else if (!now && drainSince != Long.MIN_VALUE) {
            long took = nowNanos - drainSince;
            drains++;
            drainNanos += took;
            longestDrainNanos = Math.max(longestDrainNanos, took);
            drainSince = Long.MIN_VALUE;
        }
    }

    void ended(boolean overrun) {
        slices++;
        if (overrun) {
            overruns++;
        }
    }

    GateCounters read() {
        return new GateCounters(
                slices,
                overruns,
                bestEffortNanos,
                waitNanos,
                causedWaitNanos,
                serviceNanos,
                besideNanos,
                drains,
                drainNanos,
                longestDrainNanos);
    }
}
