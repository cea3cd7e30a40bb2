package io.sluice.core.planning;

/**
 * How eagerly the planner acts. Immutable.
 *
 * @param leaseMillis a worker unheard of for longer leaves the graph
 * @param futureMillis how far a worker's clock may be ahead
 * @param threshold relative move of a capacity or of the max flow that is worth a new epoch
 * @param minIntervalMillis least time between two allocations of a model
 * @param tickMillis how often capacities are looked at
 * @param settleMillis wait after a change of members or placement, so that changes that come together share an epoch
 */
public record PlannerPolicy(
        long leaseMillis,
        long futureMillis,
        double threshold,
        long minIntervalMillis,
        long tickMillis,
        long settleMillis) {
    /** Lease 5 s, threshold 10 %, at most one epoch a second, looked at four times a second. */
    public static final PlannerPolicy DEFAULT = new PlannerPolicy(5_000, 5_000, 0.1, 1_000, 250, 50);

    public PlannerPolicy {
        if (leaseMillis < 1 || futureMillis < 0 || minIntervalMillis < 0 || tickMillis < 1 || settleMillis < 0) {
            throw new IllegalArgumentException("planner policy: lease " + leaseMillis + " ms and tick " + tickMillis
                    + " ms must be positive; clock tolerance " + futureMillis + " ms, least interval "
                    + minIntervalMillis + " ms and settling time " + settleMillis + " ms not negative");
        }
    }

    /** The same policy with another lease. */
    public PlannerPolicy withLeaseMillis(long millis) {
        return new PlannerPolicy(millis, futureMillis, threshold, minIntervalMillis, tickMillis, settleMillis);
    }
}
