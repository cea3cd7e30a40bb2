package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.HopTiming;
import io.sluice.records.ServiceClass;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When best-effort work runs in slices, and that it computes the same. */
final class BestEffortLoopTest extends OnBestEffortCluster {
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
    void shouldLetLatencyCriticalWorkWaitForOnePartOfTheHeadAtMost() {
        stages(1);
        allow(100 * LAYER);
        Member worker = cluster.first();
        worker.fake().onHead = parts -> cluster.clock.addAndGet(parts * LAYER);
        warmUp();
        worker.deliver(prompt("rests", "t", ids(1, 1), 2));
        int urgent = 0;
        // Comes in the middle of every unit; the first of them are the layers.
        for (int unit = 1; cluster.generated("rests").isEmpty(); unit++) {
            long before = cluster.clock.get();
            assertThat(worker.loop.step(() -> true)).isTrue();
            assertThat(cluster.clock.get() - before).as("unit %d", unit).isEqualTo(LAYER);
            if (unit > FakeStageRunner.LAYERS && cluster.generated("rests").isEmpty()) {
                worker.deliver(cluster.prompt("urgent" + urgent, 1, ids(unit, 4), 1));
                assertThat(worker.loop.step()).isTrue();
                assertThat(cluster.generated("urgent" + urgent++))
                        .as("it goes first")
                        .hasSize(1);
            }
            cluster.clock.addAndGet(10 * LAYER);
        }
        assertThat(urgent).as("between any two parts").isEqualTo(FakeStageRunner.HEAD_PARTS - 1);
        settle();
        assertThat(cluster.generated("rests")).isEqualTo(FakeStageRunner.expected(ids(1, 1), 2));
    }

    @Test
    void shouldRunTheWholeHeadInOneSliceWhereNothingComes() {
        stages(1);
        allow(100 * LAYER);
        Member worker = cluster.first();
        List<Integer> parts = new ArrayList<>();
        worker.fake().onHead = count -> {
            parts.add(count);
            cluster.clock.addAndGet(count * LAYER);
        };
        warmUp();
        parts.clear();
        worker.deliver(prompt("r", "t", ids(1, 1), 1));
        int slices = 0;
        while (cluster.generated("r").isEmpty()) {
            assertThat(worker.loop.step()).isTrue();
            slices++;
        }
        assertThat(parts).as("one by one, so that anything new is seen").containsExactly(1, 1, 1);
        assertThat(slices).as("layers, then the head").isEqualTo(2);
    }

    @Test
    void shouldGoOnWithTheHeadWhenASessionLeavesBetweenItsParts() {
        stages(1);
        allow(100 * LAYER);
        Member worker = cluster.first();
        for (int i = 0; i < 3; i++) {
            worker.deliver(prompt("r" + i, "t", List.of(i + 1), 20));
        }
        int[] together = {0};
        worker.fake().onHead = count -> together[0] += worker.fake().underWay() == 3 ? count : 0;
        while (together[0] == 0) {
            assertThat(worker.loop.step(() -> true)).isTrue();
        }
        assertThat(worker.fake().underWay()).as("all three rest in their head").isEqualTo(3);
        int before = cluster.generated("r1").size();
        worker.deliver(LocalCluster.drop("r1", 1));
        settle();

        assertThat(cluster.generated("r1")).hasSize(before);
        for (int i : List.of(0, 2)) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(List.of(i + 1), 20));
        }
        assertThat(cluster.failures).isEmpty();
        assertThat(worker.fake().live).isEmpty();
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

        assertThat(slices).isEqualTo(FakeStageRunner.LAYERS + FakeStageRunner.HEAD_PARTS);
        HopTiming hop = cluster.tokens.getFirst().getHops().getFirst();
        assertThat(hop.getComputeUs()).isEqualTo(FakeStageRunner.LAYERS * LAYER / 1_000);
        assertThat(hop.getQueueUs())
                .isEqualTo((40 + 10 * (FakeStageRunner.LAYERS + FakeStageRunner.HEAD_PARTS - 1)) * LAYER / 1_000);
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
}
