package io.sluice.core.sharing;

import static io.sluice.core.sharing.GateSteps.BOUND;
import static io.sluice.core.sharing.GateSteps.FOREVER;
import static io.sluice.core.sharing.GateSteps.SECOND;
import static io.sluice.core.sharing.GateSteps.offer;
import static io.sluice.core.sharing.GateSteps.prove;
import static io.sluice.core.sharing.GateSteps.refused;
import static io.sluice.core.sharing.GateSteps.started;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The gate of a device whose slices stop between their units. */
final class StoppingSliceGateTest {
    /** A device that stops after any unit: turns of 1,000 ns, overruns from twice the bound on. */
    private static SliceGate stoppingGate(long boundNanos) {
        SliceGate gate = new SliceGate(new GateSettings(1, false, 1, 50, 2, 1, SECOND, 1_000, 50));
        gate.limits(new SharingLimits(1, 1, boundNanos, 1, FOREVER), 0);
        return gate;
    }

    @Test
    void shouldTakeATurnOfUnitsWhereTheDeviceStopsBetweenThem() {
        SliceGate gate = stoppingGate(15);
        long now = prove(gate, "a", 1, 0);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
        assertThat(slice.units()).as("the bound is for a unit of 10 ns").isEqualTo(100);
        assertThat(gate.mustYield(slice.id(), now + 900)).isFalse();
        gate.criticalArrived(now + 901);
        assertThat(gate.mustYield(slice.id(), now + 901)).isTrue();
        assertThat(gate.finished(slice.id(), 91, now + 910)).isZero();
        assertThat(gate.counters(now + 910).overruns()).isZero();
    }

    @Test
    void shouldLetTheSmallestUnitRunThoughItIsLongerThanTheBoundWhereTheDeviceStopsBetweenUnits() {
        SliceGate gate = stoppingGate(9);
        long now = prove(gate, "a", 1, 0);
        assertThat(gate.unitNanos(new TenantId("a"), "k", 1)).isEqualTo(10);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
        assertThat(gate.finished(slice.id(), slice.units(), now + 10 * slice.units()))
                .isZero();
    }

    @Test
    void shouldJudgeByUnitsWhereTheDeviceStopsBetweenThem() {
        SliceGate gate = stoppingGate(15);
        long now = prove(gate, "a", 1, 0);
        RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
        now += 3 * 40;
        assertThat(gate.finished(slice.id(), 3, now))
                .as("3 of %d units took 40 ns each", slice.units())
                .isPositive();
        assertThat(gate.counters(now).overruns()).isEqualTo(1);
    }

    @Test
    void shouldNotBelieveAccidentsWhereTheDeviceStopsBetweenUnits() {
        SliceGate gate = stoppingGate(15);
        long now = prove(gate, "a", 1, 0);
        for (int i = 0; i < 50; i++) {
            RunningSlice slice = started(gate.next(List.of(offer("a", 1)), now));
            now += i % 3 == 0 ? 29 : 10;
            assertThat(gate.finished(slice.id(), 1, now)).isZero();
        }
        assertThat(gate.unitNanos(new TenantId("a"), "k", 1)).isEqualTo(10);
    }

    @Test
    void shouldLeaveTheTimesBetweenStepsAloneWhereMostOfTheIdleTimeIsBetweenRequests() {
        SliceGate gate = new SliceGate(new GateSettings(1, false, 1, 50, 2, 1, SECOND, 1_000, 6_400));
        gate.limits(new SharingLimits(1, 1, BOUND, 1, FOREVER), 0);
        long now = prove(gate, "a", 1, 0);
        for (int request = 0; request < 4; request++) {
            for (int step = 0; step < 10; step++) {
                gate.criticalArrived(now);
                gate.criticalStarted(now);
                now += 2_000;
                gate.criticalFinished(now);
                now += step < 9 ? 300 : 100_000;
            }
        }
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        gate.criticalFinished(now);
        Wait wait = refused(gate.next(List.of(offer("a", 1)), now + 300));
        assertThat(wait.reason()).isEqualTo(Reason.NOT_IDLE_YET);
        assertThat(wait.until()).isGreaterThan(now + 300);
        started(gate.next(List.of(offer("a", 1)), wait.until()));
    }
}
