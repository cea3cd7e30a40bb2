package io.sluice.core.sharing;

/**
 * What a {@link SliceGate} must know of its device, and how patient it is. Immutable.
 *
 * @param lanes lanes of the device: masked pools, groups of multiprocessors, cores
 * @param spatial whether best-effort work may run on some lanes while latency-critical work runs on the others
 * @param knee quota above which best-effort work may run beside latency-critical work, 0 to 1; see {@link SliceGate}
 * @param idleNanos how long no latency-critical work must have been there before best-effort work takes all its lanes
 * @param tolerance a slice longer than its bound by more than this factor counts as an overrun, at least 1
 * @param holdFactor an overrun of x ns holds its tenant back for this many times x, doubled with each further one
 * @param longestHoldNanos no tenant is held back longer; at least the hold of the first overrun should fit
 * @param turnNanos 0: a slice that has started runs to its end, so all of it must fit the bound. Above 0: the device goes back
 *     to latency-critical work after any unit, so the bound is for one unit, by what it usually takes, and a slice takes as
 *     many as fit a turn of so long
 * @param longestIdleNanos the idle hysteresis may grow so far where short idle times are a small part of all, see
 *     {@link SliceGate}; at least {@code idleNanos}, which leaves it as it is
 * @param sideLanes of a device that runs one thing at a time: parts of it, each on its own, that can compute beside
 *     latency-critical work, and beside one another in its gaps; 0: none
 */
public record GateSettings(
        int lanes,
        boolean spatial,
        double knee,
        long idleNanos,
        double tolerance,
        double holdFactor,
        long longestHoldNanos,
        long turnNanos,
        long longestIdleNanos,
        int sideLanes) {
    /** Overruns take at most about 1/50 of the time. */
    public static final double HOLD_FACTOR = 50;

    public GateSettings {
        Shares.positive("lanes of the device", lanes);
        Shares.ratio("knee", knee);
        Shares.notNegative("idle hysteresis in ns", idleNanos);
        Shares.positive("longest hold in ns", longestHoldNanos);
        Shares.positive("hold factor", holdFactor);
        Shares.notNegative("turn in ns", turnNanos);
        if (longestIdleNanos < idleNanos) {
            throw new IllegalArgumentException("longest idle hysteresis is " + longestIdleNanos
                    + " ns: it must not be below the hysteresis of " + idleNanos + " ns");
        }
        if (!(tolerance >= 1) || Double.isInfinite(tolerance)) {
            throw new IllegalArgumentException("tolerance is " + tolerance + ": it must be finite and at least 1");
        }
        if (spatial && lanes < 2) {
            throw new IllegalArgumentException("a device of one lane cannot be divided: set spatial to false");
        }
        Shares.notNegative("side lanes", sideLanes);
        if (sideLanes > 0 && (spatial || knee <= 0 || knee >= 1)) {
            throw new IllegalArgumentException(
                    sideLanes + " side lanes need a device that is not divided and a knee inside"
                            + " (0, 1); the knee is " + knee);
        }
    }

    /** Without side lanes. */
    public GateSettings(
            int lanes,
            boolean spatial,
            double knee,
            long idleNanos,
            double tolerance,
            double holdFactor,
            long longestHoldNanos,
            long turnNanos,
            long longestIdleNanos) {
        this(lanes, spatial, knee, idleNanos, tolerance, holdFactor, longestHoldNanos, turnNanos, longestIdleNanos, 0);
    }

    /** A device on which a slice that has started runs to its end. */
    public GateSettings(
            int lanes,
            boolean spatial,
            double knee,
            long idleNanos,
            double tolerance,
            double holdFactor,
            long longestHoldNanos) {
        this(lanes, spatial, knee, idleNanos, tolerance, holdFactor, longestHoldNanos, 0, idleNanos);
    }

    /** The same device with side lanes, above half of the quota; 0: as it is. */
    public GateSettings withSideLanes(int newSideLanes) {
        return newSideLanes == 0
                ? this
                : new GateSettings(
                        lanes,
                        spatial,
                        0.5,
                        idleNanos,
                        tolerance,
                        holdFactor,
                        longestHoldNanos,
                        turnNanos,
                        longestIdleNanos,
                        newSideLanes);
    }

    /** Lanes of the device that a slice takes: one on a pool takes its part of all of them. */
    double lanes(RunningSlice slice) {
        return slice.pooled() ? (double) lanes / sideLanes : slice.lanes();
    }

    /** Share of the device that a slice takes while it runs. */
    public double share(RunningSlice slice) {
        return lanes(slice) / lanes;
    }

    /** Share of the device that so many lanes of it and so many pools are. */
    double share(int lanesHeld, int pools) {
        return (double) lanesHeld / lanes + (pools == 0 ? 0 : (double) pools / sideLanes);
    }

    /** Whether latency-critical work waits for one unit at most, and not for a slice. */
    public boolean stopsBetweenUnits() {
        return turnNanos > 0;
    }

    /** How long so many units of a slice may take: where a slice stops between units, each has its part of the bound. */
    public long boundNanos(RunningSlice slice, long units) {
        return stopsBetweenUnits()
                ? slice.boundNanos() / slice.units() * Math.clamp(units, 1, slice.units())
                : slice.boundNanos();
    }

    /** A device that runs one thing at a time: the quota is the share of its time. Idle hysteresis 100 us. */
    public static GateSettings temporal() {
        return new GateSettings(1, false, 1, 100_000, 1.5, HOLD_FACTOR, 60_000_000_000L);
    }

    /** A device with {@code lanes} lanes that can be divided; a tenth of the quota is for its idle time. */
    public static GateSettings spatial(int lanes) {
        return new GateSettings(lanes, true, 0.1, 100_000, 1.5, HOLD_FACTOR, 60_000_000_000L);
    }

    /** Share of the device's time that best-effort work may take when the device is otherwise idle. */
    public double timeShare(double quota) {
        return (spatial || sideLanes > 0) && knee > 0 ? Math.min(1, quota / knee) : spatial ? Math.ceil(quota) : quota;
    }

    /** Side lanes that the quota allows: all of them above the knee. */
    public int sideLanes(double quota) {
        return quota > knee ? sideLanes : 0;
    }

    /** Lanes that best-effort work may hold while latency-critical work is there, without the limits' own number. */
    public int lanesBeside(double quota) {
        if (!spatial || quota <= knee) {
            return 0;
        }
        return (int) Math.floor((quota - knee) / (1 - knee) * lanes + 1e-9);
    }
}
