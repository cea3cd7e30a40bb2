package io.sluice.core.sharing;

import java.util.List;
import java.util.Locale;

/** Prints how long the slow time scale takes on one thread; run by hand, never a test. */
public final class SharingBench {
    private SharingBench() {}

    /** No arguments. */
    public static void main(String[] arguments) {
        int[][] sizes = {{2, 300}, {2, 700}, {3, 700}, {3, 1_400}};
        for (int[] size : sizes) {
            var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), 14, 0, 0);
            List<PoolSequence> cases = SharingProblems.kernels(3, size[0], size[1], SharingProblems.quarters());
            List<PoolSequence> moved = SharingProblems.kernels(4, size[0], size[1], SharingProblems.quarters());
            PoolPlan cold = programme.solve(cases);
            for (int i = 0; i < 30; i++) {
                programme.solve(cases, cold.slope(), 0);
            }
            report(size, "cold, exact", programme, cases, Double.NaN, 0);
            report(size, "warm, exact", programme, cases, cold.slope(), 0);
            report(size, "warm, other kernels, exact", programme, moved, cold.slope(), 0);
            report(size, "warm, other kernels, gap 0.1 %", programme, moved, cold.slope(), 0.001);
        }
        knapsack(2);
        knapsack(8);
    }

    /** All that the slow time scale may have to choose from: 16 x 5 x 4 levels. */
    private static void knapsack(int tenants) {
        double[] budgets = {16, 4, 5, 12};
        double sum = 0;
        double longest = 0;
        int optimal = 0;
        int seeds = 50;
        for (int seed = 0; seed < seeds; seed++) {
            List<List<LevelOption>> problem = SharingProblems.levels(seed, tenants, 16, 5, 4);
            double least = Double.POSITIVE_INFINITY;
            for (int i = 0; i < 20; i++) {
                long start = System.nanoTime();
                LevelKnapsack.Result result = LevelKnapsack.solve(problem, budgets);
                least = Math.min(least, (System.nanoTime() - start) / 1e6);
                optimal += result instanceof LevelKnapsack.Result.Optimal && i == 0 ? 1 : 0;
            }
            sum += least;
            longest = Math.max(longest, least);
        }
        System.out.printf(
                Locale.ROOT,
                "%d tenants of 321 levels, 4 budgets: mean %.2f ms, longest %.2f ms (each the least of 20), %d of %d proven%n",
                tenants,
                sum / seeds,
                longest,
                optimal,
                seeds);
    }

    private static void report(
            int[] size,
            String what,
            StreamPoolProgramme programme,
            List<PoolSequence> cases,
            double slope,
            double gap) {
        int rounds = 20;
        double least = Double.POSITIVE_INFINITY;
        double sum = 0;
        PoolPlan plan = null;
        for (int i = 0; i < rounds; i++) {
            long start = System.nanoTime();
            plan = programme.solve(cases, slope, gap);
            double took = (System.nanoTime() - start) / 1e6;
            least = Math.min(least, took);
            sum += took;
        }
        System.out.printf(
                Locale.ROOT,
                "%d kernels, %s: mean %.2f ms, least %.2f ms, %d solves, objective %.0f, proven within %.2g%n",
                size[0] * size[1],
                what,
                sum / rounds,
                least,
                plan.solves(),
                plan.objective(),
                1 - plan.lowerBound() / plan.objective());
    }
}
