package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.StepSlowdown.Kind;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StepSlowdownTest {
    private static final Kind DECODE = new Kind(false, 1, 12);
    private static final double ALONE = 10e6;

    private final StepSlowdown slowdown = new StepSlowdown();
    private final SplittableRandom random = new SplittableRandom(7);

    /** A step disturbed by the machine, as one in ten is. */
    private double disturbed(double nanos) {
        return nanos * (1 + 0.02 * random.nextDouble()) * (random.nextInt(10) == 0 ? 3 : 1);
    }

    private double beside(int lanes, double factor, double part) {
        double service = disturbed(ALONE * (1 + (factor - 1) * part));
        return slowdown.ended(DECODE, service, lanes, lanes * part * service) / service;
    }

    private void alone(int steps, double nanos) {
        for (int i = 0; i < steps; i++) {
            slowdown.ended(DECODE, disturbed(nanos), 0, 0);
        }
    }

    @Test
    void shouldSayByHowMuchStepsAreUsuallyLongerWhateverTheMachineDoesToSome() {
        alone(20, ALONE);
        double last = 0;
        for (int i = 0; i < 40; i++) {
            last = beside(1, 1.28, 1);
        }
        assertThat(slowdown.factor(1)).isCloseTo(1.28, within(0.04));
        assertThat(last).as("part of the step that was lost").isCloseTo(1 - 1 / 1.28, within(0.03));
        assertThat(slowdown.usualNanos(DECODE)).isCloseTo(ALONE, within(0.05 * ALONE));
        assertThat(slowdown.factor(2)).as("two lanes were never seen").isEqualTo(1);
    }

    @Test
    void shouldBlameBestEffortWorkForNoMoreThanItsPartOfTheStep() {
        alone(20, ALONE);
        for (int i = 0; i < 20; i++) {
            beside(1, 1.5, 1);
        }
        double service = ALONE * 1.1;
        assertThat(slowdown.ended(DECODE, service, 1, 0.2 * service) / service).isCloseTo(1 - 1 / 1.1, within(0.01));
        assertThat(slowdown.ended(DECODE, 3 * ALONE, 1, 0.01 * ALONE)).isLessThan(0.01 * ALONE);
        assertThat(slowdown.ended(DECODE, 3 * ALONE, 0, 0)).isZero();
    }

    @Test
    void shouldKnowNothingOfTheFirstStepWhereSomethingWasBesideIt() {
        assertThat(slowdown.ended(DECODE, ALONE, 1, ALONE)).isZero();
        assertThat(slowdown.factor(1)).isEqualTo(1);
    }

    @Test
    void shouldForgetWhatHasChanged() {
        alone(20, ALONE);
        for (int i = 0; i < 20; i++) {
            beside(1, 1.02, 1);
        }
        assertThat(slowdown.factor(1)).isLessThan(1.05);
        for (int i = 0; i < 16; i++) {
            beside(1, 1.6, 1);
        }
        assertThat(slowdown.factor(1)).as("it has stopped paying").isCloseTo(1.6, within(0.06));
        alone(16, 1.6 * ALONE);
        for (int i = 0; i < 16; i++) {
            beside(1, 1.6, 1);
        }
        assertThat(slowdown.factor(1)).as("steps alone have become as long").isLessThan(1.05);
    }

    @Test
    void shouldLetOneStepInSoManyRunAloneAndAllUntilTheirTimeIsKnown() {
        for (int i = 0; i < StepSlowdown.PROVEN; i++) {
            assertThat(slowdown.runsAlone(DECODE)).isTrue();
            alone(1, ALONE);
        }
        int aloneAgain = 0;
        for (int i = 0; i < 10 * StepSlowdown.ALONE_EVERY; i++) {
            aloneAgain += slowdown.runsAlone(DECODE) ? 1 : 0;
        }
        assertThat(aloneAgain).isEqualTo(10);
        assertThat(slowdown.runsAlone(new Kind(true, 64, 12)))
                .as("another kind")
                .isTrue();
    }

    @Test
    void shouldJudgeAKindByOthersUntilItHasStepsOfItsOwn() {
        alone(20, ALONE);
        for (int i = 0; i < 16; i++) {
            beside(1, 1.5, 1);
        }
        Kind other = new Kind(true, 64, 12);
        for (int i = 0; i < 8; i++) {
            slowdown.ended(other, 4 * ALONE, 0, 0);
        }
        assertThat(slowdown.ended(other, 4 * ALONE, 1, 4 * ALONE) / (4 * ALONE))
                .as("the median of all is still that of the others")
                .isCloseTo(1 - 1 / 1.5, within(0.02));
        for (int i = 0; i < 8; i++) {
            slowdown.ended(other, 4 * ALONE, 1, 4 * ALONE);
        }
        assertThat(slowdown.ended(other, 4 * ALONE, 1, 4 * ALONE)).as("its own").isZero();
    }
}
