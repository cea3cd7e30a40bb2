package io.sluice.core.slo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PromptClockTest {
    private static final StageBudget BUDGET = new StageBudget(100, 0);

    private final PromptClock clock = new PromptClock();

    @Test
    void shouldGiveEachChunkItsPartOfTheBudgetAndWhatEarlierOnesLeft() {
        assertThat(clock.leftNanos(BUDGET, 25, 100)).isEqualTo(25_000);
        clock.computed(0, 10_000);
        assertThat(clock.leftNanos(BUDGET, 50, 100)).as("50 less 10").isEqualTo(40_000);
        clock.computed(0, 60_000);
        assertThat(clock.leftNanos(BUDGET, 100, 100)).isEqualTo(40_000);
        assertThat(clock.leftNanos(BUDGET, 100, 50))
                .as("never more than the whole")
                .isEqualTo(40_000);
    }

    @Test
    void shouldNotCountTheTimeInWhichTheStageHadNoChunk() {
        clock.computed(0, 10_000);
        clock.computed(500_000, 510_000);
        assertThat(clock.leftNanos(BUDGET, 100, 100)).isEqualTo(80_000);
    }

    @Test
    void shouldCountChunksThatCameTogetherOneAfterTheOther() {
        assertThat(clock.sinceNanos(3)).isEqualTo(3);
        clock.computed(3, 10_003);
        assertThat(clock.sinceNanos(3)).as("not before the one before it").isEqualTo(10_003);
        clock.computed(3, 30_003);
        assertThat(clock.leftNanos(BUDGET, 100, 100)).isEqualTo(70_000);
    }

    @Test
    void shouldHaveNothingLeftWithoutABudget() {
        assertThat(clock.leftNanos(StageBudget.NONE, 100, 100)).isZero();
        clock.computed(0, 10);
        assertThat(clock.leftNanos(StageBudget.NONE, 100, 100)).isNegative();
    }
}
