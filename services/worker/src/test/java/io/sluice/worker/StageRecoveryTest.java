package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.Trouble;
import io.sluice.runtime.ActivationDtype;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stages die and others go on, on a runner whose arithmetic is exact: every token must be the one it would have been. */
final class StageRecoveryTest {
    private static final int TOKENS = 24;
    /** One whose continuation holds a character of two tokens, which a loss may part. */
    private static final List<Integer> PROMPT = IntStream.range(0, 1_000)
            .mapToObj(seed -> ids(seed, 21))
            .filter(ids -> FakeStageRunner.expected(ids, TOKENS).indexOf(FakeTokenizer.HALF) > 4)
            .findFirst()
            .orElseThrow();

    private static final List<Integer> EXPECTED = FakeStageRunner.expected(PROMPT, TOKENS);

    private LocalCluster cluster;
    private LocalRouter router;
    /** Members taken out of the cluster, which may come back as zombies. */
    private final List<Member> dead = new ArrayList<>();

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldGoOnTokenForTokenWhicheverStageDiesAtWhicheverStep(boolean exact) {
        for (int stage = 0; stage < 3; stage++) {
            for (int step = 0; step < TOKENS; step++) {
                for (int later = 0; later < 4; later++) {
                    start(List.of(2, 4, 6), List.of("a", "b", "c"), exact);
                    runUntil(step, later);
                    if (router.finished) {
                        continue; // its last token was out
                    }
                    RecoveryPlan plan = replace(Set.of(stage));
                    finish(stage + " dies " + later + " rounds after token " + step + ": " + plan.reason());
                    if (step > 0) {
                        assertThat(plan.assignment().stages().stream().filter(s -> s.mode() == ResumeMode.KEEP))
                                .as("the others keep their cache")
                                .hasSize(2);
                    }
                }
            }
        }
    }

    @Test
    void shouldGoOnWhenTwoStagesDieAtOnceAndWhenAllDo() {
        for (Set<Integer> lost : List.of(Set.of(0, 1), Set.of(0, 2), Set.of(1, 2), Set.of(0, 1, 2))) {
            for (int step = 0; step < TOKENS; step += 3) {
                start(List.of(2, 4, 6), List.of("a", "b", "c"));
                runUntil(step, step % 4);
                finish(lost + " die after token " + step + ": " + replace(lost).reason());
            }
        }
    }

    @Test
    void shouldGoOnWhenTheReplacementDiesDuringTheRebuild() {
        for (int stage = 0; stage < 3; stage++) {
            for (int during = 0; during < 6; during++) {
                start(List.of(2, 4, 6), List.of("a", "b", "c"));
                runUntil(9, 1);
                replace(Set.of(stage));
                cluster.rounds(during);
                finish("replacement of " + stage + " dies after " + during + " rounds: "
                        + replace(Set.of(stage)).reason());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldGoOnThroughManyLossesWhileZombiesComeBack(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int run = 0; run < 40; run++) {
            start(List.of(1, 2, 4, 6), List.of("a", "b", "c", "d"), run % 2 == 0);
            List<String> story = new ArrayList<>();
            for (int loss = 0; loss < 6 && !router.finished; loss++) {
                runUntil(router.ids.size() + random.nextInt(4), random.nextInt(5));
                Set<Integer> lost = new HashSet<>();
                for (int stage = 0; stage < 4; stage++) {
                    if (random.nextInt(3) == 0) {
                        lost.add(stage);
                    }
                }
                if (!router.finished) {
                    story.add(replace(lost).reason());
                }
                if (random.nextBoolean()) {
                    dead.forEach(this::wakeUp);
                }
            }
            finish("seed " + seed + " run " + run + ": " + story);
        }
    }

    @Test
    void shouldReplayFromPromptAndTokensWhenTheLogIsGone() {
        for (int stage = 1; stage < 3; stage++) {
            for (int step = 1; step < TOKENS; step += 4) {
                start(List.of(2, 4, 6), List.of("a", "b", "c"));
                runUntil(step, 2);
                WorkerId lost = router.pipeline().stages().get(stage).worker();
                cluster.logs.get(lost).set(0, new LocalCluster.Sent("x", List.of(), 0));
                cluster.logs.get(lost).set(1, new LocalCluster.Sent("x", List.of(), 1));
                replace(Set.of(stage));
                cluster.settle();
                assertThat(cluster.failures).singleElement().satisfies(failure -> {
                    assertThat(failure.trouble()).isEqualTo(Trouble.LOG_GONE);
                    assertThat(failure.attempt()).isEqualTo(2);
                });
                cluster.failures.clear();
                router.logUsable = false;
                RecoveryPlan plan = router.recover(
                        router.pipeline(),
                        Set.of(router.pipeline().stages().get(stage).worker()));
                finish(plan.reason());
                assertThat(plan.assignment().stages().subList(0, stage + 1))
                        .allSatisfy(resume -> assertThat(resume.mode()).isEqualTo(ResumeMode.FRESH));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldForwardNothingThatTheNextStageHas(boolean exact) {
        start(List.of(2, 4, 6), List.of("a", "b", "c"), exact);
        runUntil(7, 0);
        cluster.settle();
        assertThat(router.finished).isTrue();
        start(List.of(2, 4, 6), List.of("a", "b", "c"), exact);
        runUntil(7, 0);
        replace(Set.of(1));
        Member rebuilt = cluster.members.get(router.pipeline().stages().get(1).worker());
        finish("rebuilt in the middle");

        assertThat(rebuilt.sent.stream().filter(chunk -> chunk.getCount() > 0).findFirst())
                .get()
                .satisfies(chunk -> assertThat(chunk.getPosition())
                        .isEqualTo(router.assignments.getLast().position()));
        assertThat(rebuilt.fake().batches.getFirst().getFirst().count()).isEqualTo(16);
        List<List<Integer>> steps = rebuilt.fake().batches.stream()
                .map(List::getFirst)
                .filter(input -> input.count() > 1 && input.asSteps())
                .map(input -> List.of(input.position(), input.count()))
                .toList();
        assertThat(steps)
                .as("what was decoded is computed again as steps only where asked for, in chunks of its own")
                .isEqualTo(exact ? List.of(List.of(PROMPT.size(), 6)) : List.of());
    }

    @Test
    void shouldReportKvCacheThatItWasToKeepAndHasNot() {
        start(List.of(3, 6), List.of("a", "b"));
        runUntil(5, 0);
        WorkerId b = new WorkerId("b");
        cluster.members.remove(b);
        cluster.fake("b", 3, 6, 100_000); // started anew under its old name
        router.recover(router.pipeline(), Set.of());
        cluster.settle();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.trouble()).isEqualTo(Trouble.STATE_LOST);
            assertThat(failure.message()).contains("worker b was to keep 25 positions of layers [3, 6), it has 0");
        });
        cluster.failures.clear();
        router.recover(router.pipeline(), Set.of(b));
        finish("b is told to rebuild from its own topic");
    }

    @Test
    void shouldKeepEveryCacheWhenOnlyAChunkWasLost() {
        start(List.of(2, 4, 6), List.of("a", "b", "c"));
        runUntil(6, 0);
        cluster.members.values().forEach(member -> member.topic.clear());
        while (cluster.members.values().stream().anyMatch(member -> member.loop.step())) {
            cluster.members.values().forEach(member -> member.topic.clear());
        }
        RecoveryPlan plan = router.recover(router.pipeline(), Set.of());
        assertThat(plan.assignment().stages())
                .allSatisfy(resume -> assertThat(resume.mode()).isEqualTo(ResumeMode.KEEP));
        finish(plan.reason());
    }

    @Test
    void shouldNotComputeForAnAttemptThatIsOver() {
        start(List.of(3, 6), List.of("a", "b"));
        runUntil(5, 0);
        Member b = cluster.members.get(new WorkerId("b"));
        int before = b.fake().batches.size();
        b.topic.clear();
        // The set-up of the next attempt comes while a chunk of the former one waits.
        LocalCluster.Sent stale = cluster.logs.get(b.id).getLast();
        router.recover(router.pipeline(), Set.of());
        b.receive();
        b.deliver(stale);

        assertThat(b.loop.step()).isFalse();
        assertThat(b.fake().batches).hasSize(before);
        assertThat(cluster.dropped("b", "fenced")).isEqualTo(1);
        finish("fenced");
    }

    private void start(List<Integer> ends, List<String> workers) {
        start(ends, workers, false);
    }

    private void start(List<Integer> ends, List<String> workers, boolean exact) {
        cluster = new LocalCluster();
        dead.clear();
        List<Stage> stages = new ArrayList<>();
        int first = 0;
        for (int i = 0; i < ends.size(); i++) {
            cluster.fake(
                    LocalCluster.settings(workers.get(i), ActivationDtype.FP16, 16, exact),
                    first,
                    ends.get(i),
                    100_000);
            stages.add(new Stage(new WorkerId(workers.get(i)), new LayerRange(first, ends.get(i))));
            first = ends.get(i);
        }
        router = new LocalRouter(cluster, "r1", PROMPT, cluster.setup(PROMPT.size(), TOKENS));
        router.start(new Pipeline(stages));
    }

    private void runUntil(int tokens, int more) {
        int most = 10_000;
        while (router.ids.size() < tokens && !router.finished && most-- > 0) {
            cluster.rounds(1);
        }
        assertThat(most).as("failures " + cluster.failures).isPositive();
        cluster.rounds(more);
    }

    /** The stages die, and workers that hold the same layers take their place. */
    private RecoveryPlan replace(Set<Integer> lost) {
        List<Stage> stages = new ArrayList<>();
        Set<WorkerId> gone = new HashSet<>();
        for (int i = 0; i < router.pipeline().stages().size(); i++) {
            Stage stage = router.pipeline().stages().get(i);
            if (!lost.contains(i)) {
                stages.add(stage);
                continue;
            }
            gone.add(stage.worker());
            dead.add(cluster.members.remove(stage.worker()));
            String name = stage.worker() + "x";
            boolean exact = dead.getLast().exact;
            cluster.fake(
                    LocalCluster.settings(name, ActivationDtype.FP16, 16, exact),
                    stage.layers().first(),
                    stage.layers().end(),
                    100_000);
            stages.add(new Stage(new WorkerId(name), stage.layers()));
        }
        return router.recover(new Pipeline(stages), gone);
    }

    /** A worker that was taken for dead does what it had left to do; what it sends arrives. */
    private void wakeUp(Member zombie) {
        while (zombie.loop.step()) {
            // goes on where it stopped
        }
    }

    private void finish(String why) {
        cluster.settle();
        assertThat(router.finished).as("%s; reported %s", why, cluster.failures).isTrue();
        assertThat(router.ids).as(why).isEqualTo(EXPECTED);
        assertThat(router.text.toString()).as(why).isEqualTo(FakeTokenizer.text(EXPECTED));
        assertThat(cluster.members.values()).as(why).allSatisfy(member -> assertThat(member.fake().live)
                .isEmpty());
    }
}
