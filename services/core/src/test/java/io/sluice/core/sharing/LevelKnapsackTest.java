package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class LevelKnapsackTest {
    @Test
    void shouldEqualBruteForceOnSmallCases() {
        for (int i = 0; i < 300; i++) {
            double[] budgets = SharingProblems.budgets(i);
            List<List<LevelOption>> tenants = SharingProblems.smallLevels(i, budgets.length);
            double best = SharingProblems.bestValue(tenants, budgets);
            switch (LevelKnapsack.solve(tenants, budgets)) {
                case LevelKnapsack.Result.Optimal optimal -> {
                    assertThat(optimal.value()).as("case %d", i).isCloseTo(best, within(1e-6));
                    assertThat(optimal.chosen().stream()
                                    .mapToDouble(LevelOption::value)
                                    .sum())
                            .isCloseTo(best, within(1e-6));
                }
                case LevelKnapsack.Result.Feasible feasible -> throw new AssertionError("too many steps: " + feasible);
                case LevelKnapsack.Result.Infeasible none -> assertThat(best).isEqualTo(Double.NEGATIVE_INFINITY);
            }
        }
    }

    @Test
    void shouldNoticeAChoiceThatIsNotTheBest() {
        List<List<LevelOption>> levels = SharingProblems.smallLevels(3, 1);
        double greatest = levels.stream()
                .mapToDouble(
                        of -> of.stream().mapToDouble(LevelOption::value).max().orElseThrow())
                .sum();
        assertThat(SharingProblems.bestValue(levels, new double[] {9})).isEqualTo(greatest);
        assertThat(SharingProblems.bestValue(levels, new double[] {0.1})).isLessThan(greatest);
    }

    @Test
    void shouldKeepEveryBudgetOfTheLargestProblem() {
        double[] budgets = {16, 4, 5, 12};
        for (int seed = 0; seed < 20; seed++) {
            var result = LevelKnapsack.solve(SharingProblems.levels(seed, 8, 16, 5, 4), budgets);
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
        assertThat(LevelKnapsack.solve(List.of(List.of(SharingProblems.level(0, 1, 2))), new double[] {1}))
                .isInstanceOf(LevelKnapsack.Result.Infeasible.class);
    }

    @Test
    void shouldRejectProblemsThatAreNone() {
        assertThatThrownBy(() -> LevelKnapsack.solve(List.of(List.of()), new double[] {1}))
                .hasMessageContaining("no level");
        assertThatThrownBy(() -> LevelKnapsack.solve(
                        List.of(List.of(SharingProblems.level(0, 1, 1))), new double[] {Double.NaN}))
                .hasMessageContaining("NaN");
        assertThatThrownBy(() -> SharingProblems.level(0, Double.NaN, 1)).hasMessageContaining("NaN");
    }
}
