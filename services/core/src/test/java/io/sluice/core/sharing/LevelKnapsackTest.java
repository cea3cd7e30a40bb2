package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LevelKnapsackTest {
    static LevelOption option(int tenant, double value, double... uses) {
        return new LevelOption(new TenantLevel(new TenantId("t" + tenant), 1, 1, 1), value, uses);
    }

    /** Levels by lanes, slice bound and admission with diminishing returns, as a planner makes them. */
    static List<List<LevelOption>> grid(long seed, int tenants, int lanes, int bounds, int admissions) {
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

    private static double bruteForce(List<List<LevelOption>> tenants, int t, double[] left) {
        if (t == tenants.size()) {
            return 0;
        }
        double best = Double.NEGATIVE_INFINITY;
        for (LevelOption option : tenants.get(t)) {
            double[] rest = new double[left.length];
            boolean fits = true;
            for (int r = 0; r < left.length; r++) {
                rest[r] = left[r] - option.uses()[r];
                fits &= rest[r] >= -1e-9;
            }
            if (fits) {
                best = Math.max(best, option.value() + bruteForce(tenants, t + 1, rest));
            }
        }
        return best;
    }

    @Test
    void shouldEqualBruteForceOnSmallCases() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 300; i++) {
            int budgetCount = 1 + random.nextInt(4);
            double[] budgets = random.doubles(budgetCount, 0, 2).toArray();
            List<List<LevelOption>> tenants = new ArrayList<>();
            for (int t = 0; t < 1 + i % 4; t++) {
                List<LevelOption> levels = new ArrayList<>();
                for (int l = 0; l < 1 + random.nextInt(7); l++) {
                    double[] uses = random.doubles(budgetCount, 0, 1).toArray();
                    levels.add(option(t, random.nextDouble(-0.2, 1), uses));
                }
                tenants.add(levels);
            }
            double least = bruteForce(tenants, 0, budgets);
            switch (LevelKnapsack.solve(tenants, budgets)) {
                case LevelKnapsack.Result.Optimal optimal -> {
                    assertThat(optimal.value()).as("case %d", i).isCloseTo(least, within(1e-6));
                    assertThat(optimal.chosen().stream()
                                    .mapToDouble(LevelOption::value)
                                    .sum())
                            .isCloseTo(least, within(1e-6));
                }
                case LevelKnapsack.Result.Feasible feasible -> throw new AssertionError("too many steps: " + feasible);
                case LevelKnapsack.Result.Infeasible none -> assertThat(least).isEqualTo(Double.NEGATIVE_INFINITY);
            }
        }
    }

    @Test
    void shouldKeepEveryBudgetOfTheLargestProblem() {
        double[] budgets = {16, 4, 5, 12};
        for (int seed = 0; seed < 20; seed++) {
            var result = LevelKnapsack.solve(grid(seed, 8, 16, 5, 4), budgets);
            List<LevelOption> chosen =
                    switch (result) {
                        case LevelKnapsack.Result.Optimal optimal -> optimal.chosen();
                        case LevelKnapsack.Result.Feasible feasible -> {
                            assertThat(feasible.value()).isGreaterThan(0.95 * feasible.bound());
                            yield feasible.chosen();
                        }
                        case LevelKnapsack.Result.Infeasible none -> List.<LevelOption>of();
                    };
            assertThat(chosen).hasSize(8);
            for (int r = 0; r < budgets.length; r++) {
                int at = r;
                assertThat(chosen.stream().mapToDouble(o -> o.uses()[at]).sum())
                        .isLessThanOrEqualTo(budgets[r] * (1 + 1e-6));
            }
        }
    }

    @Test
    void shouldSayWhenNothingFits() {
        assertThat(LevelKnapsack.solve(List.of(List.of(option(0, 1, 2))), new double[] {1}))
                .isInstanceOf(LevelKnapsack.Result.Infeasible.class);
    }

    @Test
    void shouldRejectProblemsThatAreNone() {
        assertThatThrownBy(() -> LevelKnapsack.solve(List.of(List.of()), new double[] {1}))
                .hasMessageContaining("no level");
        assertThatThrownBy(() -> LevelKnapsack.solve(List.of(List.of(option(0, 1, 1))), new double[] {Double.NaN}))
                .hasMessageContaining("NaN");
        assertThatThrownBy(() -> option(0, Double.NaN, 1)).hasMessageContaining("NaN");
    }
}
