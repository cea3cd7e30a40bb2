package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What is known of one best-effort tenant on one device. Immutable.
 *
 * @param throughput units per second of run time by lanes, rising; lanes never tried stand for what they would do if work
 *     grew with them, at a weight that one look outweighs
 * @param dramBytesPerSecond memory traffic, the greater of new and slowly forgotten; 0: never measured
 * @param l2Bytes footprint, likewise
 * @param watts power above idle, likewise
 * @param seenNanos newest report with it
 * @param leastSliceNanos a shorter slice bound lets nothing of it start; 0: none known
 * @param starvedNanos for how long it has waited on an idle device without a slice; negative: an overrun may be why
 */
public record TenantEstimate(
        TenantId tenant,
        double weight,
        IsotonicCurve throughput,
        double dramBytesPerSecond,
        double l2Bytes,
        double watts,
        long seenNanos,
        long leastSliceNanos,
        long starvedNanos) {
    private static final double PRIOR_WEIGHT = 0.02;
    private static final double KEEP = 0.98;
    private static final int KNOTS = 16;
    private static final long STARVED_NANOS = 2_000_000_000L;
    /** No tenant is held back for an overrun for longer, and no device has changed so much since. */
    private static final long FORGOTTEN_NANOS = 60_000_000_000L;

    public TenantEstimate {
        Objects.requireNonNull(tenant, "tenant");
        Objects.requireNonNull(throughput, "throughput");
        Shares.weight("weight of " + tenant, weight);
        Shares.notNegative("memory traffic of " + tenant, dramBytesPerSecond);
        Shares.notNegative("footprint of " + tenant, l2Bytes);
        Shares.notNegative("power of " + tenant, watts);
        Shares.notNegative("least slice bound of " + tenant + " in ns", leastSliceNanos);
    }

    /** Lanes at which levels are planned: up to 16, the last one is the whole device. */
    static List<Integer> lanesToPlan(int deviceLanes) {
        int steps = Math.min(KNOTS, deviceLanes);
        List<Integer> lanes = new ArrayList<>();
        for (int i = 1; i <= steps; i++) {
            lanes.add((int) Math.round((double) deviceLanes * i / steps));
        }
        return lanes;
    }

    /** After a first report. */
    static TenantEstimate first(GpuSample.Tenant sample, int deviceLanes, long nowNanos) {
        List<Double> knots =
                lanesToPlan(deviceLanes).stream().map(Integer::doubleValue).toList();
        double perLane = sample.laneNanos() > 0 ? sample.units() / (sample.laneNanos() / 1e9) : 0;
        IsotonicCurve prior = IsotonicCurve.unknown(true, knots);
        List<Double> weights = new ArrayList<>();
        List<Double> means = new ArrayList<>();
        for (double lanes : knots) {
            weights.add(PRIOR_WEIGHT);
            means.add(perLane * lanes);
        }
        prior = new IsotonicCurve(true, knots, weights, means, prior.squares());
        return new TenantEstimate(sample.tenant(), sample.weight(), prior, 0, 0, 0, nowNanos, 0, 0)
                .with(sample, nowNanos);
    }

    /** After one more report. */
    TenantEstimate with(GpuSample.Tenant sample, long nowNanos) {
        IsotonicCurve curve = throughput;
        if (sample.runNanos() > 0 && sample.laneNanos() > 0) {
            double lanes = sample.laneNanos() / sample.runNanos();
            curve = curve.with(lanes, sample.units() / (sample.runNanos() / 1e9), KEEP);
        }
        return new TenantEstimate(
                tenant,
                sample.weight(),
                curve,
                worst(dramBytesPerSecond, sample.dramBytesPerSecond()),
                worst(l2Bytes, sample.l2Bytes()),
                worst(watts, sample.watts()),
                nowNanos,
                nowNanos - seenNanos > FORGOTTEN_NANOS ? 0 : leastSliceNanos,
                sample.overruns() > 0 ? -FORGOTTEN_NANOS : sample.runNanos() > 0 ? 0 : starvedNanos);
    }

    /**
     * After {@code nanos} in which it waited on an idle device and got no slice of at most {@code boundNanos}: in the end
     * the bound is too short for the least unit of its work.
     */
    TenantEstimate starved(long boundNanos, long nanos) {
        long starved = starvedNanos + nanos;
        boolean tooShort = starved >= STARVED_NANOS;
        return new TenantEstimate(
                tenant,
                weight,
                throughput,
                dramBytesPerSecond,
                l2Bytes,
                watts,
                seenNanos,
                tooShort ? Math.max(leastSliceNanos, 2 * boundNanos) : leastSliceNanos,
                tooShort ? 0 : starved);
    }

    /** A figure that is missing never looks better than what is known. */
    static double worst(double known, OptionalDouble now) {
        return now.isEmpty() ? known : Math.max(now.getAsDouble(), known * KEEP);
    }
}
