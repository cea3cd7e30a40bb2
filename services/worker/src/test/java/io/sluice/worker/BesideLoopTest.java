package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.SharingLimits;
import io.sluice.records.PoolUse;
import io.sluice.worker.sharing.SharingSettings;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Best-effort batches on a side lane that computes when the test says, beside latency-critical steps. */
final class BesideLoopTest extends OnBestEffortCluster {
    private HandLane lane;

    @BeforeEach
    void oneLane() {
        cluster.bestEffort = SharingSettings.DEFAULT.withCores(1);
        cluster.lanes = List.of(back -> {
            lane = new HandLane(0, back);
            return lane;
        });
        stages(1);
        worker().fake().onBeside = () -> cluster.clock.addAndGet(LAYER);
        allowBeside(1);
    }

    private Member worker() {
        return cluster.first();
    }

    private void allowBeside(int lanes) {
        cluster.limit(new SharingLimits(++epoch, 1, 4 * LAYER, 1, Long.MAX_VALUE).withSideLanes(lanes));
    }

    /** The lane works while a latency-critical batch does, which then takes so many times as long. */
    private void besideSteps(double factor) {
        worker().fake().onLayers = layers -> {
            long before = cluster.clock.get();
            boolean critical = worker().fake().underWay() == 0 || lane.slice != null;
            lane.work();
            long alone = layers * LAYER;
            long beside = cluster.clock.get() - before;
            cluster.clock.addAndGet(critical && beside > 0 ? Math.max(0, (long) (alone * factor) - beside) : alone);
        };
    }

    private double besideUnits() {
        return worker().sharing.view(cluster.clock.get()).besideUnits();
    }

    private void critical(String session, int tokens) {
        worker().deliver(cluster.prompt(session, 1, ids(session.hashCode(), 3), tokens));
    }

    /** So many steps of a latency-critical session, with the next one always ready. */
    private void steps(int count) {
        for (int i = 0; i < count; i++) {
            worker().receive();
            worker().loop.step();
        }
    }

    @Test
    void shouldRunLayersBesideStepsAndGenerateTheSame() {
        besideSteps(1);
        critical("c", 40);
        steps(8);
        worker().deliver(prompt("r0", "t", ids(1, 20), 12));
        worker().deliver(prompt("r1", "u", ids(2, 5), 12));
        steps(20);
        assertThat(besideUnits())
                .as("the first chunk of one tenant and of the other")
                .isGreaterThan(6 * 4);
        settle();

        assertTexts(List.of(ids(1, 20), ids(2, 5)), 12);
        assertThat(cluster.generated("c")).isEqualTo(FakeStageRunner.expected(ids("c".hashCode(), 3), 40));
        assertThat(cluster.failures).isEmpty();
        assertThat(worker().fake().live).isEmpty();
        assertThat(worker().sharing.view(cluster.clock.get()).violations()).isZero();
    }

    @Test
    void shouldLeaveEverythingInTheGapsWithoutSideLanesInTheLimits() {
        allowBeside(0);
        besideSteps(1);
        critical("c", 40);
        worker().deliver(prompt("r0", "t", ids(1, 20), 12));
        settle();
        assertThat(lane.started).isZero();
        assertThat(besideUnits()).isZero();
        assertTexts(List.of(ids(1, 20)), 12);
    }

    @Test
    void shouldGiveTheBatchBackWhenTheMachineFallsIdle() {
        critical("c", 12);
        steps(8);
        worker().deliver(prompt("r0", "t", ids(1, 20), 4));
        steps(1);
        assertThat(lane.slice).as("it is out").isNotNull();
        steps(8);
        assertThat(worker().loop.step()).as("no gap before it is back").isFalse();
        cluster.clock.addAndGet(LAYER);
        lane.work();
        settle();
        assertTexts(List.of(ids(1, 20)), 4);
        List<PoolUse> pools = worker().sharing.take(cluster.clock.get()).getPools();
        assertThat(pools).anySatisfy(pool -> {
            assertThat(pool.getLanes()).isOne();
            assertThat(pool.getKeptNs()).isGreaterThanOrEqualTo(LAYER);
        });
    }

    @Test
    void shouldFailOnlyTheGuiltySessionOfABatchThatFailsOnTheLane() {
        besideSteps(1);
        List<Integer> usual = FakeStageRunner.expected(ids("c".hashCode(), 3), 30);
        int poison = IntStream.range(0, FakeStageRunner.VOCAB)
                .filter(token -> !usual.contains(token) && token != 7)
                .findFirst()
                .orElseThrow();
        List<Integer> bad = List.of(poison);
        List<Integer> good = List.of(7);
        critical("c", 30);
        steps(8);
        worker().deliver(prompt("bad", "t", bad, 6), prompt("r0", "u", good, 1));
        worker().fake().poison = (float) poison;
        steps(20);
        assertThat(lane.started).isPositive();
        settle();
        assertThat(cluster.failures).extracting(LocalCluster.Failure::session).containsExactly("bad");
        assertTexts(List.of(good), 1);
        assertThat(worker().fake().underWay()).isZero();
    }

    @Test
    void shouldForgetASessionWhoseBatchIsOut() {
        critical("c", 30);
        steps(8);
        worker().deliver(prompt("gone", "t", ids(1, 20), 6));
        steps(1);
        assertThat(lane.slice).isNotNull();
        worker().deliver(LocalCluster.drop("gone", 1));
        assertThat(worker().fake().live).as("its KV cache is free at once").hasSize(1);
        worker().deliver(prompt("r0", "t", ids(3, 20), 6));
        steps(1);
        assertThat(lane.started).as("one batch of a tenant at once").isOne();
        lane.work();
        besideSteps(1);
        settle();
        assertTexts(List.of(ids(3, 20)), 6);
        assertThat(cluster.generated("gone")).isEmpty();
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldTakeTheLaneAwayWhereStepsAreSlowedDownAndLeaveTheGapsOpen() {
        besideSteps(1.5);
        critical("c", 400);
        steps(8);
        for (int i = 0; i < 200; i++) {
            worker().deliver(prompt("b" + i, "t" + i, ids(i, 20), 1));
        }
        steps(60);
        assertThat(worker().sharing.view(cluster.clock.get())).satisfies(view -> {
            assertThat(view.sideLanes()).isZero();
            assertThat(view.usualSlowdown()).isGreaterThan(1.3);
            assertThat(view.violations()).as("one step was enough").isBetween(1L, 2L);
            assertThat(view.quota()).as("above the knee, so the gaps are open").isGreaterThan(0.5);
        });
        int before = lane.started;
        steps(20);
        assertThat(lane.started).isEqualTo(before);
    }

    @Test
    void shouldLoseNothingWhenALaneDiesOrIsClosed() {
        critical("c", 30);
        steps(8);
        worker().deliver(prompt("r0", "t", ids(1, 20), 6));
        steps(1);
        assertThat(lane.slice).isNotNull();
        worker().lanes.close();
        settle();
        assertTexts(List.of(ids(1, 20)), 6);
        assertThat(lane.started).as("a dead lane gets nothing").isOne();
    }
}
