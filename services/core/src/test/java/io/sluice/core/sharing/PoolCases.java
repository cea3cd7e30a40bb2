package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Kernels at random: log-normal times that scale up to the lanes they can use. */
final class PoolCases {
    static final int[] QUARTERS = {15, 30, 45, 60};

    private PoolCases() {}

    static List<PoolSequence> random(long seed, int streams, int kernels, int[] pools) {
        SplittableRandom random = new SplittableRandom(seed);
        List<PoolSequence> list = new ArrayList<>();
        for (int w = 0; w < streams; w++) {
            double[][] nanos = new double[kernels][pools.length];
            double[][] joules = new double[kernels][pools.length];
            for (int k = 0; k < kernels; k++) {
                double least = Math.exp(3 + 0.9 * random.nextGaussian());
                double useful = 8 + random.nextInt(60);
                for (int j = 0; j < pools.length; j++) {
                    nanos[k][j] = least * Math.max(1, useful / pools[j]);
                    joules[k][j] = nanos[k][j] * pools[j] * (0.5 + random.nextDouble());
                }
            }
            list.add(new PoolSequence(nanos, joules));
        }
        return list;
    }

    /** Least objective over all assignments within the budget, by trying them. */
    static double bruteForce(
            StreamPoolProgramme programme, List<PoolSequence> streams, int[] pools, int budget, double switchNanos) {
        List<List<double[]>> options = new ArrayList<>();
        for (PoolSequence stream : streams) {
            List<double[]> points = new ArrayList<>();
            double[] base = programme.base(stream);
            int kernels = stream.kernels();
            int all = (int) Math.pow(pools.length, kernels);
            for (int code = 0; code < all; code++) {
                double lanes = 0;
                double cost = 0;
                int switches = 0;
                int before = -1;
                for (int k = 0, rest = code; k < kernels; k++, rest /= pools.length) {
                    int j = rest % pools.length;
                    lanes += pools[j] / (double) kernels;
                    cost += base[k * pools.length + j];
                    switches += k > 0 && j != before ? 1 : 0;
                    before = j;
                }
                if (switches <= budget) {
                    points.add(new double[] {lanes, cost + switches * switchNanos});
                }
            }
            options.add(points);
        }
        List<double[]> sums = List.of(new double[] {0, 0});
        for (List<double[]> points : options) {
            List<double[]> next = new ArrayList<>();
            for (double[] sum : sums) {
                for (double[] point : points) {
                    next.add(new double[] {sum[0] + point[0], sum[1] + point[1]});
                }
            }
            sums = next;
        }
        return sums.stream()
                .mapToDouble(sum -> programme.objective(sum[0], sum[1]))
                .min()
                .orElseThrow();
    }
}
