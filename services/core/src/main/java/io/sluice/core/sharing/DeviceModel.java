package io.sluice.core.sharing;

/**
 * What {@link InterferenceModel} knows of a device. Immutable.
 *
 * @param lanes lanes
 * @param dramBytesPerSecond memory bandwidth; 0: not known, no bandwidth term
 * @param l2Bytes L2 cache; 0: not known, no cache term
 * @param l2Slope by how much time grows per share of the L2 that best-effort work fills (iGniter's alpha_cache)
 * @param l2Cliff factor on time once the footprints together exceed 0.9 of the L2, at least 1
 * @param idleWatts power of the idle device
 * @param wattCap power cap; 0: none
 * @param megahertz clock below the cap; 0: not known, no frequency term
 * @param megahertzPerWatt clock lost for each watt demanded above the cap, not negative
 * @param flagNanos from raising the preempt flag until a slice sees it
 * @param scheduleNanos scheduling delay that co-located work adds to each kernel
 */
public record DeviceModel(
        int lanes,
        double dramBytesPerSecond,
        double l2Bytes,
        double l2Slope,
        double l2Cliff,
        double idleWatts,
        double wattCap,
        double megahertz,
        double megahertzPerWatt,
        double flagNanos,
        double scheduleNanos) {
    /** Share of the bandwidth that can be used without contention. */
    public static final double USABLE_DRAM = 0.85;
    /** Share of the L2 above which hits collapse. */
    public static final double USABLE_L2 = 0.9;

    public DeviceModel {
        Shares.positive("lanes", lanes);
        Shares.notNegative("memory bandwidth", dramBytesPerSecond);
        Shares.notNegative("L2 in bytes", l2Bytes);
        Shares.notNegative("L2 slope", l2Slope);
        Shares.notNegative("idle power in W", idleWatts);
        Shares.notNegative("power cap in W", wattCap);
        Shares.notNegative("clock in MHz", megahertz);
        Shares.notNegative("clock lost per W", megahertzPerWatt);
        Shares.notNegative("flag delay in ns", flagNanos);
        Shares.notNegative("scheduling delay in ns", scheduleNanos);
        if (!(l2Cliff >= 1) || Double.isInfinite(l2Cliff)) {
            throw new IllegalArgumentException("L2 cliff is " + l2Cliff + ": it must be finite and at least 1");
        }
    }

    /** A device of which only the lanes are known. */
    public static DeviceModel plain(int lanes) {
        return new DeviceModel(lanes, 0, 0, 0, 1, 0, 0, 0, 0, 1_000, 0);
    }
}
