package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.core.sharing.TenantLevel;
import io.sluice.records.GroupUse;
import io.sluice.records.SharingReport;
import io.sluice.worker.sharing.SharingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches of different tenants side by side in the gaps, on two lanes that compute when the test says. */
final class PoolLoopTest extends OnBestEffortCluster {
    private final List<HandLane> lanes = new ArrayList<>();

    @BeforeEach
    void twoLanesOnTwoCores() {
        cluster.bestEffort = SharingSettings.DEFAULT.withCores(2);
        cluster.pools = true;
        cluster.lanes = IntStream.range(0, 2)
                .<SideLane.Opener>mapToObj(number -> back -> {
                    lanes.add(new HandLane(number, back));
                    return lanes.getLast();
                })
                .toList();
        stages(1);
        worker().fake().onBeside = () -> cluster.clock.addAndGet(LAYER);
        worker().fake().onHead = parts -> cluster.clock.addAndGet(parts * LAYER);
        allowPools("t", "u");
    }

    private Member worker() {
        return cluster.first();
    }

    /** All kernel groups of these tenants on a core each. */
    private void allowPools(String... tenants) {
        allowPools(Long.MAX_VALUE, List.of(), tenants);
    }

    private void allowPools(long untilNanos, List<TenantLevel> levels, String... tenants) {
        List<GroupPool> groups = Stream.of(tenants)
                .flatMap(tenant -> Stream.of("prefill", "steps", "decode")
                        .map(group -> new GroupPool(new KernelGroup(new TenantId(tenant), group), 1)))
                .toList();
        cluster.limit(new SharingLimits(++epoch, 1, 8 * LAYER, 1, untilNanos, levels, 0, groups));
    }

    private void critical(String session, int tokens) {
        worker().deliver(cluster.prompt(session, 1, ids(session.hashCode(), 3), tokens));
    }

    private boolean work() {
        boolean any = false;
        for (HandLane lane : lanes) {
            any |= lane.work();
        }
        return any;
    }

    /** Everything goes on until nothing is left. */
    private void settleOnLanes() {
        do {
            settle();
        } while (work());
    }

    /** Steps until a slice is out on each lane. */
    private void untilBothAreOut() {
        for (int i = 0; i < 200; i++) {
            worker().receive();
            worker().loop.step();
            if (lanes.stream().allMatch(lane -> lane.slice != null)) {
                return;
            }
            work();
            cluster.clock.addAndGet(LAYER);
        }
        assertThat(lanes).allSatisfy(lane -> assertThat(lane.slice).isNotNull());
    }

    private void twoTenants(int tokens) {
        worker().deliver(prompt("r0", "t", ids(1, 20), tokens));
        worker().deliver(prompt("r1", "u", ids(2, 5), tokens));
    }

    private void assertTwoTexts(int tokens) {
        assertTexts(List.of(ids(1, 20), ids(2, 5)), tokens);
        assertThat(cluster.failures).isEmpty();
        assertThat(worker().fake().live).isEmpty();
        assertThat(worker().fake().underWay()).isZero();
        assertThat(worker().lanes.busy()).isFalse();
        assertThat(worker().sharing.view(cluster.clock.get()).lanesHeld()).isZero();
    }

    @Test
    void shouldRunTwoTenantsSideBySideAndGenerateTheSame() {
        twoTenants(12);
        untilBothAreOut();
        assertThat(lanes.stream().map(lane -> lane.slice.tenant.id.value())).containsExactlyInAnyOrder("t", "u");
        settleOnLanes();

        assertTwoTexts(12);
        assertThat(worker().sharing.view(cluster.clock.get())).satisfies(view -> {
            assertThat(view.pooledSlices()).isGreaterThan(20);
            assertThat(view.pooledGroups()).isEqualTo(6);
            assertThat(view.poolSwitches()).isOne();
        });
    }

    @Test
    void shouldWaitForItsLanesWithoutTurning() {
        twoTenants(12);
        untilBothAreOut();
        assertThat(worker().loop.step()).isFalse();
        assertThat(worker().loop.untilReadyNanos()).as("a lane wakes it").isEqualTo(Long.MAX_VALUE);
        lanes.getFirst().work();
        worker().loop.step();
        assertThat(lanes.getFirst().slice).as("the next slice").isNotNull();
        settleOnLanes();
        assertTwoTexts(12);
    }

    @Test
    void shouldGiveTheWholeDeviceToATenantThatIsAlone() {
        worker().deliver(prompt("r0", "t", ids(1, 20), 12));
        settle();
        assertThat(lanes).allSatisfy(lane -> assertThat(lane.started).isZero());
        assertTexts(List.of(ids(1, 20)), 12);
    }

    @Test
    void shouldGiveTheWholeDeviceToATenantWhoseNeighbourIsNotAllowedAnything() {
        allowPools(Long.MAX_VALUE, List.of(new TenantLevel(new TenantId("u"), 0, 8 * LAYER, 1)), "t", "u");
        twoTenants(6);
        settle();
        assertThat(lanes).allSatisfy(lane -> assertThat(lane.started).isZero());
        assertThat(cluster.generated("r0")).isEqualTo(FakeStageRunner.expected(ids(1, 20), 6));
        assertThat(cluster.generated("r1")).isEmpty();
        allowPools("t", "u");
        settleOnLanes();
        assertTwoTexts(6);
    }

    @Test
    void shouldGiveTheWholeDeviceToATenantWhoseNeighbourHasUsedItsShare() {
        allowPools(Long.MAX_VALUE, List.of(new TenantLevel(new TenantId("u"), 0.01, 8 * LAYER, 1)), "t", "u");
        worker().deliver(prompt("r1", "u", ids(2, 60), 30), prompt("r0", "t", ids(1, 20), 200));
        int wholeWhileBothHadWork = 0;
        for (int i = 0; i < 400 && cluster.generated("r0").size() < 200; i++) {
            int before = worker().fake().resumed.size();
            worker().receive();
            worker().loop.step();
            boolean out = work();
            cluster.clock.addAndGet(1_000);
            wholeWhileBothHadWork += !out && worker().fake().resumed.size() > before ? 1 : 0;
        }
        assertThat(cluster.generated("r1").size()).as("it has work left").isLessThan(30);
        assertThat(wholeWhileBothHadWork).isGreaterThan(10);
    }

    @Test
    void shouldRunTheRestOnTheWholeDeviceWhenTheOtherTenantHasLeft() {
        worker().deliver(prompt("r0", "t", ids(1, 20), 200), prompt("r1", "u", ids(2, 5), 4));
        while (cluster.generated("r1").size() < 4) {
            worker().receive();
            worker().loop.step();
            work();
            cluster.clock.addAndGet(1_000);
        }
        int left = 200 - cluster.generated("r0").size();
        int started = lanes.stream().mapToInt(lane -> lane.started).sum();
        assertThat(started).isPositive();
        settleOnLanes();
        assertTexts(List.of(ids(1, 20)), 200);
        assertThat(left).isGreaterThan(100);
        assertThat(lanes.stream().mapToInt(lane -> lane.started).sum()).isLessThanOrEqualTo(started + 1);
    }

    @Test
    void shouldLetLatencyCriticalWorkStartAtOnceAndStopTheLanesAfterTheUnitAtHand() {
        twoTenants(12);
        untilBothAreOut();
        critical("c", 1);
        int[] units = {0};
        worker().fake().onLayers = layers -> {
            // The lanes compute while the latency-critical batch does: they come back at once.
            lanes.forEach(lane -> {
                SideSlice slice = lane.slice;
                units[0] += lane.work() ? slice.units() : 0;
            });
            cluster.clock.addAndGet(layers * LAYER);
        };
        long before = cluster.clock.get();
        assertThat(worker().loop.step()).isTrue();
        assertThat(cluster.generated("c")).hasSize(1);
        assertThat(units[0]).as("no unit begins beside it").isZero();
        assertThat(cluster.clock.get() - before)
                .as("nothing but its own layers and head")
                .isEqualTo((FakeStageRunner.LAYERS) * LAYER);
        worker().fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER);
        settleOnLanes();
        assertTwoTexts(12);
    }

    @Test
    void shouldCountWhatRanIntoALatencyCriticalBatchAsBesideItAndNotAsOfThePool() {
        twoTenants(40);
        untilBothAreOut();
        work();
        worker().loop.step();
        worker().sharing.take(cluster.clock.get());
        untilBothAreOut();
        double before = worker().sharing.view(cluster.clock.get()).besideUnits();
        critical("c", 1);
        SideSlice out = lanes.getFirst().slice;
        boolean[] arrived = {false};
        // The unit at hand: the latency-critical batch starts in its middle, and ends before it.
        worker().fake().onBeside = () -> {
            cluster.clock.addAndGet(LAYER / 2);
            if (!arrived[0]) {
                arrived[0] = true;
                assertThat(worker().loop.step()).isTrue();
            }
            cluster.clock.addAndGet(LAYER / 2);
        };
        lanes.getFirst().work();
        assertThat(cluster.generated("c")).hasSize(1);
        assertThat(out.units()).isPositive();
        worker().loop.step();
        assertThat(worker().sharing.view(cluster.clock.get()).besideUnits()).isGreaterThan(before);
        SharingReport report = worker().sharing.take(cluster.clock.get());
        assertThat(report.getGroups())
                .noneSatisfy(use -> assertThat(use.getTenant()).isEqualTo(out.tenant.id.value()));
        worker().fake().onBeside = () -> cluster.clock.addAndGet(LAYER);
        settleOnLanes();
        assertTwoTexts(40);
    }

    @Test
    void shouldStopWhenTheLimitsEndAndGoOnWithNewOnes() {
        allowPools(cluster.clock.get() + 1_000 * LAYER, List.of(), "t", "u");
        twoTenants(12);
        untilBothAreOut();
        cluster.clock.addAndGet(2_000 * LAYER);
        List<SideSlice> out = lanes.stream().map(lane -> lane.slice).toList();
        work();
        assertThat(out).allSatisfy(slice -> assertThat(slice.units()).isZero());
        assertThat(worker().loop.step()).isFalse();
        assertThat(worker().loop.untilReadyNanos()).isEqualTo(Long.MAX_VALUE);
        assertThat(worker().sharing.view(cluster.clock.get()).lanesHeld()).isZero();
        allowPools("t", "u");
        settleOnLanes();
        assertTwoTexts(12);
    }

    @Test
    void shouldGoOnOnTheWholeDeviceWhenTheLimitsTakeThePoolsAway() {
        twoTenants(12);
        untilBothAreOut();
        allow(8 * LAYER);
        assertThat(worker().loop.step()).as("the whole device is not free yet").isFalse();
        List<SideSlice> out = lanes.stream().map(lane -> lane.slice).toList();
        work();
        assertThat(out).as("called back").allSatisfy(slice -> assertThat(slice.units())
                .isZero());
        int started = lanes.stream().mapToInt(lane -> lane.started).sum();
        settle();
        assertTwoTexts(12);
        assertThat(lanes.stream().mapToInt(lane -> lane.started).sum()).isEqualTo(started);
        assertThat(worker().sharing.view(cluster.clock.get()).poolSwitches()).isEqualTo(2);
    }

    @Test
    void shouldFailOnlyTheGuiltySessionOfABatchThatFailsOnAPool() {
        List<Integer> bad = List.of(11);
        twoTenants(12);
        untilBothAreOut();
        worker().deliver(prompt("bad", "t", bad, 6));
        worker().fake().poison = 11f;
        settleOnLanes();
        assertThat(cluster.failures).extracting(LocalCluster.Failure::session).contains("bad");
        assertThat(worker().fake().underWay()).isZero();
        assertThat(worker().fake().live).isEmpty();
    }

    @Test
    void shouldForgetASessionWhoseBatchIsOutOnAPool() {
        twoTenants(12);
        untilBothAreOut();
        worker().deliver(LocalCluster.drop("r0", 1));
        assertThat(worker().fake().live).as("its KV cache is free at once").hasSize(1);
        settleOnLanes();
        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(ids(2, 5), 12));
        assertThat(cluster.generated("r0")).isEmpty();
        assertThat(cluster.failures).isEmpty();
        assertThat(worker().fake().underWay()).isZero();
        assertThat(worker().sharing.view(cluster.clock.get()).lanesHeld()).isZero();
    }

    @Test
    void shouldLoseNothingWhenTheLanesAreClosedOrOneOfThemDies() {
        twoTenants(12);
        untilBothAreOut();
        int started = lanes.stream().mapToInt(lane -> lane.started).sum();
        lanes.getFirst().close();
        settleOnLanes();
        assertTwoTexts(12);
        assertThat(lanes.stream().mapToInt(lane -> lane.started).sum())
                .as("one core alone is no pool")
                .isEqualTo(started);
        worker().lanes.close();
        worker().deliver(prompt("r2", "t", ids(3, 20), 4), prompt("r3", "u", ids(4, 20), 4));
        settle();
        assertThat(cluster.generated("r3")).isEqualTo(FakeStageRunner.expected(ids(4, 20), 4));
    }

    @Test
    void shouldTellWhatEachKernelGroupDidOnHowManyCores() {
        allow(8 * LAYER);
        twoTenants(8);
        settle();
        SharingReport whole = worker().sharing.take(cluster.clock.get());
        assertThat(whole.getPoolLanes()).containsExactly(1, 2);
        assertThat(whole.getGroups())
                .allSatisfy(use -> assertThat(use.getLanes()).isEqualTo(2));
        assertThat(whole.getGroups())
                .extracting(GroupUse::getTenant, GroupUse::getGroup)
                .extracting(Object::toString)
                .contains("(\"t\", \"prefill\")", "(\"t\", \"decode\")", "(\"u\", \"decode\")");

        allowPools("t", "u");
        worker().deliver(prompt("r2", "t", ids(3, 20), 8), prompt("r3", "u", ids(4, 20), 8));
        settleOnLanes();
        SharingReport pooled = worker().sharing.take(cluster.clock.get());
        List<GroupUse> onCores =
                pooled.getGroups().stream().filter(use -> use.getLanes() == 1).toList();
        assertThat(onCores).hasSizeGreaterThan(2).allSatisfy(use -> {
            assertThat(use.getUnits()).isPositive();
            assertThat(use.getRunNs() % LAYER).as("whole units").isZero();
        });
        assertThat(worker().sharing.take(cluster.clock.get()).getGroups()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldGenerateTheSameWhateverComesBetween(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> prompts = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            prompts.add(ids(random.nextInt(), 1 + random.nextInt(90)));
            worker().deliver(
                            random.nextInt(4) == 0
                                    ? cluster.prompt("r" + i, 1, prompts.get(i), 9)
                                    : prompt(
                                            "r" + i, List.of("t", "u", "v").get(random.nextInt(3)), prompts.get(i), 9));
            for (int step = random.nextInt(30); step > 0; step--) {
                if (random.nextInt(8) == 0) {
                    allowPools(cluster.clock.get() + random.nextInt(200) * LAYER, List.of(), "t", "u");
                } else if (random.nextInt(8) == 0) {
                    allow(random.nextInt(4) * LAYER);
                }
                if (random.nextBoolean()) {
                    lanes.get(random.nextInt(2)).work();
                }
                worker().receive();
                worker().loop.step(() -> random.nextInt(3) == 0);
            }
        }
        allowPools("t", "u");
        settleOnLanes();

        assertTexts(prompts, 9);
        assertThat(cluster.failures).isEmpty();
        assertThat(worker().fake().live).isEmpty();
        assertThat(worker().sharing.view(cluster.clock.get()).lanesHeld()).isZero();
    }
}
