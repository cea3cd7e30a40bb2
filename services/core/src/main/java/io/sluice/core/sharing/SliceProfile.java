package io.sluice.core.sharing;

import java.util.Arrays;

/**
 * Learns from seen durations how long one unit of one kind of best-effort work takes, without a look at the work itself.
 *
 * <p>The upper estimate is the second longest of the last {@value #MEMORY} durations per unit, so one accident of the
 * machine does not count and the second one does; of fewer than {@value #PROVEN} it is the longest. Only durations on
 * nearly as many lanes count (within a factor of two), once there are {@value #PROVEN} of them; until then all count,
 * those on more lanes in proportion and those on fewer lanes as they are, because more lanes need not help. A fixed cost
 * of a slice is spread over its units: the estimate for a longer slice than seen is then too long, never too short.
 *
 * <p>The usual duration is the median of those remembered, on whatever lanes: what the machine does to one in three says
 * nothing about the work. Not thread-safe.
 */
public final class SliceProfile {
    /** Durations remembered. */
    public static final int MEMORY = 32;
    /** Durations after which a kind is known. */
    public static final int PROVEN = 4;

    private static final double NEWEST_WEIGHT = 0.1;

    private final double[] unitNanos = new double[MEMORY];
    private final int[] lanes = new int[MEMORY];
    private long seen;
    private double meanUnitNanos;
    private long newestNanos = Long.MIN_VALUE;
    private int estimatedLanes;
    private double estimate;
    private double usual;

    /** {@code units} units took {@code nanos} together, on {@code onLanes} lanes, and ended at {@code nowNanos}. */
    public void observe(long units, long nanos, int onLanes, long nowNanos) {
        Shares.positive("units", units);
        Shares.notNegative("duration in ns", nanos);
        Shares.positive("lanes", onLanes);
        double each = Math.max(1, (double) nanos / units);
        int at = (int) (seen % MEMORY);
        unitNanos[at] = each;
        lanes[at] = onLanes;
        meanUnitNanos = seen == 0 ? each : meanUnitNanos + NEWEST_WEIGHT * (each - meanUnitNanos);
        seen++;
        newestNanos = nowNanos;
        estimatedLanes = 0;
        usual = 0;
    }

    /** Whether enough was seen to go by it. */
    public boolean proven() {
        return seen >= PROVEN;
    }

    /** When the newest duration was seen, ns; {@link Long#MIN_VALUE}: never. */
    public long newestNanos() {
        return newestNanos;
    }

    /** Smoothed duration of a unit on whatever lanes it ran; 0: nothing seen. */
    public double meanUnitNanos() {
        return meanUnitNanos;
    }

    /** Upper estimate of the duration of a unit on {@code onLanes} lanes; 0: nothing seen. */
    public double upperUnitNanos(int onLanes) {
        if (estimatedLanes != onLanes) {
            estimate = like(onLanes) >= PROVEN ? upper(onLanes, true) : upper(onLanes, false);
            estimatedLanes = onLanes;
        }
        return estimate;
    }

    /** Usual duration of a unit, the lower median; 0: nothing seen. */
    public double usualUnitNanos() {
        if (usual == 0 && seen > 0) {
            double[] sorted = Arrays.copyOf(unitNanos, (int) Math.min(seen, MEMORY));
            Arrays.sort(sorted);
            usual = sorted[(sorted.length - 1) / 2];
        }
        return usual;
    }

    private double upper(int onLanes, boolean likeOnly) {
        double longest = 0;
        double second = 0;
        int count = 0;
        for (int i = 0; i < Math.min(seen, MEMORY); i++) {
            if (likeOnly && !alike(lanes[i], onLanes)) {
                continue;
            }
            double x = unitNanos[i] * Math.max(1.0, (double) lanes[i] / onLanes);
            count++;
            if (x > longest) {
                second = longest;
                longest = x;
            } else if (x > second) {
                second = x;
            }
        }
        return count <= PROVEN ? longest : second;
    }

    private int like(int onLanes) {
        int count = 0;
        for (int i = 0; i < Math.min(seen, MEMORY); i++) {
            if (alike(lanes[i], onLanes)) {
                count++;
            }
        }
        return count;
    }

    private static boolean alike(int a, int b) {
        return a < 2L * b && b < 2L * a;
    }

    /** How many units are expected to end within {@code boundNanos}; 0: not even one, or nothing was seen. */
    public long unitsWithin(long boundNanos, int onLanes) {
        return seen == 0 ? 0 : (long) (boundNanos / upperUnitNanos(onLanes));
    }
}
