package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;

/**
 * What is known of one kernel group by size of pool. Immutable.
 *
 * @param firstNanos when it was first seen at work, planner's clock
 * @param seenNanos when it was last seen at work
 * @param unitsPerSecond work done lately, on whatever pools
 * @param speed units per second of its slices by lanes, rising; a report in which slices were hardly ever scheduled lowers such a
 *     mean as it lowers the work done, where a mean of the time of a unit would follow that report alone
 * @param energy joules of a unit by lanes, rising, since more lanes are used less well; unknown where a device cannot tell
 */
public record GroupEstimate(
        KernelGroup group,
        long firstNanos,
        long seenNanos,
        double unitsPerSecond,
        IsotonicCurve speed,
        IsotonicCurve energy) {
    private static final double NANOS = 1e9;
    private static final double KEEP = 0.98;
    private static final double NEWEST = 0.1;
    /** Reports that make a size known, and what is left of their weight when other sizes were reported in between. */
    private static final double KNOWN = 0.9 * 4;
    /** What counts less than this is nearly replaced by one report. */
    private static final double DOUBT = 0.1;

    public GroupEstimate {
        Objects.requireNonNull(group, "group");
        Shares.notNegative("units per second of " + group, unitsPerSecond);
        if (!speed.knots().equals(energy.knots())) {
            throw new IllegalArgumentException("speed and energy of " + group + " are for different sizes of pools: "
                    + speed.knots() + " and " + energy.knots());
        }
    }

    /** Nothing known of a group that has been seen at work for the first time. */
    static GroupEstimate first(KernelGroup group, List<Integer> sizes, double unitsPerSecond, long nowNanos) {
        List<Double> knots = sizes.stream().map(Integer::doubleValue).toList();
        return new GroupEstimate(
                group,
                nowNanos,
                nowNanos,
                unitsPerSecond,
                IsotonicCurve.unknown(true, knots),
                IsotonicCurve.unknown(true, knots));
    }

    /** With a report that can be believed; one without work says nothing. */
    GroupEstimate with(GroupSample sample) {
        if (sample.units() == 0) {
            return this;
        }
        IsotonicCurve joules = sample.joules().isPresent()
                ? energy.with(sample.lanes(), sample.joules().getAsDouble() / sample.units(), KEEP)
                : energy;
        return new GroupEstimate(
                group,
                firstNanos,
                seenNanos,
                unitsPerSecond,
                speed.with(sample.lanes(), sample.units() / sample.runNanos() * NANOS, KEEP),
                joules);
    }

    /** After an interval in which best-effort work ran and this group did so much. */
    GroupEstimate after(double unitsPerSecondNow, long nowNanos) {
        return new GroupEstimate(
                group,
                firstNanos,
                unitsPerSecondNow > 0 ? nowNanos : seenNanos,
                unitsPerSecond + NEWEST * (unitsPerSecondNow - unitsPerSecond),
                speed,
                energy);
    }

    /** The same, with what is known of a size to be learnt anew; until then it is better than nothing. */
    GroupEstimate doubted(int lanes) {
        return new GroupEstimate(
                group,
                firstNanos,
                seenNanos,
                unitsPerSecond,
                speed.weighing(lanes, DOUBT),
                energy.weighing(lanes, DOUBT));
    }

    /** Whether a size was seen often enough lately. */
    boolean known(int lanes) {
        return weight(lanes) >= KNOWN;
    }

    /** Whether a size was never seen. */
    boolean unknown(int lanes) {
        return weight(lanes) == 0;
    }

    private double weight(int lanes) {
        return speed.weights().get(speed.knots().indexOf((double) lanes));
    }

    /**
     * Cost of a unit by size, ns. A size below all that were seen is taken to need as many more ns as it has fewer lanes, so that
     * it looks no better than they do; any other that was not seen costs what the next smaller one does.
     */
    double[] unitNanos() {
        double[] nanos = speed.fit();
        for (int j = 0; j < nanos.length; j++) {
            nanos[j] = NANOS / nanos[j];
        }
        int seen = 0;
        while (seen < nanos.length - 1 && speed.weights().get(seen) == 0) {
            seen++;
        }
        for (int j = seen - 1; j >= 0; j--) {
            nanos[j] = nanos[j + 1] * speed.knots().get(j + 1) / speed.knots().get(j);
        }
        return nanos;
    }
}
