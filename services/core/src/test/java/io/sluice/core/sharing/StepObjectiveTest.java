package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
    void shouldRefuseTimesThatCannotBe() {
        assertThatThrownBy(() -> tenth.missed(Double.NaN, 0, 1, 0)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> tenth.missed(1, 0, -1, 0)).hasMessageContaining("-1");
        assertThatThrownBy(() -> new StepObjective(0)).hasMessageContaining("slowdown is 0");
    }
}
