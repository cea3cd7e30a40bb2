package io.sluice.sharing;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Quantiles of latencies (nearest rank) and their bootstrap intervals. */
final class Quantiles {
    private static final int RESAMPLES = 200;

    private Quantiles() {}

    static long of(long[] sorted, double q) {
        if (sorted.length == 0) {
            return 0;
        }
        return sorted[(int) Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
    }

    static long[] sorted(List<long[]> runs) {
        long[] all = runs.stream().flatMapToLong(Arrays::stream).toArray();
        Arrays.sort(all);
        return all;
    }

    /** 95 % interval of a quantile: runs are drawn with replacement, then requests within them. */
    static double[] interval(List<long[]> runs, double q, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] values = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            long[] drawn = new long[runs.stream().mapToInt(r -> r.length).sum()];
            int count = 0;
            for (int r = 0; r < runs.size(); r++) {
                long[] run = runs.get(random.nextInt(runs.size()));
                for (int k = 0; k < run.length && count < drawn.length; k++) {
                    drawn[count++] = run[random.nextInt(run.length)];
                }
            }
            long[] sample = Arrays.copyOf(drawn, count);
            Arrays.sort(sample);
            values[i] = of(sample, q);
        }
        return ends(values);
    }

    /** 95 % interval of a mean over runs. */
    static double[] meanInterval(double[] runs, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] values = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            double sum = 0;
            for (int r = 0; r < runs.length; r++) {
                sum += runs[random.nextInt(runs.length)];
            }
            values[i] = sum / runs.length;
        }
        return ends(values);
    }

    private static double[] ends(double[] values) {
        Arrays.sort(values);
        return new double[] {values[(int) (0.025 * RESAMPLES)], values[(int) (0.975 * RESAMPLES) - 1]};
    }
}
