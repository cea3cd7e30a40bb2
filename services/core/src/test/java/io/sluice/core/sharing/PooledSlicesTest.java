package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Start;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Slices side by side in the gaps of a device that otherwise runs one thing at a time. */
class PooledSlicesTest {
    private static final long UNIT = 100_000;
    private static final long BOUND = 1_000_000;
    private static final long TURN = 8_000_000;
    /** As a worker on two cores has it. */
    private static final GateSettings DEVICE =
            new GateSettings(1, false, 1, 100_000, 4, 1, 400_000_000, TURN, 6_400_000).withSideLanes(2);

    private SliceGate gate = new SliceGate(DEVICE);
    private long now = 1_000_000_000L;

    private static SliceOffer offer(String tenant) {
        return new SliceOffer(new TenantId(tenant), 1, "decode/1", 1_000, 1, 0);
    }

    private static SliceOffer pool(String tenant) {
        return new SliceOffer(new TenantId(tenant), 1, "decode/1@1", 1_000, 1, 0);
    }

    private void limits(double quota, int sideLanes, TenantLevel... levels) {
        gate.limits(new SharingLimits(1, quota, BOUND, 1, Long.MAX_VALUE, List.of(levels), sideLanes, List.of()), now);
    }

    private GateDecision next(List<SliceOffer> whole, List<SliceOffer> pooled) {
        return gate.next(whole, pooled, now);
    }

    private RunningSlice start(List<SliceOffer> whole, List<SliceOffer> pooled) {
        return GateSteps.started(next(whole, pooled));
    }

    private Wait refused(List<SliceOffer> whole, List<SliceOffer> pooled) {
        return GateSteps.refused(next(whole, pooled));
    }

    /** Lets the pooled kind of a tenant, or its other one, become known, at 0.1 ms a unit; then all are even. */
    private void prove(SliceOffer... offers) {
        for (SliceOffer offer : offers) {
            boolean onPool = offer.kind().endsWith("@1");
            for (int i = 0; i < SliceProfile.PROVEN; i++) {
                RunningSlice slice = onPool ? start(List.of(), List.of(offer)) : start(List.of(offer), List.of());
                assertThat(slice.probe()).isTrue();
                assertThat(slice.units()).isEqualTo(1);
                now += UNIT;
                assertThat(gate.finished(slice.id(), 1, now)).isZero();
            }
        }
    }

    @Test
    void shouldRunAsManySlicesSideBySideAsThereAreLanes() {
        limits(1, 0);
        prove(pool("a"), pool("b"), pool("c"));
        List<SliceOffer> all = List.of(pool("a"), pool("b"), pool("c"));
        RunningSlice first = start(List.of(), all);
        assertThat(first.pooled()).isTrue();
        assertThat(first.units()).as("a turn of them").isEqualTo(TURN / UNIT);
        RunningSlice second = start(List.of(), List.of(pool("b"), pool("c")));
        assertThat(second.tenant()).isNotEqualTo(first.tenant());
        assertThat(gate.sideLanesHeld()).isEqualTo(2);
        assertThat(refused(List.of(), List.of(pool("c"))).reason()).isEqualTo(Reason.LANES_TAKEN);
        now += TURN;
        gate.finished(first.id(), first.units(), now);
        assertThat(start(List.of(), List.of(pool("c"))).tenant()).isEqualTo(new TenantId("c"));
    }

    @Test
    void shouldGiveATenantOneSliceAtOnce() {
        limits(1, 0);
        prove(pool("a"));
        start(List.of(), List.of(pool("a")));
        assertThat(refused(List.of(), List.of(pool("a"))).reason()).isEqualTo(Reason.LANES_TAKEN);
        assertThat(refused(List.of(offer("a")), List.of()).reason()).isEqualTo(Reason.LANES_TAKEN);
    }

    @Test
    void shouldDrainTheLanesForWhatNeedsAllOfTheDeviceWhenItIsItsTurn() {
        limits(1, 0);
        prove(pool("a"), pool("b"), offer("w"));
        now += 1_000;
        RunningSlice a = start(List.of(), List.of(pool("a"), pool("b")));
        RunningSlice b = start(List.of(), List.of(pool("b")));
        now += TURN;
        gate.finished(a.id(), a.units(), now);
        assertThat(refused(List.of(offer("w")), List.of(pool("a"))).reason())
                .as("w has had nothing, and a lane is taken")
                .isEqualTo(Reason.LANES_TAKEN);
        gate.finished(b.id(), b.units(), now);
        RunningSlice whole = start(List.of(offer("w")), List.of(pool("a"), pool("b")));
        assertThat(whole.pooled()).isFalse();
        assertThat(whole.tenant()).isEqualTo(new TenantId("w"));
        assertThat(refused(List.of(), List.of(pool("a"))).reason()).isEqualTo(Reason.LANES_TAKEN);
    }

    @Test
    void shouldStartNothingOnPoolsWhereNothingMayStartOnTheDevice() {
        List<SliceOffer> a = List.of(pool("a"));
        assertThat(refused(List.of(), a).reason()).isEqualTo(Reason.NO_FRESH_LIMITS);
        limits(1, 2);
        prove(pool("a"));
        gate.criticalArrived(now);
        assertThat(refused(List.of(), a).reason()).isEqualTo(Reason.CRITICAL_WORK);
        gate.criticalStarted(now);
        assertThat(refused(List.of(), a).reason()).isEqualTo(Reason.CRITICAL_WORK);
        gate.criticalFinished(now);
        Wait wait = refused(List.of(), a);
        assertThat(wait.reason()).isEqualTo(Reason.NOT_IDLE_YET);
        now = wait.until();
        start(List.of(), a);
        gate.quota(0, now);
        assertThat(refused(List.of(), List.of(pool("b"))).reason()).isEqualTo(Reason.NOT_ALLOWED);
        assertThat(refused(List.of(), List.of()).reason()).isEqualTo(Reason.NOT_ALLOWED);
    }

    @Test
    void shouldRefusePoolsOnADeviceWithoutSideLanes() {
        gate = new SliceGate(GateSettings.temporal());
        limits(1, 0);
        assertThatThrownBy(() -> next(List.of(), List.of(pool("a"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("without side lanes");
    }

    @Test
    void shouldTakeBackAsSoonAsLatencyCriticalWorkIsThereWhatGoesBeyondTheLanesBesideIt() {
        limits(1, 1);
        prove(pool("a"), pool("b"));
        RunningSlice a = start(List.of(), List.of(pool("a"), pool("b")));
        RunningSlice b = start(List.of(), List.of(pool("b")));
        assertThat(gate.mustYield(a.id(), now)).isFalse();
        assertThat(gate.mustYield(b.id(), now))
                .as("in a gap all lanes may be used")
                .isFalse();
        gate.criticalArrived(now);
        assertThat(gate.mustYield(a.id(), now)).as("one may stay").isFalse();
        assertThat(gate.mustYield(b.id(), now)).as("the newest goes").isTrue();
        gate.quota(0.5, now);
        assertThat(gate.mustYield(a.id(), now)).as("at the knee none may stay").isTrue();
        gate.criticalWithdrawn(now);
        assertThat(gate.mustYield(a.id(), now)).isFalse();
        gate.quota(0, now);
        assertThat(gate.mustYield(a.id(), now)).isTrue();
    }

    @Test
    void shouldTakeBackEverythingWhenLimitsEnd() {
        gate.limits(new SharingLimits(1, 1, BOUND, 1, now + 1_000), now);
        RunningSlice slice = start(List.of(), List.of(pool("a")));
        assertThat(gate.mustYield(slice.id(), now + 999)).isFalse();
        assertThat(gate.mustYield(slice.id(), now + 1_000)).isTrue();
    }

    @Test
    void shouldShareTheLanesWithSlicesBesideLatencyCriticalWork() {
        limits(1, 2);
        prove(pool("a"));
        RunningSlice pooled = start(List.of(), List.of(pool("a")));
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        assertThat(gate.nextBeside(List.of(offer("a")), now))
                .as("a has a slice")
                .isInstanceOf(Wait.class);
        RunningSlice beside = GateSteps.started(gate.nextBeside(List.of(offer("b")), now));
        assertThat(beside.pooled()).isFalse();
        assertThat(gate.nextBeside(List.of(offer("c")), now)).isInstanceOf(Wait.class);
        gate.criticalFinished(now);
        now += 10_000_000;
        assertThat(refused(List.of(), List.of(pool("c"))).reason()).isEqualTo(Reason.LANES_TAKEN);
        assertThatThrownBy(() -> gate.finishedBeside(pooled.id(), now)).hasMessageContaining("no side lane");
        assertThatThrownBy(() -> gate.finished(beside.id(), 1, now)).hasMessageContaining("not running");
        gate.finishedBeside(beside.id(), now);
        start(List.of(), List.of(pool("c")));
        gate.finished(pooled.id(), 1, now);
        assertThatThrownBy(() -> gate.finished(pooled.id(), 1, now)).hasMessageContaining("report each end once");
    }

    @Test
    void shouldHoldNobodyBackForTimeInWhichLatencyCriticalWorkTookTheCore() {
        limits(1, 2);
        prove(pool("a"));
        RunningSlice slice = start(List.of(), List.of(pool("a")));
        now += UNIT;
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        now += 3_000_000_000L;
        assertThat(gate.mustYield(slice.id(), now)).isFalse();
        gate.criticalFinished(now);
        now += UNIT;
        SliceEnd end = gate.ended(slice.id(), 1, 0, now);
        assertThat(end).isEqualTo(new SliceEnd(0, false));
        assertThat(gate.unitNanos(new TenantId("a"), "decode/1@1", 1))
                .as("nothing is learnt of such a unit")
                .isEqualTo(UNIT);
    }

    @Test
    void shouldHoldBackWhoTakesALaneForLongerThanItsBound() {
        limits(1, 2);
        prove(pool("a"), pool("b"));
        RunningSlice slice = start(List.of(), List.of(pool("a")));
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        now += 1_000_000;
        gate.criticalFinished(now);
        now += 9 * BOUND;
        SliceEnd end = gate.ended(slice.id(), 1, 0, now);
        assertThat(end.overrun()).isTrue();
        assertThat(end.holdNanos()).isGreaterThan(4 * BOUND).isLessThan(9 * BOUND + 1);
        assertThat(refused(List.of(), List.of(pool("a"))).reason()).isEqualTo(Reason.TENANT_HELD_BACK);
        start(List.of(), List.of(pool("b")));
        assertThat(gate.counters(now).overruns()).isEqualTo(1);
    }

    @Test
    void shouldForgetNoOverrunForSlicesThatWereGivenBackUnused() {
        limits(1, 0);
        prove(pool("a"));
        long first = overrunOf10Bounds();
        now += first;
        for (int i = 0; i < 1_000; i++) {
            RunningSlice slice = start(List.of(), List.of(pool("a")));
            assertThat(gate.finished(slice.id(), 0, now)).isZero();
        }
        assertThat(overrunOf10Bounds()).as("twice as long").isGreaterThan(3 * first / 2);
    }

    private long overrunOf10Bounds() {
        RunningSlice slice = start(List.of(), List.of(pool("a")));
        now += 10 * BOUND;
        return gate.finished(slice.id(), 1, now);
    }

    @Test
    void shouldStopWhatIsLongerThanItsBound() {
        limits(1, 0);
        prove(pool("a"));
        RunningSlice slice = start(List.of(), List.of(pool("a")));
        long most = slice.boundNanos() * 4;
        assertThat(gate.mustYield(slice.id(), now + most)).isFalse();
        assertThat(gate.mustYield(slice.id(), now + most + 1)).isTrue();
    }

    @Test
    void shouldRunOneOfUnknownLengthAtATime() {
        limits(1, 0);
        RunningSlice probe = start(List.of(), List.of(pool("a"), pool("b")));
        assertThat(probe.probe()).isTrue();
        assertThat(refused(List.of(), List.of(pool("b"))).reason()).isEqualTo(Reason.LENGTH_UNKNOWN);
        now += UNIT;
        gate.finished(probe.id(), 1, now);
        assertThat(start(List.of(), List.of(pool("b"))).probe()).isTrue();
    }

    @Test
    void shouldLearnAKindOnAPoolApartFromTheSameOnTheWholeDevice() {
        limits(1, 0);
        prove(pool("a"));
        assertThat(gate.unitNanos(new TenantId("a"), "decode/1@1", 1)).isEqualTo(UNIT);
        assertThat(gate.unitNanos(new TenantId("a"), "decode/1", 1)).isZero();
    }

    /** What a run of the device gave: by tenant the time on lanes, and on all of the device. */
    private record Shares(long[] laneNanos, long[] wholeNanos, long nanos) {
        double ofDevice(int tenant) {
            return (laneNanos[tenant] / 2.0 + wholeNanos[tenant]) / nanos;
        }
    }

    /** Tenants that always have work, the first {@code pooled} of them on pools; slices end when they have to, in order. */
    private Shares run(int tenants, int pooled, long nanos, SplittableRandom random) {
        long[] lane = new long[tenants];
        long[] whole = new long[tenants];
        List<RunningSlice> out = new ArrayList<>();
        List<Long> ends = new ArrayList<>();
        long from = now;
        while (now < from + nanos) {
            boolean[] busy = new boolean[tenants];
            out.forEach(slice -> busy[index(slice)] = true);
            GateDecision decision = next(
                    IntStream.range(pooled, tenants)
                            .filter(i -> !busy[i])
                            .mapToObj(i -> offer("t" + i))
                            .toList(),
                    IntStream.range(0, pooled)
                            .filter(i -> !busy[i])
                            .mapToObj(i -> pool("t" + i))
                            .toList());
            if (decision instanceof Start start) {
                RunningSlice slice = start.slice();
                assertThat(slice.pooled()).isEqualTo(index(slice) < pooled);
                out.add(slice);
                assertThat(out.stream().filter(RunningSlice::pooled).count()).isLessThanOrEqualTo(2);
                assertThat(out.stream().allMatch(RunningSlice::pooled) || out.size() == 1)
                        .as("all of the device, or pools")
                        .isTrue();
                ends.add(now + slice.units() * random.nextLong(UNIT / 2, 3 * UNIT / 2));
                continue;
            }
            if (out.isEmpty()) {
                now = Math.max(now + 1, Math.min(((Wait) decision).until(), from + nanos));
                continue;
            }
            int first = IntStream.range(0, ends.size())
                    .reduce((a, b) -> ends.get(b) < ends.get(a) ? b : a)
                    .orElseThrow();
            RunningSlice slice = out.remove(first);
            now = ends.remove(first);
            assertThat(gate.finished(slice.id(), slice.units(), now)).isZero();
            (slice.pooled() ? lane : whole)[index(slice)] += now - slice.startNanos();
        }
        return new Shares(lane, whole, now - from);
    }

    private static int index(RunningSlice slice) {
        return Integer.parseInt(slice.tenant().value().substring(1));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldGiveAllTenantsTheSameOfTheDeviceWhetherTheyAreOnPoolsOrNot(long seed) {
        limits(1, 0);
        Shares shares = run(3, 2, 20_000_000_000L, new SplittableRandom(seed));
        assertThat(Arrays.stream(shares.laneNanos()).sum()).isPositive();
        for (int i = 0; i < 3; i++) {
            // While lanes drain for the third one they are partly idle, which is nobody's.
            assertThat(shares.ofDevice(i)).as("tenant %d of %s", i, shares).isBetween(0.27, 0.34);
        }
        assertThat(shares.ofDevice(0)).isCloseTo(shares.ofDevice(2), within(0.02));
    }

    @Test
    void shouldKeepThreeTenantsOnTwoLanesBusyAndEven() {
        limits(1, 0);
        Shares shares = run(3, 3, 10_000_000_000L, new SplittableRandom(4));
        for (int i = 0; i < 3; i++) {
            assertThat(shares.ofDevice(i)).as("tenant %d", i).isCloseTo(1 / 3.0, within(0.01));
        }
    }

    @Test
    void shouldKeepPoolsWithinTheQuotaByTheirPartOfTheDevice() {
        limits(0.2, 0);
        Shares shares = run(2, 2, 20_000_000_000L, new SplittableRandom(5));
        double used = shares.ofDevice(0) + shares.ofDevice(1);
        assertThat(used).as("0.2 of the quota up to a knee of 0.5").isCloseTo(0.4, within(0.02));
        assertThat(gate.counters(now).bestEffortNanos()).isCloseTo(used * shares.nanos(), within(1e6));
    }

    @Test
    void shouldKeepATenantWithinItsLevelByItsPartOfTheDevice() {
        limits(1, 0, new TenantLevel(new TenantId("t0"), 0.1, BOUND, 1));
        Shares shares = run(2, 2, 20_000_000_000L, new SplittableRandom(6));
        assertThat(shares.ofDevice(0)).isCloseTo(0.1, within(0.02));
        assertThat(shares.ofDevice(1)).as("one lane of two").isCloseTo(0.5, within(0.02));
    }

    @Test
    void shouldChooseAmongPoolsByTurnsAsAmongOthers() {
        limits(1, 0);
        prove(pool("a"), offer("b"));
        assertThat(start(List.of(offer("b")), List.of(pool("a"))).tenant())
                .as("a has had half of what b has had, so b waits")
                .isEqualTo(new TenantId("a"));
    }
}
