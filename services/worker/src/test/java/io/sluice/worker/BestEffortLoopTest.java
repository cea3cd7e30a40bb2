package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.records.ActivationChunk;
import io.sluice.records.HopTiming;
import io.sluice.records.ServiceClass;
import io.sluice.records.Token;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.worker.sharing.SharingSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Best-effort work in slices, on a device whose layers take a time by the test's clock. */
final class BestEffortLoopTest {
    /** What a layer takes, nanoseconds. */
    private static final long LAYER = 1_000_000;

    private final LocalCluster cluster = new LocalCluster();
    private long epoch;

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 10", "2, 4", "3, 2"})
    void shouldGenerateWhatLatencyCriticalWorkGenerates(int stages, int sliceLayers) {
        stages(stages);
        allow(sliceLayers * LAYER);
        List<List<Integer>> prompts = List.of(ids(1, 3), ids(2, 60), ids(3, 17), ids(4, 90));
        for (int i = 0; i < prompts.size(); i++) {
            cluster.first().deliver(prompt("r" + i, "t", prompts.get(i), 12));
        }
        settle();

        assertTexts(prompts, 12);
        assertThat(cluster.members.values()).allSatisfy(member -> {
            assertThat(member.fake().batches).as("nothing ran at once").isEmpty();
            assertThat(member.fake().live).isEmpty();
        });
        if (stages == 1) {
            boolean together = cluster.first().fake().resumed.stream().anyMatch(batch -> batch.size() > 1);
            assertThat(together).as("more steps at once take no longer here").isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldGenerateTheSameWhateverComesBetweenItsSlices(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        stages(1 + (int) seed % 3);
        List<List<Integer>> prompts = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            prompts.add(ids(random.nextInt(), 1 + random.nextInt(90)));
            boolean critical = random.nextInt(3) == 0;
            cluster.first()
                    .deliver(
                            critical
                                    ? cluster.prompt("r" + i, 1, prompts.get(i), 9)
                                    : prompt("r" + i, "t" + random.nextInt(3), prompts.get(i), 9));
            for (int step = random.nextInt(30); step > 0; step--) {
                if (random.nextInt(6) == 0) {
                    allow(random.nextInt(4) * LAYER);
                }
                cluster.members.values().forEach(member -> {
                    member.receive();
                    member.loop.step(() -> random.nextInt(3) == 0);
                });
            }
        }
        allow(4 * LAYER);
        settle();

        assertTexts(prompts, 9);
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldComputeNothingWithoutLimitsAndGoOnWhereItWas() {
        stages(1);
        Member worker = cluster.first();
        worker.deliver(prompt("r", "t", ids(1, 16), 5));
        assertThat(worker.loop.step()).isFalse();
        assertThat(worker.loop.untilReadyNanos()).isEqualTo(Long.MAX_VALUE);

        limits(2 * LAYER, cluster.clock.get() + LAYER);
        assertThat(worker.loop.step()).isTrue();
        assertThat(worker.loop.step()).as("the limits are over").isFalse();
        assertThat(worker.loop.untilReadyNanos()).isEqualTo(Long.MAX_VALUE);
        cluster.clock.addAndGet(3_600_000_000_000L);
        worker.loop.sweep();
        assertThat(worker.loop.step()).isFalse();
        assertThat(cluster.failures).as("waiting for hours is no trouble").isEmpty();

        allow(2 * LAYER);
        settle();
        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(1, 16), 5));
    }

    @Test
    void shouldLetLatencyCriticalWorkWaitForOneLayerAtMost() {
        stages(1);
        allow(100 * LAYER);
        Member worker = cluster.first();
        warmUp();
        worker.deliver(prompt("long", "t", ids(2, 400), 2));
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            // Comes in the middle of the layer that is computed next; the thread that hands it over sets the flag.
            long[] came = {0};
            worker.fake().onLayers = layers -> {
                came[0] = came[0] == 0 ? cluster.clock.get() + LAYER / 2 : came[0];
                cluster.clock.addAndGet(layers * LAYER);
            };
            cluster.clock.addAndGet(LAYER);
            assertThat(worker.loop.step(() -> came[0] != 0)).isTrue();
            assertThat(came[0]).isPositive();
            String id = "urgent" + i;
            worker.deliver(cluster.prompt(id, 1, ids(i, 4), 1));
            assertThat(worker.loop.step()).isTrue();
            assertThat(cluster.generated(id)).as("it goes first").hasSize(1);
            waits.add(cluster.clock.get() - LAYER * FakeStageRunner.LAYERS - came[0]);
        }
        assertThat(waits).allSatisfy(wait -> assertThat(wait).isLessThanOrEqualTo(LAYER));

        worker.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER);
        settle();
        assertThat(cluster.generated("long")).isEqualTo(FakeStageRunner.expected(ids(2, 400), 2));
    }

    @Test
    void shouldEndATurnInTimeOnceTheLengthOfALayerIsKnown() {
        stages(1);
        allow(3 * LAYER);
        Member worker = cluster.first();
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(2 * layers * LAYER);
        warmUp();
        worker.deliver(prompt("r", "t", ids(2, 200), 6));
        long longest = 0;
        while (true) {
            long before = cluster.clock.get();
            if (!worker.loop.step()) {
                break;
            }
            longest = Math.max(longest, cluster.clock.get() - before);
        }
        assertThat(longest).as("four layers").isEqualTo(8 * LAYER);
        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(2, 200), 6));
    }

    @Test
    void shouldTakeSmallerBatchesWhereALayerOfALargeOneDoesNotFit() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>();
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        // A layer takes as long as it has positions; the bound is that of 8.
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER / 4 * sizes.getLast());
        allow(2 * LAYER);
        for (int i = 0; i < 20; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 30));
        }
        settle();

        for (int i = 0; i < 20; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 30));
        }
        assertThat(sizes).allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(8));
        assertThat(sizes).contains(8, 4, 2, 1);
    }

    @Test
    void shouldBeginABatchAnewInSmallerOnesWhenALayerOfItNoLongerFits() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>(List.of(0));
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER / 4 * sizes.getLast());
        allow(4 * LAYER);
        for (int i = 0; i < 20; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 40));
        }
        while (sizes.getLast() < 16) {
            assertThat(worker.loop.step(() -> true)).isTrue();
        }
        worker.loop.step(() -> true);
        sizes.clear();
        allow(LAYER);
        settle();

        assertThat(sizes).isNotEmpty().allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(4));
        for (int i = 0; i < 20; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 40));
        }
    }

    @Test
    void shouldNotStaySmallForEverAfterAnAccidentOfTheMachine() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>();
        int[] accidents = {4};
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        worker.fake().onLayers = layers -> {
            boolean accident = sizes.getLast() == 2 && accidents[0] > 0;
            accidents[0] -= accident ? 1 : 0;
            cluster.clock.addAndGet(layers * LAYER * (accident ? 50 : 1));
        };
        allow(10 * LAYER);
        for (int i = 0; i < 16; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 100));
        }
        settle();

        assertThat(accidents[0]).isZero();
        assertThat(sizes.subList(sizes.size() - 50, sizes.size())).contains(16);
        for (int i = 0; i < 16; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 100));
        }
    }

    /** All that a tenant can say of its work is a weight, and all that makes a layer long is its sessions. */
    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1, 1e6})
    void shouldSizeSlicesByWhatWasMeasuredWhateverATenantDeclares(double weight) {
        stages(1);
        Member worker = cluster.first();
        long bound = 4 * LAYER;
        long[] layers = {0, 0, 0};
        // A layer takes longer the more positions it has, and the longer the sessions are.
        worker.fake().onLayers = count -> {
            int positions =
                    worker.fake().atWork.stream().mapToInt(StageInput::count).sum();
            int longest = worker.fake().atWork.stream()
                    .mapToInt(input -> input.position() + input.count())
                    .max()
                    .orElseThrow();
            long took = LAYER / 32 * positions * (100 + longest) / 100;
            layers[0]++;
            layers[1] = Math.max(layers[1], took);
            layers[2] += took > bound ? 1 : 0;
            cluster.clock.addAndGet(count * took);
        };
        allow(bound);
        for (int i = 0; i < 12; i++) {
            worker.deliver(prompt("greedy" + i, "greedy", weight, ids(i, 400), 40));
        }
        worker.deliver(prompt("honest", "honest", 1, ids(50, 8), 40));
        int slices = 0;
        long most = 0;
        while (cluster.generated("honest").size() < 40
                || cluster.generated("greedy11").size() < 40) {
            long before = cluster.clock.get();
            if (worker.loop.step()) {
                long took = cluster.clock.get() - before;
                slices++;
                most = Math.max(most, took);
            } else {
                cluster.clock.addAndGet(Math.max(1, worker.loop.untilReadyNanos()));
            }
        }
        assertThat(slices).isGreaterThan(500);
        assertThat(layers[1]).as("a layer can be nearly as long as the bound").isGreaterThan(bound / 3);
        assertThat(layers[1]).as("a slice stops after a layer").isLessThanOrEqualTo(2 * bound);
        assertThat(most)
                .as("longest of %d slices, in turns of 8 layers", slices)
                .isLessThanOrEqualTo(2 * 8 * LAYER);
        assertThat((double) layers[2] / layers[0])
                .as("layers beyond the bound, because sessions grow while their lengths are learnt")
                .isLessThan(0.05);
    }

    @Test
    void shouldMakeBatchesLargeThoughTheMachineDisturbsOneLayerInFour() {
        stages(1);
        Member worker = cluster.first();
        SplittableRandom random = new SplittableRandom(1);
        List<Integer> sizes = new ArrayList<>();
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        // Most of a layer is reading its weights: one of 16 rows takes twice as long as one of one row.
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(
                layers * (random.nextInt(4) == 0 ? 6 * LAYER : LAYER + LAYER / 16 * sizes.getLast()));
        allow(LAYER + LAYER * 3 / 4);
        for (int i = 0; i < 16; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 60));
        }
        settle();

        assertThat(sizes.subList(sizes.size() / 2, sizes.size())).contains(8).doesNotContain(16);
        for (int i = 0; i < 16; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 60));
        }
    }

    @Test
    void shouldShareByWeight() {
        stages(1);
        allow(2 * LAYER);
        Member worker = cluster.first();
        Map<String, Integer> computed = new HashMap<>();
        cluster.onToken = token -> {
            cluster.tokens.add(token);
            computed.merge(token.getRequestId(), 1, Integer::sum);
        };
        worker.deliver(prompt("heavy", "a", 3, ids(1, 8), 300), prompt("light", "b", 1, ids(2, 8), 300));
        while (computed.getOrDefault("heavy", 0) < 240) {
            assertThat(worker.loop.step()).isTrue();
        }
        assertThat((double) computed.get("heavy") / computed.get("light")).isBetween(2.7, 3.3);
    }

    @Test
    void shouldFailOnlyTheSessionWhoseInputTheRunnerRefuses() {
        stages(1);
        Member worker = cluster.first();
        worker.fake().poison = 13f;
        allow(3 * LAYER);
        // Prompts of one token, so that they are one batch.
        worker.deliver(
                prompt("good", "t", List.of(12), 3),
                prompt("bad", "t", List.of(13), 3),
                prompt("fine", "t", List.of(11), 3));
        settle();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("bad");
            assertThat(failure.trouble()).isEqualTo(Trouble.COMPUTE_FAILED);
            assertThat(failure.message()).contains("poisoned input 13");
        });
        assertThat(cluster.generated("good")).isEqualTo(FakeStageRunner.expected(List.of(12), 3));
        assertThat(cluster.generated("fine")).isEqualTo(FakeStageRunner.expected(List.of(11), 3));
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldLeaveASessionOutThatIsDroppedWhileItsBatchRests() {
        stages(1);
        Member worker = cluster.first();
        allow(20 * LAYER);
        for (int i = 0; i < 4; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 5), 20));
        }
        // Steps of all four are in one batch, which rests.
        while (worker.fake().underWay() < 4) {
            assertThat(worker.loop.step(() -> true)).isTrue();
        }
        worker.loop.step(() -> true);
        worker.deliver(LocalCluster.drop("r1", 1));
        assertThat(worker.fake().live).hasSize(3);
        int before = cluster.generated("r1").size();
        settle();

        assertThat(cluster.generated("r1")).hasSize(before);
        for (int i : List.of(0, 2, 3)) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 5), 20));
        }
        assertThat(cluster.failures).isEmpty();
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldGoOnToAnotherAttemptWhileTheBatchOfTheFormerOneRests() {
        stages(1);
        Member worker = cluster.first();
        allow(LAYER);
        worker.deliver(prompt("r", "t", ids(1, 30), 6));
        worker.loop.step();
        worker.loop.step();
        ActivationChunk again = prompt("r", "t", ids(1, 30), 6);
        again.setAttempt(2);
        worker.deliver(again);
        settle();

        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(1, 30), 6));
        assertThat(cluster.tokens).extracting(Token::getAttempt).containsOnly(2);
        assertThat(worker.fake().live).isEmpty();
    }

    @Test
    void shouldKeepTheLayersOfABatchThatRestsUntilNoSessionIsExpectedForThem() {
        stages(2);
        Member first = cluster.first();
        allow(LAYER);
        first.deliver(prompt("r", "t", ids(1, 30), 6));
        first.loop.step();
        first.order(2, null);
        first.sweepAfter(LayerKeeper.LEAST_GRACE.minusMillis(1));
        assertThat(first.runner.held().contains(new LayerRange(0, 3))).isTrue();
        limits(LAYER, Long.MAX_VALUE);
        settle();

        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(1, 30), 6));
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldGiveWayToAPlacementWhateverRests() {
        stages(2);
        Member first = cluster.first();
        allow(LAYER);
        first.deliver(prompt("rests", "t", ids(1, 30), 6));
        first.deliver(cluster.prompt("critical", 1, ids(2, 30), 6));
        first.loop.step();
        limits(0, Long.MAX_VALUE);
        first.order(2, null);
        first.sweepAfterGrace();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.trouble()).isEqualTo(Trouble.LAYERS_NOT_HELD);
            assertThat(failure.message()).contains("layers [0, 3)", "gives way");
        });
        settle();
        assertThat(cluster.generated("critical")).isEqualTo(FakeStageRunner.expected(ids(2, 30), 6));
        first.loop.sweep();
        assertThat(first.runner.held().isEmpty()).isTrue();
        assertThat(first.fake().live).isEmpty();
    }

    @Test
    void shouldTellWhatAStepComputedAndWhatItWaited() {
        stages(1);
        Member worker = cluster.first();
        worker.deliver(prompt("r", "t", ids(1, 4), 1));
        cluster.clock.addAndGet(40 * LAYER);
        allow(LAYER);
        long slices = 0;
        while (cluster.tokens.isEmpty()) {
            assertThat(worker.loop.step(() -> true)).isTrue();
            slices++;
            cluster.clock.addAndGet(10 * LAYER);
        }

        assertThat(slices).isEqualTo(FakeStageRunner.LAYERS + 1);
        HopTiming hop = cluster.tokens.getFirst().getHops().getFirst();
        assertThat(hop.getComputeUs()).isEqualTo(FakeStageRunner.LAYERS * LAYER / 1_000);
        assertThat(hop.getQueueUs()).isEqualTo((40 + 10 * FakeStageRunner.LAYERS) * LAYER / 1_000);
        assertThat(worker.stats.busyNanos(cluster.clock.get())).isEqualTo(FakeStageRunner.LAYERS * LAYER);
        IntervalStats.Interval interval = worker.stats.take(cluster.clock.get());
        assertThat(interval.busyMicros())
                .as("the planner judges the worker's speed by interactive work alone")
                .isZero();
        assertThat(interval.prefillTokens()).isZero();
        assertThat(interval.batches()).isZero();
        assertThat(interval.classes()).singleElement().satisfies(summary -> assertThat(summary.getServiceClass())
                .isEqualTo(ServiceClass.BEST_EFFORT));
    }

    @Test
    void shouldSayWhenTheGateIsToBeAskedAgain() {
        stages(1);
        Member worker = cluster.first();
        allow(10 * LAYER);
        warmUp();
        worker.deliver(prompt("r", "t", ids(1, 4), 3), cluster.prompt("urgent", 1, ids(2, 4), 1));
        assertThat(worker.loop.step()).as("the latency-critical one").isTrue();
        assertThat(worker.loop.untilReadyNanos()).as("to be asked").isZero();
        assertThat(worker.loop.step()).as("it has only just left").isFalse();
        long idle = worker.loop.untilReadyNanos();
        assertThat(idle).isBetween(1L, LAYER);
        cluster.clock.addAndGet(idle);
        assertThat(worker.loop.untilReadyNanos()).isZero();
        assertThat(worker.loop.step()).isTrue();
        settle();
        assertThat(worker.loop.untilReadyNanos()).as("nothing is left").isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void shouldRefuseBestEffortSessionsWhereTheyAreNotTaken() {
        cluster.bestEffort = SharingSettings.OFF;
        cluster.stages(1);
        cluster.first().deliver(prompt("r", "t", ids(1, 4), 3), cluster.prompt("urgent", 1, ids(2, 4), 1));
        settle();
        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("r");
            assertThat(failure.trouble()).isEqualTo(Trouble.NO_CAPACITY);
            assertThat(failure.message()).contains("takes no best-effort work");
        });
        assertThat(cluster.generated("urgent")).hasSize(1);
    }

    /** Each layer takes its time at every stage. */
    private void stages(int count) {
        cluster.stages(count);
        cluster.members
                .values()
                .forEach(member -> member.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER));
    }

    /** One session of each size that the tests have, so that all lengths are known. */
    private void warmUp() {
        for (int i = 0; i < 3; i++) {
            cluster.first().deliver(prompt("warm" + i, "t", ids(i, 500), 8));
            settle();
        }
        cluster.tokens.clear();
        cluster.first().fake().resumed.clear();
    }

    /** The whole device is allowed, until further notice. */
    private void allow(long sliceNanos) {
        limits(sliceNanos, Long.MAX_VALUE);
    }

    private void limits(long sliceNanos, long untilNanos) {
        cluster.limit(new SharingLimits(++epoch, 1, sliceNanos, 1, untilNanos));
    }

    private ActivationChunk prompt(String session, String tenant, List<Integer> ids, int maxTokens) {
        return prompt(session, tenant, 1, ids, maxTokens);
    }

    private ActivationChunk prompt(String session, String tenant, double weight, List<Integer> ids, int maxTokens) {
        ActivationChunk chunk = cluster.bestEffort(session, tenant, ids, maxTokens);
        chunk.getSetup().setWeight(weight);
        return chunk;
    }

    private void settle() {
        cluster.settleInTime();
    }

    private void assertTexts(List<List<Integer>> prompts, int tokens) {
        for (int i = 0; i < prompts.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as("session %d", i)
                    .isEqualTo(FakeStageRunner.expected(prompts.get(i), tokens));
        }
    }
}
