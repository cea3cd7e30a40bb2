package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Slices beside latency-critical work on a device that otherwise runs one thing at a time. */
class SideLanesTest {
    private static final GateSettings DEVICE =
            new GateSettings(1, false, 1, 100_000, 4, 1, 4_000_000, 8_000_000, 6_400_000).withSideLanes(2);
    private static final SliceOffer A = offer("a");
    private static final SliceOffer B = offer("b");
    private static final SliceOffer C = offer("c");

    private final SliceGate gate = new SliceGate(DEVICE);
    private long now = 1_000_000_000L;

    private static SliceOffer offer(String tenant) {
        return new SliceOffer(new TenantId(tenant), 1, "decode/1", 10, 1, 0);
    }

    private void limits(double quota, int sideLanes) {
        gate.limits(new SharingLimits(1, quota, 1_000_000, 1, Long.MAX_VALUE).withSideLanes(sideLanes), now);
    }

    private void criticalRuns() {
        gate.criticalArrived(now);
        gate.criticalStarted(now);
    }

    private RunningSlice start(SliceOffer... offers) {
        GateDecision decision = gate.nextBeside(List.of(offers), now);
        assertThat(decision).isInstanceOf(GateDecision.Start.class);
        return ((GateDecision.Start) decision).slice();
    }

    private void refuses(SliceOffer... offers) {
        assertThat(gate.nextBeside(List.of(offers), now)).isInstanceOf(GateDecision.Wait.class);
    }

    @Test
    void shouldRunSoManySlicesBesideLatencyCriticalWorkAsTheLimitsSay() {
        limits(1, 2);
        refuses(A);
        criticalRuns();
        assertThat(gate.next(List.of(A), now)).as("the gaps are closed").isInstanceOf(GateDecision.Wait.class);
        RunningSlice first = start(A, B, C);
        assertThat(first.tenant()).isEqualTo(A.tenant());
        RunningSlice second = start(B, C);
        assertThat(gate.sideLanesHeld()).isEqualTo(2);
        refuses(C);
        now += 5_000_000;
        gate.finishedBeside(first.id(), now);
        assertThat(start(A, C).tenant()).as("who has had nothing goes first").isEqualTo(C.tenant());
        gate.finishedBeside(second.id(), now);
        assertThatThrownBy(() -> gate.finishedBeside(second.id(), now)).hasMessageContaining("no side lane");
    }

    @Test
    void shouldAllowNothingBesideUpToTheKneeAndThrottleTheGapsThere() {
        limits(0.5, 2);
        criticalRuns();
        refuses(A);
        gate.quota(0.51, now);
        RunningSlice slice = start(A);
        assertThat(gate.mustYield(slice.id(), now)).isFalse();
        gate.quota(0.5, now);
        assertThat(gate.mustYield(slice.id(), now)).isTrue();
        assertThat(DEVICE.timeShare(0.5)).isEqualTo(1);
        assertThat(DEVICE.timeShare(0.25)).isEqualTo(0.5);
    }

    @Test
    void shouldTakeTheNewestAwayFirstWhereFewerLanesAreAllowed() {
        limits(1, 2);
        criticalRuns();
        RunningSlice first = start(A);
        RunningSlice second = start(B);
        gate.sideLanes(1, now);
        assertThat(gate.mustYield(first.id(), now)).isFalse();
        assertThat(gate.mustYield(second.id(), now)).isTrue();
        gate.quota(0, now);
        assertThat(gate.mustYield(first.id(), now))
                .as("at a quota of 0 everything stops")
                .isTrue();
    }

    @Test
    void shouldHoldNobodyBackForALongSliceBeside() {
        limits(1, 1);
        criticalRuns();
        RunningSlice slice = start(A);
        now += 3_000_000_000L;
        gate.finishedBeside(slice.id(), now);
        gate.criticalFinished(now);
        now += 10_000_000;
        assertThat(gate.next(List.of(A), now)).isInstanceOf(GateDecision.Start.class);
    }

    @Test
    void shouldGiveATenantOneSliceAtOnce() {
        limits(1, 2);
        criticalRuns();
        start(A);
        refuses(A);
    }

    @Test
    void shouldStopEverythingWhenLimitsEnd() {
        gate.limits(new SharingLimits(1, 1, 1_000_000, 1, now + 1_000).withSideLanes(2), now);
        criticalRuns();
        RunningSlice slice = start(A);
        now += 1_000;
        assertThat(gate.mustYield(slice.id(), now)).isTrue();
        refuses(B);
    }

    @Test
    void shouldRefuseSideLanesOfADeviceThatIsDivided() {
        assertThatThrownBy(() -> GateSettings.spatial(4).withSideLanes(1)).hasMessageContaining("not divided");
    }
}
