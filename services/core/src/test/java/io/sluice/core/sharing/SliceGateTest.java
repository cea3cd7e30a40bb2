package io.sluice.core.sharing;

import static io.sluice.core.sharing.GateSteps.BOUND;
import static io.sluice.core.sharing.GateSteps.FOREVER;
import static io.sluice.core.sharing.GateSteps.SECOND;
import static io.sluice.core.sharing.GateSteps.offer;
import static io.sluice.core.sharing.GateSteps.prove;
import static io.sluice.core.sharing.GateSteps.refused;
import static io.sluice.core.sharing.GateSteps.started;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SliceGateTest {
    private static SliceGate spatialGate(double quota) {
        SliceGate gate = new SliceGate(new GateSettings(8, true, 0.2, 50, 1.5, 50, SECOND));
        gate.limits(new SharingLimits(1, quota, BOUND, 8, FOREVER), 0);
        return gate;
    }

    private static SliceGate temporalGate(double quota) {
        SliceGate gate = new SliceGate(new GateSettings(1, false, 1, 50, 1.5, 50, SECOND));
        gate.limits(new SharingLimits(1, quota, BOUND, 1, FOREVER), 0);
        return gate;
    }

    @Test
    void shouldStartNothingWithoutFreshLimits() {
        SliceGate gate = new SliceGate(GateSettings.temporal());
        assertThat(refused(gate.next(List.of(offer("a", 1)), 5)).reason()).isEqualTo(Reason.NO_FRESH_LIMITS);
        gate.limits(new SharingLimits(1, 1, BOUND, 1, 100), 5);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), 99));
        assertThat(gate.mustYield(slice.id(), 99)).isFalse();
        assertThat(gate.mustYield(slice.id(), 100)).as("what runs must yield").isTrue();
        gate.finished(slice.id(), 1, 101);
        assertThat(refused(gate.next(List.of(offer("a", 1)), 102)).reason()).isEqualTo(Reason.NO_FRESH_LIMITS);
    }

    @Test
    void shouldStartNothingWithAQuotaOfZero() {
        assertThat(refused(temporalGate(0).next(List.of(offer("a", 1)), 5)).reason())
                .isEqualTo(Reason.NOT_ALLOWED);
        assertThat(refused(spatialGate(0).next(List.of(offer("a", 1)), 5)).reason())
                .isEqualTo(Reason.NOT_ALLOWED);
    }

    @Test
    void shouldIgnoreLimitsOfAnOlderEpoch() {
        SliceGate gate = temporalGate(1);
        gate.limits(new SharingLimits(7, 0, BOUND, 1, FOREVER), 1);
        assertThat(gate.limits(new SharingLimits(6, 1, BOUND, 1, FOREVER), 2)).isFalse();
        assertThat(gate.limits().quota()).isZero();
    }

    @Test
    void shouldRaiseThePreemptFlagWhenLatencyCriticalWorkArrives() {
        SliceGate gate = temporalGate(1);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), 0));
        assertThat(gate.preempt(10)).isFalse();
        gate.criticalArrived(20);
        assertThat(gate.preempt(20)).isTrue();
        assertThat(gate.mustYield(slice.id(), 20)).isTrue();
        gate.finished(slice.id(), 0, 50);
        gate.criticalStarted(50);
        gate.criticalFinished(150);
        GateCounters counters = gate.counters(150);
        assertThat(counters.drains()).isEqualTo(1);
        assertThat(counters.longestDrainNanos()).isEqualTo(30);
        assertThat(counters.criticalWaitNanos()).isEqualTo(30);
        assertThat(counters.causedWaitNanos()).isEqualTo(30);
        assertThat(counters.criticalServiceNanos()).isEqualTo(100);
        assertThat(counters.causedShare()).isEqualTo(1);
    }

    @Test
    void shouldNotBlameBestEffortWorkForAQueueOfRequests() {
        SliceGate gate = temporalGate(1);
        gate.criticalArrived(0);
        gate.criticalStarted(0);
        gate.criticalArrived(10);
        gate.criticalFinished(1_000);
        gate.criticalStarted(1_000);
        assertThat(gate.counters(1_000).criticalWaitNanos()).isEqualTo(990);
        assertThat(gate.counters(1_000).causedShare()).isZero();
    }

    @Test
    void shouldWaitForTheIdleHysteresis() {
        SliceGate gate = temporalGate(1);
        gate.criticalArrived(0);
        assertThat(refused(gate.next(List.of(offer("a", 1)), 0)).reason()).isEqualTo(Reason.CRITICAL_WORK);
        gate.criticalStarted(0);
        gate.criticalFinished(100);
        Wait wait = refused(gate.next(List.of(offer("a", 1)), 120));
        assertThat(wait.reason()).isEqualTo(Reason.NOT_IDLE_YET);
        assertThat(wait.until()).isEqualTo(150);
        started(gate.next(List.of(offer("a", 1)), wait.until()));
    }

    @Test
    void shouldRunBesideLatencyCriticalWorkOnTheLanesOfTheQuota() {
        // Knee at 0.2: of 0.6 a half of the rest is for lanes, 4 of 8.
        SliceGate gate = spatialGate(0.6);
        long now = prove(gate, "a", 8, 0);
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        RunningSlice slice = started(gate.next(List.of(offer("a", 8)), now));
        assertThat(slice.lanes()).isEqualTo(4);
        assertThat(gate.preempt(now)).isFalse();
        assertThat(refused(gate.next(List.of(offer("a", 8)), now)).reason()).isEqualTo(Reason.LANES_TAKEN);
        gate.quota(0.3, now);
        assertThat(gate.mustYield(slice.id(), now))
                .as("the quota fell below what it holds")
                .isTrue();
    }

    @Test
    void shouldNotTryUnknownWorkBesideLatencyCriticalWork() {
        SliceGate gate = spatialGate(1);
        gate.criticalArrived(0);
        gate.criticalStarted(0);
        assertThat(refused(gate.next(List.of(offer("a", 1)), 0)).reason()).isEqualTo(Reason.LENGTH_UNKNOWN);
    }

    @Test
    void shouldTakeOnlyTheNewestSlicesAway() {
        SliceGate gate = spatialGate(0.6);
        long now = prove(gate, "a", 3, 0);
        RunningSlice first = started(gate.next(List.of(offer("a", 3)), now));
        RunningSlice second = started(gate.next(List.of(offer("a", 3)), now));
        gate.criticalArrived(now + 1);
        assertThat(gate.mustYield(first.id(), now + 1)).isFalse();
        assertThat(gate.mustYield(second.id(), now + 1)).isTrue();
        gate.finished(second.id(), 1, now + 2);
        assertThat(gate.preempt(now + 2)).isFalse();
    }

    @Test
    void shouldTryOneUnitOfUnknownWorkAtATime() {
        SliceGate gate = spatialGate(1);
        RunningSlice probe = started(gate.next(List.of(offer("a", 1)), 0));
        assertThat(probe.probe()).isTrue();
        assertThat(probe.units()).isEqualTo(1);
        assertThat(refused(gate.next(List.of(offer("b", 1)), 0)).reason()).isEqualTo(Reason.LENGTH_UNKNOWN);
        gate.finished(probe.id(), 1, 10);
        started(gate.next(List.of(offer("b", 1)), 10));
    }

    @Test
    void shouldFillASliceUpToItsBound() {
        SliceGate gate = temporalGate(1);
        long now = prove(gate, "a", 1, 0);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
        assertThat(slice.units()).as("10 ns a unit, 100 us, 1,000 units ready").isEqualTo(1_000);
        gate.finished(slice.id(), 1_000, now + 10_000);
        gate.limits(new SharingLimits(2, 1, 500, 1, FOREVER), now + 10_000);
        assertThat(started(gate.next(List.of(offer("a", 1)), now + 10_000)).units())
                .isEqualTo(50);
    }

    @Test
    void shouldRefuseAUnitThatIsLongerThanTheBound() {
        SliceGate gate = temporalGate(1);
        SliceOffer honest = new SliceOffer(new TenantId("a"), 1, "k", 1, 1, BOUND + 1);
        assertThat(refused(gate.next(List.of(honest), 0)).reason()).isEqualTo(Reason.TOO_LONG);
        long now = prove(gate, "a", 1, 0);
        gate.limits(new SharingLimits(2, 1, 9, 1, FOREVER), now);
        assertThat(refused(gate.next(List.of(offer("a", 1)), now)).reason()).isEqualTo(Reason.TOO_LONG);
    }

    @Test
    void shouldHoldBackATenantWhoseSliceIsLongerThanItsBound() {
        SliceGate gate = temporalGate(1);
        long now = prove(gate, "a", 1, 0);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
        long late = now + 2 * BOUND;
        assertThat(gate.mustYield(slice.id(), late)).isTrue();
        long hold = gate.finished(slice.id(), 1, late);
        assertThat(hold).as("less the little it has kept").isBetween(50 * 2 * BOUND - 100, 50 * 2 * BOUND);
        Wait wait = refused(gate.next(List.of(offer("a", 1)), late));
        assertThat(wait).isEqualTo(new Wait(Reason.TENANT_HELD_BACK, late + hold));
        assertThat(gate.counters(late).overruns()).isEqualTo(1);
        assertThat(refused(gate.next(List.of(offer("new", 1)), late)).reason())
                .as("another name does not help")
                .isEqualTo(Reason.LENGTH_UNKNOWN);
        long again = late + hold;
        RunningSlice next = started(gate.next(List.of(offer("a", 1)), again));
        assertThat(gate.finished(next.id(), 1, again + 2 * BOUND)).as("doubled").isBetween(2 * hold, 2 * hold + 200);
    }

    @Test
    void shouldForgiveAnAccidentThatManySlicesWithinTheBoundHavePaidFor() {
        SliceGate gate = temporalGate(1);
        long now = prove(gate, "a", 1, 0);
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 110; i++) {
                RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
                now += BOUND;
                gate.finished(slice.id(), 10_000, now);
            }
            RunningSlice accident = started(gate.next(List.of(offer("a", 1)), now));
            now += 2 * BOUND;
            assertThat(gate.finished(accident.id(), 10_000, now)).isZero();
        }
        assertThat(gate.counters(now).overruns()).as("counted all the same").isEqualTo(5);
        RunningSlice another = started(gate.next(List.of(offer("a", 1)), now));
        assertThat(gate.finished(another.id(), 10_000, now + 2 * BOUND)).isPositive();
    }

    @Test
    void shouldKeepToTheShareOfTimeOnADeviceThatCannotBeDivided() {
        for (double quota : new double[] {0.1, 0.37, 0.8}) {
            GateDevice device = new GateDevice(3).limits(quota, FOREVER).tenant("a", 1, (s, u, r) -> 100 * u);
            device.run(SECOND, 0);
            assertThat(device.share("a", SECOND)).isCloseTo(quota, within(0.01));
        }
    }

    @Test
    void shouldShareByWeightAmongTenantsThatAreReady() {
        GateDevice device = new GateDevice(4)
                .limits(1, FOREVER)
                .tenant("one", 1, (s, u, r) -> 100 * u)
                .tenant("three", 3, (s, u, r) -> 700 * u + r.nextInt(50));
        device.run(SECOND, 0.5);
        double one = device.share("one", SECOND);
        double three = device.share("three", SECOND);
        assertThat(three / one).isCloseTo(3, within(0.1));
        assertThat(one + three).isGreaterThan(0.35);
    }

    @Test
    void shouldNotLetATenantSaveUpTimeWhileItIsAway() {
        SliceGate gate = temporalGate(1);
        long now = prove(gate, "b", 1, prove(gate, "a", 1, 0));
        for (int i = 0; i < 100; i++) {
            RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
            now += 10_000;
            gate.finished(slice.id(), 1_000, now);
        }
        int b = 0;
        for (int i = 0; i < 20; i++) {
            RunningSlice slice = started(gate.next(List.of(offer("a", 1), offer("b", 1)), now));
            b += slice.tenant().value().equals("b") ? 1 : 0;
            now += 10_000;
            gate.finished(slice.id(), 1_000, now);
        }
        assertThat(b).isBetween(9, 11);
    }

    @Test
    void shouldKeepATenantToItsLevel() {
        SliceGate gate = new SliceGate(GateSettings.spatial(8));
        TenantLevel half = new TenantLevel(new TenantId("a"), 1, BOUND / 10, 2);
        TenantLevel none = new TenantLevel(new TenantId("b"), 0, BOUND, 8);
        gate.limits(new SharingLimits(1, 1, BOUND, 8, FOREVER, List.of(half, none)), 0);
        long now = prove(gate, "a", 8, 0);
        RunningSlice slice = started(gate.next(List.of(offer("a", 8), offer("b", 8)), now));
        assertThat(slice.tenant()).isEqualTo(new TenantId("a"));
        assertThat(slice.lanes()).isEqualTo(2);
        assertThat(slice.boundNanos()).isEqualTo(BOUND / 10);
        assertThat(refused(gate.next(List.of(offer("b", 8)), now)).reason()).isEqualTo(Reason.NOT_ALLOWED);
        assertThat(refused(gate.next(List.of(offer("a", 8)), now)).reason()).isEqualTo(Reason.LANES_TAKEN);
    }

    @Test
    void shouldBoundWhatHostileTenantsTakeWhateverTheyClaim() {
        for (long seed = 0; seed < 4; seed++) {
            GateDevice device = new GateDevice(seed)
                    .limits(1, FOREVER)
                    .tenant("honest", 1, (s, u, r) -> 100 * u)
                    // Short until it is known, then huge.
                    .tenant("liar", 1, (s, u, r) -> u == 1 ? 100 : 20_000_000)
                    .tenant("huge", 1, (s, u, r) -> 50_000_000)
                    .tenant("moody", 1, (s, u, r) -> r.nextInt(4) == 0 ? r.nextInt(9_000_000) : 100 * u)
                    .renamingTenant("renaming", (s, u, r) -> 30_000_000);
            long end = 10 * SECOND;
            device.run(end, 0.3);
            double slice = 50e6 / end;
            for (String tenant : List.of("liar", "huge", "moody", "renaming")) {
                assertThat(device.overShare(tenant, end))
                        .as("seed %d, %s", seed, tenant)
                        .isLessThanOrEqualTo(1 / (1 + GateSettings.HOLD_FACTOR) + slice);
            }
            assertThat(device.share("honest", end)).isGreaterThan(0.3);
        }
    }

    @Test
    void shouldNeverStartWhereALaterCheckWouldForbidIt() {
        SplittableRandom random = new SplittableRandom(9);
        for (int round = 0; round < 200; round++) {
            SliceGate gate = new SliceGate(new GateSettings(8, true, 0.2, 50, 1.5, 50, SECOND));
            List<SliceOffer> offers = List.of(offer("a", 3), offer("b", 5));
            int critical = 0;
            long now = 0;
            for (int i = 0; i < 300; i++) {
                now += random.nextInt(60);
                switch (random.nextInt(6)) {
                    case 0 ->
                        gate.limits(
                                new SharingLimits(
                                        i, random.nextDouble(), BOUND, random.nextInt(9), now + random.nextInt(900)),
                                now);
                    case 1 -> {
                        gate.criticalArrived(now);
                        gate.criticalStarted(now);
                        critical++;
                    }
                    case 2 -> {
                        if (critical > 0) {
                            gate.criticalFinished(now);
                            critical--;
                        }
                    }
                    case 3 -> {
                        if (!gate.running().isEmpty()) {
                            gate.finished(gate.running().getFirst().id(), 1, now);
                        }
                    }
                    default -> {
                        if (gate.next(offers, now) instanceof Start start) {
                            SharingLimits limits = gate.limits();
                            int held = gate.running().stream()
                                    .mapToInt(RunningSlice::lanes)
                                    .sum();
                            assertThat(limits.freshAt(now)).isTrue();
                            assertThat(limits.quota()).isPositive();
                            assertThat(held).isLessThanOrEqualTo(limits.lanes());
                            assertThat(gate.mustYield(start.slice().id(), now)).isFalse();
                            if (critical > 0) {
                                assertThat((double) held / 8).isLessThanOrEqualTo(limits.quota());
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void shouldServeMoreTenantsThanItRemembers() {
        SliceGate gate = temporalGate(1);
        List<SliceOffer> offers =
                IntStream.range(0, 200).mapToObj(i -> offer("t" + i, 1)).toList();
        for (int i = 0; i < 500; i++) {
            RunningSlice slice = started(gate.next(offers, 20L * i));
            assertThat(gate.finished(slice.id(), 1, 20L * i + 10)).isZero();
        }
    }

    @Test
    void shouldNotMindAClockThatGoesBack() {
        SliceGate gate = temporalGate(0.5);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), 1_000));
        gate.finished(slice.id(), 1, 400);
        assertThat(gate.counters(300).bestEffortNanos()).isZero();
    }

    @Test
    void shouldRejectEventsThatCannotHaveHappened() {
        SliceGate gate = temporalGate(1);
        assertThatThrownBy(() -> gate.criticalFinished(0)).hasMessageContaining("never started");
        assertThatThrownBy(() -> gate.criticalStarted(0)).hasMessageContaining("never arrived");
        assertThatThrownBy(() -> gate.finished(9, 1, 0)).hasMessageContaining("slice 9 is not running");
        assertThatThrownBy(() -> new SharingLimits(1, Double.NaN, 1, 1, 1)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new GateSettings(1, true, 0, 0, 1, 1, 1)).hasMessageContaining("cannot be divided");
        assertThatThrownBy(() -> new GateSettings(1, false, 1, 50, 2, 1, SECOND, 0, 49))
                .hasMessageContaining("longest idle hysteresis is 49 ns");
    }
}
