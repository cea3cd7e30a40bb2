package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;

/**
 * How limits are planned for one device. Immutable.
 *
 * @param device what is known of the device
 * @param law L1
 * @param objective latency objective of a request
 * @param firstQuota quota before anything is known
 * @param restQuota quota in a lull, whatever the law says: nothing can be violated then but by the slice that runs when it
 *     ends
 * @param lullNanos how long there must have been no latency-critical work for that; {@link Long#MAX_VALUE}: never
 * @param sliceNanos slice bounds to choose from, rising
 * @param sliceOverheadNanos what starting a slice costs its tenant
 * @param valuePerWatt what a watt of best-effort work costs, in tenants' value; 0: nothing
 * @param leaseNanos how long limits hold
 * @param staleNanos reports older than this are not used, and without a report for so long nothing is allowed
 * @param futureNanos how far a worker's clock may be ahead
 * @param windowNanos time scale of L1: the usual interval of reports
 * @param relevelNanos time scale of L2, at least ten windows
 * @param hysteresis gain below which levels stay as they are
 * @param switchBudget tenants whose level may change at once
 * @param deviations how many standard deviations of the service time must fit the objective as well
 */
public record LimitPolicy(
        DeviceModel device,
        QuotaLaw law,
        LatencyObjective objective,
        double firstQuota,
        double restQuota,
        long lullNanos,
        List<Long> sliceNanos,
        double sliceOverheadNanos,
        double valuePerWatt,
        long leaseNanos,
        long staleNanos,
        long futureNanos,
        long windowNanos,
        long relevelNanos,
        double hysteresis,
        int switchBudget,
        double deviations) {
    /** Windows that a level stays, at least. */
    public static final int DWELL_WINDOWS = 5;
    /** A lull on a live worker: best-effort work that waits longer for an idle machine waits for nothing. */
    public static final long LULL_NANOS = 2_000_000_000L;

    private static final long LIVE_WINDOW_NANOS = 250_000_000L;

    public LimitPolicy {
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(law, "law");
        Objects.requireNonNull(objective, "objective");
        Shares.ratio("first quota", firstQuota);
        Shares.ratio("quota in a lull", restQuota);
        Shares.positive("length of a lull in ns", lullNanos);
        sliceNanos = List.copyOf(sliceNanos);
        if (sliceNanos.isEmpty() || sliceNanos.size() > 5) {
            throw new IllegalArgumentException(sliceNanos.size() + " slice bounds to choose from: give 1 to 5");
        }
        sliceNanos.forEach(bound -> Shares.positive("slice bound in ns", bound));
        Shares.notNegative("cost of a slice in ns", sliceOverheadNanos);
        Shares.notNegative("cost of a watt", valuePerWatt);
        Shares.positive("lease in ns", leaseNanos);
        Shares.positive("age of reports in ns", staleNanos);
        Shares.notNegative("clock difference in ns", futureNanos);
        Shares.positive("window in ns", windowNanos);
        Shares.ratio("hysteresis", hysteresis);
        Shares.positive("switch budget", switchBudget);
        Shares.notNegative("deviations", deviations);
        if (relevelNanos < 10 * windowNanos) {
            throw new IllegalArgumentException("levels every " + relevelNanos + " ns are too near to the window of "
                    + windowNanos + " ns: the slow loop must be ten times slower");
        }
    }

    /** Windows of 100 ms, levels every second, a lease of 3 s, for an objective at the 99th percentile. */
    public static LimitPolicy usual(DeviceModel device, double objectiveNanos) {
        return new LimitPolicy(
                device,
                ConformalQuota.usual(0.01),
                new LatencyObjective.Within(objectiveNanos),
                0.1,
                0,
                Long.MAX_VALUE,
                List.of(10_000L, 31_600L, 100_000L, 316_000L, 1_000_000L),
                5_000,
                0,
                3_000_000_000L,
                1_000_000_000L,
                50_000_000L,
                100_000_000L,
                1_000_000_000L,
                0.05,
                2,
                2);
    }

    /**
     * For a worker that runs one thing at a time and reports every 250 ms: levels every 2.5 s, reports used up to an age of
     * 1.5 s, a quota of 1 in lulls.
     *
     * @param slowdown how much longer best-effort work may make a latency-critical step
     * @param target share of steps that may miss that
     * @param sliceNanos slice bounds that suit the device, see {@link SliceBounds}
     */
    public static LimitPolicy live(double slowdown, double target, long leaseNanos, List<Long> sliceNanos) {
        long window = LIVE_WINDOW_NANOS;
        return new LimitPolicy(
                DeviceModel.plain(1),
                new ConformalQuota(target, ConformalQuota.FIRST_STEP, 0, 2 * window, 0.1),
                new LatencyObjective.Slowdown(slowdown),
                0.25,
                1,
                LULL_NANOS,
                sliceNanos,
                20_000,
                0,
                leaseNanos,
                6 * window,
                window,
                window,
                10 * window,
                0.05,
                2,
                2);
    }

    /** Whether the device runs one thing at a time. */
    public boolean temporal() {
        return device.lanes() == 1;
    }

    /** How long a level stays, at least, ns. */
    public long dwellNanos() {
        return DWELL_WINDOWS * windowNanos;
    }
}
