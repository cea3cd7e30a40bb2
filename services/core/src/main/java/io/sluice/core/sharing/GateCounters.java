package io.sluice.core.sharing;

/**
 * What a gate has seen since it began; the difference of two readings is a report. Immutable.
 *
 * @param slices slices ended
 * @param overruns slices ended longer than their bound and tolerance
 * @param bestEffortNanos device time used by best-effort work, weighted with the share of lanes
 * @param criticalWaitNanos time that latency-critical work waited, summed over the work
 * @param causedWaitNanos the part of it while best-effort work held lanes that it had to give up
 * @param criticalServiceNanos time that latency-critical work was served, summed over the work
 * @param besideNanos the part of it while best-effort work ran beside it
 * @param drains how often best-effort work had to give up lanes
 * @param drainNanos how long that took, in all
 * @param longestDrainNanos and at most
 */
public record GateCounters(
        long slices,
        long overruns,
        double bestEffortNanos,
        long criticalWaitNanos,
        long causedWaitNanos,
        long criticalServiceNanos,
        long besideNanos,
        long drains,
        long drainNanos,
        long longestDrainNanos) {
    /** Nothing yet. */
    public static final GateCounters ZERO = new GateCounters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** What happened since {@code earlier}; the longest drain is that since the beginning. */
    public GateCounters since(GateCounters earlier) {
        return new GateCounters(
                slices - earlier.slices,
                overruns - earlier.overruns,
                bestEffortNanos - earlier.bestEffortNanos,
                criticalWaitNanos - earlier.criticalWaitNanos,
                causedWaitNanos - earlier.causedWaitNanos,
                criticalServiceNanos - earlier.criticalServiceNanos,
                besideNanos - earlier.besideNanos,
                drains - earlier.drains,
                drainNanos - earlier.drainNanos,
                longestDrainNanos);
    }

    /**
     * Share of latency-critical waiting that best-effort work caused, 0 to 1; 1 where it ran beside latency-critical work
     * for more than a tenth of the service time, because then it may have slowed the service itself.
     */
    public double causedShare() {
        return causedShare(criticalWaitNanos, causedWaitNanos, criticalServiceNanos, besideNanos);
    }

    /** The same from the times themselves. */
    static double causedShare(double wait, double causedWait, double service, double beside) {
        if (beside * 10 > service) {
            return 1;
        }
        return wait <= 0 ? 0 : Math.clamp(causedWait / wait, 0.0, 1.0);
    }
}
