package io.sluice.launcher.bench;

import io.sluice.core.sharing.LevelOption;
import io.sluice.core.sharing.PoolSequence;
import io.sluice.core.sharing.StreamPoolProgramme;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TenantLevel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Kernels and levels at random for the solvers of the slow time scale, and the best choice of all, by trying them. */
final class SharingSolverCases {
    /** Lanes of the pools: an MI50's shader engines. */
    static final int[] POOLS = {15, 30, 45, 60};

    private SharingSolverCases() {}

    /** Log-normal times that scale up to the lanes a kernel can use. */
    static List<PoolSequence> kernels(long seed, int streams, int kernels) {
        SplittableRandom random = new SplittableRandom(seed);
        List<PoolSequence> list = new ArrayList<>();
        for (int w = 0; w < streams; w++) {
            double[][] nanos = new double[kernels][POOLS.length];
            for (double[] row : nanos) {
                double least = Math.exp(3 + 0.9 * random.nextGaussian());
                double useful = 8 + random.nextInt(60);
                for (int j = 0; j < POOLS.length; j++) {
                    row[j] = least * Math.max(1, useful / POOLS[j]);
                }
            }
            list.add(new PoolSequence(nanos));
        }
        return list;
    }

    /** Least objective of all assignments of kernels to pools within the budget of switches. */
    static double leastObjective(StreamPoolProgramme programme, List<PoolSequence> streams, int budget) {
        List<double[]> sums = List.of(new double[] {0, 0});
        for (PoolSequence stream : streams) {
            List<double[]> next = new ArrayList<>();
            for (double[] point : points(stream, budget)) {
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

    /** Mean lanes and time of every assignment of one stream. */
    private static List<double[]> points(PoolSequence stream, int budget) {
        List<double[]> points = new ArrayList<>();
        int all = (int) Math.pow(POOLS.length, stream.kernels());
        for (int code = 0; code < all; code++) {
            double lanes = 0;
            double time = 0;
            int switches = 0;
            int before = -1;
            for (int k = 0, rest = code; k < stream.kernels(); k++, rest /= POOLS.length) {
                int pool = rest % POOLS.length;
                lanes += POOLS[pool] / (double) stream.kernels();
                time += stream.nanos()[k][pool];
                switches += k > 0 && pool != before ? 1 : 0;
                before = pool;
            }
            if (switches <= budget) {
                points.add(new double[] {lanes, time});
            }
        }
        return points;
    }

    private static LevelOption option(int tenant, double value, double... uses) {
        return new LevelOption(new TenantLevel(new TenantId("t" + tenant), 1, 1, 1), value, uses);
    }

    /** Levels by lanes, slice bound and admission with diminishing returns; four budgets. */
    static List<List<LevelOption>> levels(long seed, int tenants, int lanes, int bounds, int admissions) {
        SplittableRandom random = new SplittableRandom(seed);
        List<List<LevelOption>> all = new ArrayList<>();
        for (int t = 0; t < tenants; t++) {
            double useful = 2 + random.nextInt(lanes);
            double speed = 1 + random.nextDouble(4);
            double traffic = random.nextDouble();
            List<LevelOption> levels = new ArrayList<>();
            levels.add(option(t, 0, 0, 0, 0, 0));
            for (int s = 1; s <= lanes; s++) {
                for (int b = 1; b <= bounds; b++) {
                    for (int a = 1; a <= admissions; a++) {
                        double share = (double) a / admissions;
                        double value = speed * share * Math.min(s, useful) * b / (b + 0.3);
                        levels.add(option(t, value, s, share * b, share * s * traffic, share * s));
                    }
                }
            }
            all.add(levels);
        }
        return all;
    }

    /** One to four budgets, the same for the same seed. */
    static double[] budgets(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return random.doubles(1 + random.nextInt(4), 0, 2).toArray();
    }

    /** One to four tenants with up to seven levels of any value and use. */
    static List<List<LevelOption>> smallLevels(long seed, int budgets) {
        SplittableRandom random = new SplittableRandom(seed + 7_919);
        List<List<LevelOption>> tenants = new ArrayList<>();
        for (int t = 0; t < 1 + seed % 4; t++) {
            List<LevelOption> levels = new ArrayList<>();
            int count = 1 + random.nextInt(7);
            for (int l = 0; l < count; l++) {
                double[] uses = random.doubles(budgets, 0, 1).toArray();
                levels.add(option(t, random.nextDouble(-0.2, 1), uses));
            }
            tenants.add(levels);
        }
        return tenants;
    }

    /** Greatest value of one level per tenant within the budgets; negative infinity: nothing fits. */
    static double bestValue(List<List<LevelOption>> tenants, int first, double[] left) {
        if (first == tenants.size()) {
            return 0;
        }
        double best = Double.NEGATIVE_INFINITY;
        for (LevelOption option : tenants.get(first)) {
            double[] rest = left.clone();
            boolean fits = true;
            for (int r = 0; r < rest.length; r++) {
                rest[r] -= option.uses()[r];
                fits &= rest[r] >= -1e-9;
            }
            if (fits) {
                best = Math.max(best, option.value() + bestValue(tenants, first + 1, rest));
            }
        }
        return best;
    }
}
