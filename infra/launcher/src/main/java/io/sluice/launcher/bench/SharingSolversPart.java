package io.sluice.launcher.bench;

import io.sluice.core.sharing.LevelKnapsack;
import io.sluice.core.sharing.LevelOption;
import io.sluice.core.sharing.PoolPlan;
import io.sluice.core.sharing.PoolSequence;
import io.sluice.core.sharing.SharingProblems;
import io.sluice.core.sharing.StreamPoolProgramme;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/**
 * What one round of the slow time scale costs a core, and whether its answers are the best ones: the programme of pools for
 * 2,100 kernels, the knapsack of levels, both against all choices in small cases. Times are processor time of this thread.
 */
final class SharingSolversPart {
    private static final int ROUNDS = 30;
    private static final int CASES = 500;
    private static final double RELATIVE = 1e-9;

    private final SharingRuns runs;
    private final BenchReport report;
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();

    SharingSolversPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        runs.setting().progress("solvers: 2,100 kernels on 4 pools, levels of 8 tenants");
        pools();
        knapsack();
        runs.setting().progress("solvers: " + CASES + " small cases of each against all choices");
        report.add("sharing.brute_force.pools", "equal", poolsEqual(), (double) CASES, ">= 1");
        report.add("sharing.brute_force.knapsack", "equal", knapsacksEqual(), (double) CASES, ">= 1");
        report.note(
                "solvers: processor time of one thread, median of " + ROUNDS + " after warm-up, on this machine; pools:"
                        + " 3 streams of 700 kernels at random, other kernels each time, proven optimal, from the slope of the"
                        + " last solution (warm) or from nothing (cold); knapsack: 2 and 8 tenants of 321 levels, 4 budgets;"
                        + " brute force: cases that equal the best of all choices, baseline: cases tried");
    }

    private void pools() {
        var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), 14, 0, 0);
        List<Double> cold = new ArrayList<>();
        List<Double> warm = new ArrayList<>();
        double slope = Double.NaN;
        for (int i = -ROUNDS; i < ROUNDS; i++) {
            List<PoolSequence> kernels = SharingProblems.kernels(100 + i, 3, 700, SharingProblems.quarters());
            long began = threads.getCurrentThreadCpuTime();
            PoolPlan plan = programme.solve(kernels);
            long between = threads.getCurrentThreadCpuTime();
            programme.solve(kernels, slope, 0);
            if (i >= 0) {
                cold.add((between - began) / 1e6);
                warm.add((threads.getCurrentThreadCpuTime() - between) / 1e6);
            }
            slope = plan.slope();
        }
        report.add("sharing.resolve.pools_ms", "ms", Medians.median(warm), null, "<= 20");
        report.add("sharing.resolve.pools_cold_ms", "ms", Medians.median(cold), null, "<= 20");
    }

    private void knapsack() {
        for (int tenants : new int[] {2, 8}) {
            List<Double> times = new ArrayList<>();
            for (int i = -ROUNDS; i < ROUNDS; i++) {
                List<List<LevelOption>> levels = SharingProblems.levels(100 + i, tenants, 16, 5, 4);
                long began = threads.getCurrentThreadCpuTime();
                LevelKnapsack.solve(levels, new double[] {16, 4, 5, 12});
                if (i >= 0) {
                    times.add((threads.getCurrentThreadCpuTime() - began) / 1e6);
                }
            }
            String name = tenants == 2 ? "sharing.resolve.knapsack_ms" : "sharing.resolve.knapsack_8_tenants_ms";
            report.add(name, "ms", Medians.median(times), null, "<= 1");
        }
    }

    /** Small cases in which the programme's plan is as good as the best of all. */
    static int poolsEqual() {
        int equal = 0;
        for (int i = 0; i < CASES; i++) {
            int streams = 1 + i % 3;
            int kernels = streams == 3 ? 2 + i / 3 % 2 : 2 + i / 3 % (4 - streams + 1);
            int budget = i % (kernels + 1);
            List<PoolSequence> cases = SharingProblems.kernels(1_000 + i, streams, kernels, SharingProblems.quarters());
            var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), budget, 0, 0);
            double least = SharingProblems.leastObjective(programme, cases);
            if (Math.abs(programme.solve(cases).objective() - least) <= least * RELATIVE) {
                equal++;
            }
        }
        return equal;
    }

    /** Small cases in which the knapsack's value, or that there is none, is that of all choices. */
    static int knapsacksEqual() {
        int equal = 0;
        for (int i = 0; i < CASES; i++) {
            double[] budgets = SharingProblems.budgets(i);
            List<List<LevelOption>> tenants = SharingProblems.smallLevels(i, budgets.length);
            double best = SharingProblems.bestValue(tenants, budgets);
            boolean same =
                    switch (LevelKnapsack.solve(tenants, budgets)) {
                        case LevelKnapsack.Result.Optimal optimal -> Math.abs(optimal.value() - best) <= 1e-6;
                        case LevelKnapsack.Result.Feasible feasible -> false;
                        case LevelKnapsack.Result.Infeasible none -> best == Double.NEGATIVE_INFINITY;
                    };
            equal += same ? 1 : 0;
        }
        return equal;
    }
}
