package io.sluice.sharing;

import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Jobs;
import java.util.List;

/**
 * One cell of a comparison: who shares the device, at what load, for how long.
 *
 * @param critical a name of {@link Jobs#CRITICAL}
 * @param bestEffort names of {@link Jobs#BEST_EFFORT}; none: the server alone
 * @param load arrivals times the mean service time alone, above 0; 1 is the capacity of the server alone. With {@link
 *     Traffic#POISSON}, {@link Traffic#MAF2} and {@link Traffic#CONSTANT} as many requests arrive in the measured span
 * @param spanNanos simulated time after the warm-up
 * @param warmupNanos simulated time that is not measured
 * @param violationFactor a request violates when its response time exceeds this times the server's p99 alone
 * @param seeds one run each; at least one
 */
public record SharingScenario(
        GpuSpec device,
        Calibration calibration,
        String critical,
        List<String> bestEffort,
        double load,
        Traffic traffic,
        long spanNanos,
        long warmupNanos,
        double violationFactor,
        List<Long> seeds) {

    /** How requests arrive. */
    public enum Traffic {
        /** Independent arrivals. */
        POISSON,
        /** Shaped like the busiest function of the Azure trace, see {@link Arrivals#maf2}. */
        MAF2,
        /** A fifth of the load in the first half, then the load and four fifths of what is left, at most 0.9. */
        STEP,
        /** Bursts of 400 ms at the load, silence of 600 ms after each. */
        LULLS,
        /** Evenly spaced. */
        CONSTANT
    }

    public SharingScenario {
        bestEffort = List.copyOf(bestEffort);
        seeds = List.copyOf(seeds);
        if (!(load > 0) || load > 2) {
            throw new IllegalArgumentException(
                    "load " + load + " is not in (0, 2]; 0.5 is half of the server's capacity");
        }
        if (spanNanos < 1_000_000 || warmupNanos < 0) {
            throw new IllegalArgumentException("span " + spanNanos + " ns must be at least a millisecond, warm-up "
                    + warmupNanos + " not negative");
        }
        if (!(violationFactor >= 1)) {
            throw new IllegalArgumentException("violation factor " + violationFactor + " must be at least 1");
        }
        if (seeds.isEmpty()) {
            throw new IllegalArgumentException("a scenario needs at least one seed; three give an interval");
        }
    }

    /** One pair on an A100 at a load, MAF2-shaped, {@code seconds} measured after two of warm-up, three seeds. */
    public static SharingScenario pair(String critical, String bestEffort, double load, double seconds) {
        return new SharingScenario(
                Devices.A100,
                Calibration.DEFAULT,
                critical,
                List.of(bestEffort),
                load,
                Traffic.MAF2,
                Math.round(seconds * 1e9),
                2_000_000_000L,
                1.1,
                List.of(1L, 2L, 3L));
    }

    /** The same on another device. */
    public SharingScenario withDevice(GpuSpec other) {
        return new SharingScenario(
                other,
                calibration,
                critical,
                bestEffort,
                load,
                traffic,
                spanNanos,
                warmupNanos,
                violationFactor,
                seeds);
    }

    /** The same with other traffic. */
    public SharingScenario withTraffic(Traffic other) {
        return new SharingScenario(
                device, calibration, critical, bestEffort, load, other, spanNanos, warmupNanos, violationFactor, seeds);
    }

    /** The same with other seeds. */
    public SharingScenario withSeeds(Long... other) {
        return new SharingScenario(
                device,
                calibration,
                critical,
                bestEffort,
                load,
                traffic,
                spanNanos,
                warmupNanos,
                violationFactor,
                List.of(other));
    }

    /** The same with other fitted numbers: for sensitivity runs. */
    public SharingScenario withCalibration(Calibration other) {
        return new SharingScenario(
                device, other, critical, bestEffort, load, traffic, spanNanos, warmupNanos, violationFactor, seeds);
    }

    /** Arrivals for a server that alone needs {@code serviceNanos} per request. */
    long[] arrivals(double serviceNanos, long seed) {
        double perSecond = load * 1e9 / serviceNanos;
        long span = warmupNanos + spanNanos;
        return switch (traffic) {
            case POISSON -> Arrivals.poisson(perSecond, warmupNanos, spanNanos, seed);
            case MAF2 -> Arrivals.maf2(perSecond, warmupNanos, spanNanos, seed);
            case STEP -> {
                double after = Math.min(0.9, load + 0.8 * (1 - load)) * 1e9 / serviceNanos;
                yield Arrivals.step(0.2 * perSecond, after, warmupNanos + spanNanos / 2, span, seed);
            }
            case LULLS -> Arrivals.lulls(perSecond, 400_000_000L, 600_000_000L, span, seed);
            case CONSTANT -> Arrivals.constant(perSecond, span);
        };
    }
}
