package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Problems at random for the solvers of the slow time scale, and the best of all choices by trying every one: what tests and
 * benchmarks judge {@link StreamPoolProgramme} and {@link LevelKnapsack} by. The same seed gives the same problem. Trying
 * all is exponential: a few kernels, a few tenants. Stateless and thread-safe.
 */
public final class SharingProblems {
    private SharingProblems() {}

    /** Lanes of the pools of an MI50, whose shader engines are quarters of it. */
    public static int[] quarters() {
        return new int[] {15, 30, 45, 60};
    }

    /** Kernels of log-normal times that scale up to the lanes they can use. */
    public static List<PoolSequence> kernels(long seed, int streams, int kernels, int[] pools) {
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

    /** Least objective of all assignments of kernels to pools within the programme's budget of switches. */
    public static double leastObjective(StreamPoolProgramme programme, List<PoolSequence> streams) {
        List<double[]> sums = List.of(new double[] {0, 0});
        for (PoolSequence stream : streams) {
            List<double[]> next = new ArrayList<>();
            for (double[] point : points(programme, stream)) {
                for (double[] sum : sums) {
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

    /** Mean lanes and cost of every assignment of one stream. */
    private static List<double[]> points(StreamPoolProgramme programme, PoolSequence stream) {
        double[] lanesOf = programme.poolLanes();
        double[] base = programme.base(stream);
        int pools = lanesOf.length;
        int kernels = stream.kernels();
        List<double[]> points = new ArrayList<>();
        int all = (int) Math.pow(pools, kernels);
        for (int code = 0; code < all; code++) {
            double lanes = 0;
            double cost = 0;
            int switches = 0;
            int before = -1;
            for (int k = 0, rest = code; k < kernels; k++, rest /= pools) {
                int pool = rest % pools;
                lanes += lanesOf[pool] / kernels;
                cost += base[k * pools + pool];
                switches += k > 0 && pool != before ? 1 : 0;
                before = pool;
            }
            if (switches <= programme.switchBudget()) {
                points.add(new double[] {lanes, cost + switches * programme.switchNanos()});
            }
        }
        return points;
    }

    /** A level of tenant {@code t<number>}. */
    public static LevelOption level(int tenant, double value, double... uses) {
        return new LevelOption(new TenantLevel(new TenantId("t" + tenant), 1, 1, 1), value, uses);
    }

    /** Levels by lanes, slice bound and admission with diminishing returns, as a planner makes them; four budgets. */
    public static List<List<LevelOption>> levels(long seed, int tenants, int lanes, int bounds, int admissions) {
        SplittableRandom random = new SplittableRandom(seed);
        List<List<LevelOption>> all = new ArrayList<>();
        for (int t = 0; t < tenants; t++) {
            double useful = 2 + random.nextInt(lanes);
            double speed = 1 + random.nextDouble(4);
            double traffic = random.nextDouble();
            List<LevelOption> levels = new ArrayList<>();
            levels.add(level(t, 0, 0, 0, 0, 0));
            for (int s = 1; s <= lanes; s++) {
                for (int b = 1; b <= bounds; b++) {
                    for (int a = 1; a <= admissions; a++) {
                        double share = (double) a / admissions;
                        double value = speed * share * Math.min(s, useful) * b / (b + 0.3);
                        levels.add(level(t, value, s, share * b, share * s * traffic, share * s));
                    }
                }
            }
            all.add(levels);
        }
        return all;
    }

    /** One to four budgets. */
    public static double[] budgets(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return random.doubles(1 + random.nextInt(4), 0, 2).toArray();
    }

    /** One to four tenants with up to seven levels of any value and use. */
    public static List<List<LevelOption>> smallLevels(long seed, int budgets) {
        SplittableRandom random = new SplittableRandom(seed + 7_919);
        List<List<LevelOption>> tenants = new ArrayList<>();
        for (int t = 0; t < 1 + seed % 4; t++) {
            List<LevelOption> levels = new ArrayList<>();
            int count = 1 + random.nextInt(7);
            for (int l = 0; l < count; l++) {
                double[] uses = random.doubles(budgets, 0, 1).toArray();
                levels.add(level(t, random.nextDouble(-0.2, 1), uses));
            }
            tenants.add(levels);
        }
        return tenants;
    }

    /** Greatest value of one level per tenant within the budgets; negative infinity: nothing fits. */
    public static double bestValue(List<List<LevelOption>> tenants, double[] budgets) {
        return bestValue(tenants, 0, budgets);
    }

    private static double bestValue(List<List<LevelOption>> tenants, int first, double[] left) {
        if (first == tenants.size()) {
            return 0;
        }
        double best = Double.NEGATIVE_INFINITY;
        for (LevelOption option : tenants.get(first)) {
            double[] rest = left.clone();
            double[] uses = option.uses();
            boolean fits = true;
            for (int r = 0; r < rest.length; r++) {
                rest[r] -= uses[r];
                fits &= rest[r] >= -1e-9;
            }
            if (fits) {
                best = Math.max(best, option.value() + bestValue(tenants, first + 1, rest));
            }
        }
        return best;
    }
}
