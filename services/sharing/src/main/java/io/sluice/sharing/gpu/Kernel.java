package io.sluice.sharing.gpu;

/**
 * A kernel as the device sees it: a grid of equal blocks.
 *
 * <p>One block lasts {@code latencyNanos + r * throughputNanos} when r blocks like it share its SM and nothing holds it
 * back: fewer blocks per SM shorten each block, which is what a limit on occupancy uses.
 *
 * @param blocks blocks of the grid
 * @param trafficBytes bytes that one block moves through the L2 cache
 * @param reuse part of that traffic, 0 to 1, that hits the cache while the footprints fit
 * @param footprintBytes bytes that the whole kernel keeps in the cache for that
 * @param issue part of an SM's issue slots, 0 to 1, that the kernel takes at full occupancy: what it costs its neighbours
 * @param bound what limits it, by a profiler
 */
public record Kernel(
        String name,
        int blocks,
        BlockShape shape,
        double latencyNanos,
        double throughputNanos,
        double trafficBytes,
        double reuse,
        long footprintBytes,
        double issue,
        Bound bound) {

    /** What limits a kernel: arithmetic, memory, or nobody knows. */
    public enum Bound {
        COMPUTE,
        MEMORY,
        UNKNOWN
    }

    public Kernel {
        if (blocks < 1) {
            throw new IllegalArgumentException("kernel " + name + " has " + blocks + " blocks; it needs at least one");
        }
        if (!(latencyNanos >= 0) || !(throughputNanos >= 0) || !(latencyNanos + throughputNanos > 0)) {
            throw new IllegalArgumentException("kernel " + name + ": block time " + latencyNanos + " + r * "
                    + throughputNanos + " ns is not positive");
        }
        if (!(trafficBytes >= 0) || !(reuse >= 0 && reuse <= 1) || footprintBytes < 0 || !(issue >= 0 && issue <= 1)) {
            throw new IllegalArgumentException("kernel " + name + ": traffic " + trafficBytes + ", reuse " + reuse
                    + ", footprint " + footprintBytes + ", issue " + issue + " are out of range");
        }
    }

    /** Nanoseconds of one block with {@code residency} blocks like it on its SM. */
    public double blockNanos(double residency) {
        return latencyNanos + residency * throughputNanos;
    }

    /** Nanoseconds of the whole grid alone on {@code sms} SMs, at most {@code perSm} blocks on each: full waves, a rest. */
    public double soloNanos(int sms, int perSm) {
        int slots = sms * perSm;
        int rest = blocks % slots;
        double nanos = (double) (blocks / slots) * blockNanos(perSm);
        return rest == 0 ? nanos : nanos + blockNanos(Math.max(1, (double) rest / sms));
    }

    /** The same kernel with another grid. */
    public Kernel withBlocks(int other) {
        return new Kernel(
                name, other, shape, latencyNanos, throughputNanos, trafficBytes, reuse, footprintBytes, issue, bound);
    }
}
