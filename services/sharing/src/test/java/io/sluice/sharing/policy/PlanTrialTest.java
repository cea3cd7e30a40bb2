package io.sluice.sharing.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class PlanTrialTest {
    private final int[][] slow = {{0}, {0}};
    private final int[][] fast = {{1}, {1}};
    private final int[][] unfair = {{2}, {2}};

    private static void window(PlanTrial trial, double... speeds) {
        windowAt(100, trial, speeds);
    }

    private static void windowAt(double watts, PlanTrial trial, double... speeds) {
        for (int w = 0; w < speeds.length; w++) {
            trial.ran(w, 1_000 * speeds[w], 1_000);
        }
        trial.windowPassed(watts);
    }

    private PlanTrial tried() {
        PlanTrial trial = new PlanTrial(List.of(slow, fast, unfair));
        assertThat(trial.plan()).isSameAs(slow);
        window(trial, 0.4, 0.4);
        assertThat(trial.plan()).isSameAs(fast);
        window(trial, 0.6, 0.6);
        assertThat(trial.plan()).isSameAs(unfair);
        window(trial, 1.2, 0.1);
        return trial;
    }

    @Test
    void shouldKeepThePlanUnderWhichAllWorkersGoFastest() {
        PlanTrial trial = tried();
        assertThat(trial.trials()).isEqualTo(1);
        for (int i = 0; i < 20; i++) {
            assertThat(trial.plan()).as("more in sum, but one worker starves").isSameAs(fast);
            window(trial, 0.6, i % 2 == 0 ? 0.58 : 0.62);
        }
    }

    @Test
    void shouldTryAgainWhenTheSpeedHasChangedForAWhile() {
        PlanTrial trial = tried();
        window(trial, 0.3, 0.3); // once is no change
        window(trial, 0.6, 0.6);
        assertThat(trial.plan()).isSameAs(fast);
        for (int i = 0; i < 5; i++) {
            assertThat(trial.plan()).isSameAs(fast);
            window(trial, 0.3, 0.3);
        }
        assertThat(trial.plan()).as("from the first one on").isSameAs(slow);
        window(trial, 0.4, 0.4);
        window(trial, 0.3, 0.3);
        window(trial, 0.2, 0.2);
        assertThat(trial.plan()).isSameAs(slow);
        assertThat(trial.trials()).isEqualTo(2);
    }

    @Test
    void shouldKeepThePlanWithTheLeastEnergyTimesDelay() {
        PlanTrial frugal = new PlanTrial(List.of(slow, fast));
        windowAt(100, frugal, 0.58, 0.58);
        windowAt(115, frugal, 0.60, 0.60);
        assertThat(frugal.plan()).as("3 %% slower, but 13 %% less power").isSameAs(slow);
        PlanTrial quick = new PlanTrial(List.of(slow, fast));
        windowAt(100, quick, 0.50, 0.50);
        windowAt(130, quick, 0.60, 0.60);
        assertThat(quick.plan()).as("30 %% more power for 20 %% more speed").isSameAs(fast);
    }

    @Test
    void shouldNotJudgeAPlanWhileAWorkerDidNothing() {
        PlanTrial trial = new PlanTrial(List.of(slow, fast));
        trial.ran(0, 500, 1_000);
        trial.windowPassed(100);
        assertThat(trial.plan()).isSameAs(slow);
        trial.ran(1, 500, 1_000);
        trial.windowPassed(100);
        assertThat(trial.plan()).isSameAs(fast);
    }
}
