package io.sluice.simulator;

/**
 * What a latency is made of, seconds, mean per iteration: the parts add up to the mean latency.
 *
 * @param computeSeconds in batches
 * @param nodeWaitSeconds at nodes, not in a batch
 * @param linkWaitSeconds queued for links
 * @param transferSeconds bytes by bandwidth
 * @param latencySeconds latency of links
 * @param hops nodes passed
 */
public record DelayParts(
        double computeSeconds,
        double nodeWaitSeconds,
        double linkWaitSeconds,
        double transferSeconds,
        double latencySeconds,
        double hops) {
    /** Sums of the parts. */
    static final class Sum {
        double compute;
        double nodeWait;
        double linkWait;
        double transfer;
        double latency;
        long hops;

        void add(Sum other) {
            compute += other.compute;
            nodeWait += other.nodeWait;
            linkWait += other.linkWait;
            transfer += other.transfer;
            latency += other.latency;
            hops += other.hops;
        }

        DelayParts mean(long count) {
            double n = Math.max(1, count);
            return new DelayParts(compute / n, nodeWait / n, linkWait / n, transfer / n, latency / n, hops / n);
        }
    }
}
