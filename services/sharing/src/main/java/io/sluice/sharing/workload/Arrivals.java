package io.sluice.sharing.workload;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Arrival times of requests in nanoseconds, ascending. All are seeded; the same seed gives the same times. Those with a
 * warm-up are what a load generator sends that keeps its promise: exactly as many requests in the warm-up and in the measured
 * time as the rate says, at times that vary as those of the process would (a Poisson process whose count is given).
 */
public final class Arrivals {
    private Arrivals() {}

    /** Independent arrivals at {@code perSecond}; their number varies too. */
    public static long[] poisson(double perSecond, long spanNanos, long seed) {
        return modulated(perSecond, spanNanos, seed, nanos -> 1);
    }

    /** Independent arrivals, {@code perSecond} of the warm-up and of the span after it to the last one. */
    public static long[] poisson(double perSecond, long warmupNanos, long spanNanos, long seed) {
        return exactly(perSecond, warmupNanos, spanNanos, seed, 1, nanos -> 1);
    }

    /** Evenly spaced arrivals, the first after one gap. */
    public static long[] constant(double perSecond, long spanNanos) {
        check(perSecond, spanNanos);
        int count = (int) (perSecond * spanNanos * 1e-9);
        long[] times = new long[count];
        for (int i = 0; i < count; i++) {
            times[i] = (long) ((i + 1) * 1e9 / perSecond) - 1;
        }
        return times;
    }

    /** Poisson at {@code before} until {@code stepNanos}, then at {@code after}. */
    public static long[] step(double before, double after, long stepNanos, long spanNanos, long seed) {
        double peak = Math.max(before, after);
        return modulated(peak, spanNanos, seed, nanos -> (nanos < stepNanos ? before : after) / peak);
    }

    /** Poisson bursts of {@code onNanos} at {@code perSecond}, silence of {@code offNanos} after each. */
    public static long[] lulls(double perSecond, long onNanos, long offNanos, long spanNanos, long seed) {
        if (onNanos < 1 || offNanos < 0) {
            throw new IllegalArgumentException("a burst of " + onNanos + " ns and a lull of " + offNanos + " ns");
        }
        return modulated(perSecond, spanNanos, seed, nanos -> nanos % (onNanos + offNanos) < onNanos ? 1 : 0);
    }

    /**
     * Shaped like MAF2, the busiest function of the Azure Functions trace of 2021 (Zhang et al., SOSP'21), scaled to a
     * run: a Poisson process whose rate is constant within 200 steps and gamma distributed between them with shape 4
     * (coefficient of variation 0.5) around a day and night swing of 40 %, two days in warm-up and span; {@code perSecond}
     * of each of the two to the last one. No data of the trace is used: swing and variation are ours.
     */
    public static long[] maf2(double perSecond, long warmupNanos, long spanNanos, long seed) {
        check(perSecond, spanNanos);
        SplittableRandom random = new SplittableRandom(seed ^ 0x5DEECE66DL);
        double[] level = new double[200];
        for (int i = 0; i < level.length; i++) {
            double gamma = 0;
            for (int k = 0; k < 4; k++) {
                gamma -= Math.log(1 - random.nextDouble()) / 4;
            }
            level[i] = gamma * (1 + 0.4 * Math.sin(4 * Math.PI * i / level.length));
        }
        double peak = Arrays.stream(level).max().orElseThrow();
        long all = warmupNanos + spanNanos;
        return exactly(
                perSecond, warmupNanos, spanNanos, seed, peak, nanos -> level[(int) (nanos * level.length / all)]);
    }

    private interface Level {
        double at(long nanos);
    }

    /** {@code perSecond} times the warm-up and times the span after it, both to the last one. */
    private static long[] exactly(
            double perSecond, long warmupNanos, long spanNanos, long seed, double peak, Level level) {
        check(perSecond, spanNanos);
        long before = Math.round(perSecond * warmupNanos * 1e-9);
        SplittableRandom random = new SplittableRandom(seed);
        long[] times = new long[(int) (before + Math.round(perSecond * spanNanos * 1e-9))];
        for (int i = 0; i < times.length; i++) {
            long from = i < before ? 0 : warmupNanos;
            long length = i < before ? warmupNanos : spanNanos;
            do {
                times[i] = from + random.nextLong(length);
            } while (random.nextDouble() * peak >= level.at(times[i]));
        }
        Arrays.sort(times);
        return times;
    }

    /** Thinning of a Poisson process at the peak rate. */
    private static long[] modulated(double peakPerSecond, long spanNanos, long seed, Level level) {
        check(peakPerSecond, spanNanos);
        SplittableRandom random = new SplittableRandom(seed);
        long[] times = new long[64];
        int count = 0;
        double at = 0;
        while (true) {
            at -= Math.log(1 - random.nextDouble()) / peakPerSecond * 1e9;
            if (at >= spanNanos) {
                return Arrays.copyOf(times, count);
            }
            if (random.nextDouble() < level.at((long) at)) {
                if (count == times.length) {
                    times = Arrays.copyOf(times, 2 * count);
                }
                times[count++] = (long) at;
            }
        }
    }

    private static void check(double perSecond, long spanNanos) {
        if (!(perSecond > 0) || spanNanos < 1) {
            throw new IllegalArgumentException(
                    perSecond + " requests per second for " + spanNanos + " ns: both must be positive");
        }
    }
}
