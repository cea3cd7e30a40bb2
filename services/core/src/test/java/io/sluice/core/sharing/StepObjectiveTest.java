package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.sharing.StepObjective.Verdict;
import org.junit.jupiter.api.Test;

final class StepObjectiveTest {
    private final StepObjective tenth = new StepObjective(0.1);

    @Test
    void shouldMissWhenBestEffortWorkMadeTheStepLongerByMoreThanTheShare() {
        assertThat(tenth.missed(10, 10, 100, 0)).as("110 instead of 100").isFalse();
        assertThat(tenth.missed(10.1, 10.1, 100, 0)).isTrue();
        assertThat(tenth.missed(0, 0, 110, 10)).as("slowed, not made to wait").isFalse();
        assertThat(tenth.missed(6, 6, 106, 6))
                .as("both together: 112 instead of 100")
                .isTrue();
    }

    @Test
    void shouldNotMissForWaitingBehindOtherLatencyCriticalWork() {
        assertThat(tenth.missed(1e9, 0, 100, 0)).isFalse();
        assertThat(tenth.missed(1_000, 90, 100, 0)).as("90 of 1,100").isFalse();
        assertThat(tenth.missed(1_000, 200, 100, 0)).as("1,100 instead of 900").isTrue();
    }

    @Test
    void shouldNotTakeMoreForCausedThanThereWas() {
        assertThat(tenth.missed(5, 50, 100, 0)).isFalse();
        assertThat(tenth.missed(0, 0, 0, 0)).isFalse();
    }

    @Test
    void shouldHoldAStepAgainstItsBudgetWhereItWouldKeepItAlone() {
        assertThat(tenth.judge(50, 50, 100, 0, 160)).as("150 of 160").isEqualTo(Verdict.EXCUSED);
        assertThat(tenth.judge(5, 5, 100, 0, 160)).as("within the share, too").isEqualTo(Verdict.KEPT);
        assertThat(tenth.judge(5, 5, 100, 0, 102)).as("tight").isEqualTo(Verdict.MISSED);
        assertThat(tenth.judge(0, 0, 105, 5, 102)).as("tight, slowed").isEqualTo(Verdict.MISSED);
        assertThat(tenth.judge(60, 50, 100, 0, 160)).as("just").isEqualTo(Verdict.EXCUSED);
        assertThat(tenth.judge(61, 50, 100, 0, 160)).as("by a hair").isEqualTo(Verdict.MISSED);
    }

    @Test
    void shouldHoldAStepAgainstTheShareWhereItsBudgetIsOutOfReach() {
        assertThat(tenth.judge(5, 5, 100, 0, 99))
                .as("late even alone, made 5 % longer")
                .isEqualTo(Verdict.KEPT);
        assertThat(tenth.judge(20, 20, 100, 0, 99))
                .as("late even alone, made 20 % longer")
                .isEqualTo(Verdict.MISSED);
        assertThat(tenth.judge(1e6, 0, 100, 0, 99))
                .as("late behind others of its kind")
                .isEqualTo(Verdict.KEPT);
    }

    @Test
    void shouldJudgeAsEverWithoutABudget() {
        for (double none : new double[] {0, -1, -1e18, Double.NaN, Double.NEGATIVE_INFINITY}) {
            assertThat(tenth.judge(9, 9, 100, 0, none)).isEqualTo(Verdict.KEPT);
            assertThat(tenth.judge(11, 11, 100, 0, none)).isEqualTo(Verdict.MISSED);
        }
    }

    @Test
    void shouldExcuseNoMoreThanTheOperatorAllowsWhateverTheBudget() {
        for (double lie : new double[] {1e9, 1e300, Double.POSITIVE_INFINITY}) {
            assertThat(tenth.judge(100, 100, 100, 0, lie)).as("twice as long").isEqualTo(Verdict.EXCUSED);
            assertThat(tenth.judge(101, 101, 100, 0, lie)).isEqualTo(Verdict.MISSED);
        }
        StepObjective strict = new StepObjective(0.1, 0.05);
        assertThat(strict.judge(9, 9, 100, 0, 1e9))
                .as("not less than without a budget")
                .isEqualTo(Verdict.KEPT);
        assertThat(strict.judge(11, 11, 100, 0, 1e9)).isEqualTo(Verdict.MISSED);
    }

    @Test
    void shouldRefuseTimesThatCannotBe() {
        assertThatThrownBy(() -> tenth.missed(Double.NaN, 0, 1, 0)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> tenth.missed(1, 0, -1, 0)).hasMessageContaining("-1");
        assertThatThrownBy(() -> new StepObjective(0)).hasMessageContaining("slowdown is 0");
    }
}
