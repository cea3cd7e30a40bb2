package io.sluice.core.slo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class BudgetSplitTest {
    private static long sum(BudgetSplit split) {
        return split.micros().stream().mapToLong(Long::longValue).sum();
    }

    @Test
    void shouldTakeLinksOffAndDivideTheRestLikeTheStagesCompute() {
        BudgetSplit split = BudgetSplit.of(0.100, 0.020, List.of(0.010, 0.030), List.of(12, 12));
        assertThat(split.micros()).containsExactly(20_000L, 60_000L);
        assertThat(split.attainable()).isTrue();
    }

    @Test
    void shouldKeepTheProportionWhereStagesNeedMore() {
        BudgetSplit split = BudgetSplit.of(0.030, 0.010, List.of(0.010, 0.030), List.of(12, 12));
        assertThat(split.micros()).containsExactly(5_000L, 15_000L);
        assertThat(split.attainable()).isFalse();
    }

    @Test
    void shouldLeaveNothingWhereLinksOrWaitingTakeAll() {
        for (double whole : new double[] {0.010, 0, -5}) {
            BudgetSplit split = BudgetSplit.of(whole, 0.010, List.of(0.010, 0.030), List.of(12, 12));
            assertThat(split.micros()).containsExactly(0L, 0L);
            assertThat(split.attainable()).isFalse();
        }
    }

    @Test
    void shouldDivideLikeLayersWhereAStageIsNotKnown() {
        for (double unknown : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            BudgetSplit split = BudgetSplit.of(0.080, 0, List.of(0.010, unknown), List.of(6, 2));
            assertThat(split.micros()).containsExactly(60_000L, 20_000L);
            assertThat(split.attainable()).as("as far as is known").isTrue();
        }
    }

    @Test
    void shouldAddUpToTheWholeAndNeverBeNegative() {
        SplittableRandom random = new SplittableRandom(5);
        for (int run = 0; run < 2_000; run++) {
            double whole = random.nextDouble() * Math.pow(10, random.nextInt(-4, 5));
            double links = random.nextDouble() * whole * 1.2;
            List<Double> compute = new ArrayList<>();
            List<Integer> layers = new ArrayList<>();
            for (int stages = random.nextInt(1, 9); stages > 0; stages--) {
                compute.add(random.nextDouble() * Math.pow(10, random.nextInt(-9, 9)));
                layers.add(random.nextInt(1, 100));
            }
            BudgetSplit split = BudgetSplit.of(whole, links, compute, layers);
            assertThat(split.micros()).allMatch(share -> share >= 0);
            assertThat(sum(split) / 1e6).as("run %d", run).isCloseTo(Math.max(0, whole - links), within(1e-6));
            double all = compute.stream().mapToDouble(Double::doubleValue).sum();
            for (int i = 0; i < compute.size(); i++) {
                double share = sum(split) * compute.get(i) / all;
                assertThat((double) split.micros().get(i)).isCloseTo(share, within(1.5));
            }
        }
    }

    @Test
    void shouldRefuseWhatCannotBeDivided() {
        assertThatThrownBy(() -> BudgetSplit.of(1, 0, List.of(), List.of())).hasMessageContaining("0 stages");
        assertThatThrownBy(() -> BudgetSplit.of(Double.NaN, 0, List.of(1.0), List.of(1)))
                .hasMessageContaining("NaN");
    }
}
