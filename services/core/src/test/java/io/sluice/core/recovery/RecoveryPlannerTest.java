package io.sluice.core.recovery;

import static io.sluice.core.recovery.Histories.pipeline;
import static io.sluice.core.recovery.Histories.step;
import static io.sluice.core.recovery.ResumeMode.FRESH;
import static io.sluice.core.recovery.ResumeMode.KEEP;
import static io.sluice.core.recovery.ResumeMode.REBUILD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RecoveryPlannerTest {
    private static final int PROMPT = 8;
    private static final Pipeline ABC = pipeline("a:0-2", "b:2-4", "c:4-6");
    private static final List<Assignment> ONE = List.of(Assignment.fresh(1, ABC));
    private static final List<StepTrace> TWO_STEPS =
            List.of(step(1, "a@0", "b@0", "c@0"), step(1, "a@0+2", "b@0+3", "c@0+4"));

    /** A second per layer and token, and nothing for what is moved unless a test says so. */
    private static final RecoveryCosts PER_LAYER = new RecoveryCosts() {
        @Override
        public double computeSeconds(Stage stage, int tokens) {
            return tokens * stage.layers().size();
        }

        @Override
        public double transferSeconds(WorkerId to, int tokens) {
            return 0;
        }
    };

    private static RecoveryPlan plan(List<Assignment> attempts, List<StepTrace> steps, Pipeline next, String... lost) {
        return plan(attempts, steps, next, true, PER_LAYER, lost);
    }

    private static RecoveryPlan plan(
            List<Assignment> attempts,
            List<StepTrace> steps,
            Pipeline next,
            boolean logUsable,
            RecoveryCosts costs,
            String... lost) {
        Set<WorkerId> workers = Arrays.stream(lost).map(WorkerId::new).collect(Collectors.toSet());
        return RecoveryPlanner.plan(attempts, steps, PROMPT, next, workers, logUsable, costs);
    }

    private static List<ResumeMode> modes(RecoveryPlan plan) {
        return plan.assignment().stages().stream().map(StageResume::mode).toList();
    }

    @Test
    void shouldRebuildOnlyTheLostStage() {
        RecoveryPlan plan = plan(ONE, TWO_STEPS, pipeline("a:0-2", "d:2-4", "c:4-6"), "b");
        assertThat(modes(plan)).containsExactly(KEEP, REBUILD, KEEP);
        assertThat(plan.assignment().attempt()).isEqualTo(2);
        assertThat(plan.assignment().position())
                .as("the input that led to no token yet")
                .isEqualTo(PROMPT + 1);
        assertThat(plan.assignment().stages()).extracting(StageResume::start).containsOnly(PROMPT + 1);
        assertThat(plan.assignment().stages().get(1).log()).containsExactly(new LogRange(new WorkerId("b"), 0, 4));
        assertThat(plan.seconds()).isCloseTo((PROMPT + 1) * 2.0, within(1e-9));
        assertThat(plan.reason()).contains("lost b after 2 tokens", "18.000 s against 60.000 s of replay");
        assertThat(plan.keepsAny()).isTrue();
    }

    @Test
    void shouldStartFromThePromptBeforeTheFirstToken() {
        RecoveryPlan plan = plan(ONE, List.of(), pipeline("a:0-2", "d:2-4", "c:4-6"), "b");
        assertThat(modes(plan)).containsOnly(FRESH);
        assertThat(plan.assignment().position()).isZero();
        assertThat(plan.reason()).contains("before the first token");
    }

    @Test
    void shouldKeepEverythingWhereNothingIsLost() {
        RecoveryPlan plan = plan(ONE, TWO_STEPS, ABC);
        assertThat(modes(plan)).containsOnly(KEEP);
        assertThat(plan.seconds()).isZero();
        assertThat(plan.reason()).contains("no progress", "every stage keeps");
    }

    @Test
    void shouldSendPromptAndTokensToANewFirstStageOnly() {
        assertThat(modes(plan(ONE, TWO_STEPS, pipeline("d:0-2", "b:2-4", "c:4-6"), "a")))
                .containsExactly(FRESH, KEEP, KEEP);
    }

    @Test
    void shouldRebuildInPlaceWhereTheSameWorkerHasRestarted() {
        assertThat(modes(plan(ONE, TWO_STEPS, ABC, "b"))).containsExactly(KEEP, REBUILD, KEEP);
    }

    @Test
    void shouldComputeAgainUpstreamWhereTheLogHasAHole() {
        List<StepTrace> holed = List.of(step(1, "a@0", "b@0", "c@-1"), step(1, "a@2", "b@3", "c@4"));
        RecoveryPlan plan = plan(ONE, holed, pipeline("a:0-2", "b:2-4", "d:4-6"), "c");
        assertThat(modes(plan))
                .as("b reads its inputs from the log and sends them all; a need not")
                .containsExactly(KEEP, REBUILD, FRESH);
    }

    @Test
    void shouldReplayWhenTheLogIsGone() {
        RecoveryPlan plan = plan(ONE, TWO_STEPS, pipeline("a:0-2", "b:2-4", "d:4-6"), false, PER_LAYER, "c");
        assertThat(modes(plan)).containsExactly(FRESH, FRESH, FRESH);
        assertThat(plan.reason()).contains("the log no longer reaches back", "10 positions");
        assertThat(modes(plan(ONE, TWO_STEPS, pipeline("d:0-2", "b:2-4", "c:4-6"), false, PER_LAYER, "a")))
                .as("no log is needed for the first stage")
                .containsExactly(FRESH, KEEP, KEEP);
    }

    @Test
    void shouldReplayWhereTheLogIsTooThinToBeRead() {
        List<StepTrace> thin = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            thin.add(step(1, "a@" + i, "b@0+" + (200 * i), "c@0"));
        }
        RecoveryCosts slowLinks = new RecoveryCosts() {
            @Override
            public double computeSeconds(Stage stage, int tokens) {
                return tokens * 1e-3;
            }

            @Override
            public double transferSeconds(WorkerId to, int tokens) {
                return tokens * 1e-3;
            }
        };
        RecoveryPlan plan = plan(ONE, thin, pipeline("a:0-2", "d:2-4", "c:4-6"), true, slowLinks, "b");
        assertThat(modes(plan)).containsOnly(FRESH);
        assertThat(plan.reason()).contains("cheaper than rebuilding, 0.648 against 19.908 s");
    }

    @Test
    void shouldNotTrustACacheThatHasLedToNoToken() {
        Pipeline adc = pipeline("a:0-2", "d:2-4", "c:4-6");
        Assignment second = plan(ONE, TWO_STEPS, adc, "b").assignment();
        List<Assignment> attempts = List.of(ONE.getFirst(), second);
        assertThat(modes(plan(attempts, TWO_STEPS, adc)))
                .as("d may have been interrupted while it rebuilt")
                .containsExactly(KEEP, REBUILD, KEEP);
        List<StepTrace> third = new ArrayList<>(TWO_STEPS);
        third.add(step(2, "a@9", "d@1", "c@9"));
        assertThat(modes(plan(attempts, third, adc))).containsExactly(KEEP, KEEP, KEEP);
        assertThat(modes(plan(attempts, third, ABC)))
                .as("b has missed attempt 2")
                .containsExactly(KEEP, REBUILD, KEEP);
    }

    @Test
    void shouldNotTrustACacheBecauseAnotherPipelineOfTheSameNumberHasLedToAToken() {
        List<StepTrace> others = List.of(step(1, "d@0", "b@0", "c@0"));
        assertThat(modes(plan(ONE, others, ABC)))
                .as("where the stages of this one stand is not known")
                .containsOnly(FRESH);
    }

    @Test
    void shouldRebuildAStageWhoseLayersHaveChanged() {
        RecoveryPlan plan = plan(ONE, TWO_STEPS, pipeline("a:0-2", "b:2-3", "d:3-6"), "c");
        assertThat(modes(plan))
                .as("nobody has entered layer 3 yet, so b must send everything")
                .containsExactly(KEEP, REBUILD, FRESH);
    }

    @Test
    void shouldTakeTheGivenNumberAndCause() {
        RecoveryPlan plan = RecoveryPlanner.plan(
                40, "b drains", ONE, TWO_STEPS, PROMPT, ABC, Set.of(), true, RecoveryCosts.UNKNOWN);
        assertThat(plan.assignment().attempt()).isEqualTo(40);
        assertThat(plan.reason()).startsWith("b drains after 2 tokens");
    }

    /** Whatever was lost how often: a stage that begins anew gets all positions from somewhere. */
    @Test
    void shouldLeaveNoStageWithoutItsInputs() {
        for (long seed = 0; seed < 300; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            List<Assignment> attempts = new ArrayList<>(ONE);
            List<StepTrace> steps = new ArrayList<>();
            Set<WorkerId> lost = new HashSet<>();
            for (int round = 0; round < 12; round++) {
                Assignment last = attempts.getLast();
                for (int i = random.nextInt(4); i > 0; i--) {
                    steps.add(step(
                            last.attempt(),
                            last.pipeline().stages().stream()
                                    .map(stage -> stage.worker() + "@" + (random.nextInt(20) == 0 ? -1 : steps.size()))
                                    .toArray(String[]::new)));
                }
                lost.clear();
                List<Stage> next = new ArrayList<>();
                for (Stage stage : last.pipeline().stages()) {
                    if (random.nextInt(3) == 0) {
                        lost.add(stage.worker());
                        WorkerId other = new WorkerId(
                                "w" + random.nextInt(5) + "-" + stage.layers().first());
                        next.add(new Stage(random.nextBoolean() ? stage.worker() : other, stage.layers()));
                    } else {
                        next.add(stage);
                    }
                }
                boolean logUsable = random.nextInt(6) > 0;
                RecoveryPlan plan =
                        RecoveryPlanner.plan(attempts, steps, PROMPT, new Pipeline(next), lost, logUsable, PER_LAYER);
                List<StageResume> stages = plan.assignment().stages();
                for (int i = 0; i < stages.size(); i++) {
                    boolean before = i > 0 && stages.get(i - 1).mode() == KEEP;
                    assertThat(stages.get(i).mode() == FRESH && before)
                            .as("seed %d round %d: %s", seed, round, plan)
                            .isFalse();
                    boolean kept = stages.get(i).mode() == KEEP;
                    assertThat(kept && lost.contains(next.get(i).worker()))
                            .as("seed %d round %d: %s keeps what it has lost", seed, round, next.get(i))
                            .isFalse();
                    assertThat(!logUsable && stages.get(i).mode() == REBUILD).isFalse();
                }
                assertThat(stages.getFirst().mode()).isNotEqualTo(REBUILD);
                attempts.add(plan.assignment());
            }
        }
    }
}
