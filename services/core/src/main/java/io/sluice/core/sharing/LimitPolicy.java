package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;

/**
 * How limits are planned for one device. Immutable.
 *
 * @param device what is known of the device
 * @param law L1
 * @param objectiveNanos latency objective of a request
 * @param firstQuota quota before anything is known
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
        double objectiveNanos,
        double firstQuota,
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

    public LimitPolicy {
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(law, "law");
        Shares.positive("latency objective in ns", objectiveNanos);
        Shares.ratio("first quota", firstQuota);
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
                objectiveNanos,
                0.1,
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

    /** How long a level stays, at least, ns. */
    public long dwellNanos() {
        return DWELL_WINDOWS * windowNanos;
    }
}
