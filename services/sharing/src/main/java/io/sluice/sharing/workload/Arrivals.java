package io.sluice.sharing.workload;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Arrival times of requests in nanoseconds, ascending, before {@code spanNanos}. All are seeded; the same seed gives the
 * same times.
 */
public final class Arrivals {
    private Arrivals() {}

    /** Independent arrivals at {@code perSecond}. */
    public static long[] poisson(double perSecond, long spanNanos, long seed) {
        return modulated(perSecond, spanNanos, seed, nanos -> 1);
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
     * (coefficient of variation 0.5) around a day and night swing of 40 %, two days in the span. No data of the trace is
     * used: swing and variation are ours.
     */
    public static long[] maf2(double perSecond, long spanNanos, long seed) {
        check(perSecond, spanNanos);
        SplittableRandom random = new SplittableRandom(seed ^ 0x5DEECE66DL);
        double[] level = new double[200];
        double sum = 0;
        for (int i = 0; i < level.length; i++) {
            double gamma = 0;
            for (int k = 0; k < 4; k++) {
                gamma -= Math.log(1 - random.nextDouble()) / 4;
            }
            level[i] = gamma * (1 + 0.4 * Math.sin(4 * Math.PI * i / level.length));
            sum += level[i];
        }
        double mean = sum / level.length;
        double peak = Arrays.stream(level).max().orElseThrow();
        return modulated(perSecond * peak / mean, spanNanos, seed, nanos -> {
            int step = (int) Math.min(level.length - 1, nanos * level.length / spanNanos);
            return level[step] / peak;
        });
    }

    private interface Level {
        double at(long nanos);
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
