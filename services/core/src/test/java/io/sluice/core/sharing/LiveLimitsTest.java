package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.GpuSample.Critical;
import io.sluice.core.sharing.GpuSample.Tenant;
import io.sluice.core.sharing.LimitPlanner.Step;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The planner of limits as live workers have it: one thing at a time, a slowdown as objective, lulls. */
class LiveLimitsTest {
    private static final long WINDOW = 250_000_000L;
    private static final double STEP_NANOS = 20_000_000;
    private static final List<Long> BOUNDS = SliceBounds.of("cpu", 1_000_000);

    private final LimitPolicy policy = LimitPolicy.live(0.1, 0.01, 3_000_000_000L, BOUNDS);
    private final LimitPlanner planner = new LimitPlanner(policy);
    private final List<SharingLimits> published = new ArrayList<>();
    private LimitState state = planner.announced(null, 1);
    private long now = Reports.START;
    private long sequence;

    private Step take(Step step) {
        state = step.state();
        step.limits().ifPresent(published::add);
        return step;
    }

    private static Critical steps(long requests, long violations, double eachNanos) {
        double sum = requests * eachNanos;
        return new Critical(
                requests,
                violations,
                sum,
                requests == 0 ? 0 : eachNanos,
                eachNanos,
                sum,
                0,
                0,
                Reports.UNKNOWN,
                Reports.UNKNOWN);
    }

    private static Tenant tenant(String name, double weight, double runNanos, long waiting) {
        return new Tenant(
                new TenantId(name),
                weight,
                runNanos / 1e5,
                runNanos,
                runNanos,
                0,
                Reports.UNKNOWN,
                Reports.UNKNOWN,
                Reports.UNKNOWN,
                waiting);
    }

    private void window(Critical critical, Tenant... tenants) {
        now += WINDOW;
        take(planner.onSample(
                state,
                Reports.gpu(1, sequence++, now, WINDOW, critical, List.of(tenants), Reports.UNKNOWN),
                now + 1_000_000));
        take(planner.onTimer(state, now + 2_000_000));
    }

    private void windows(int count, Critical critical, Tenant... tenants) {
        for (int i = 0; i < count; i++) {
            window(critical, tenants);
        }
    }

    private double quota() {
        return state.published().quota();
    }

    private TenantLevel level(String tenant) {
        return state.published().level(new TenantId(tenant)).orElseThrow();
    }

    @Test
    void shouldAllowEverythingInALullAndWhatTheLawSaysAsSoonAsItEnds() {
        windows(4, steps(0, 0, 0));
        assertThat(quota()).as("not a lull yet").isEqualTo(0.25);
        windows(8, steps(0, 0, 0));
        assertThat(quota()).isEqualTo(1);
        window(steps(5, 0, STEP_NANOS));
        assertThat(quota()).isLessThan(0.3);
        assertThat(state.quota().raised())
                .as("the bound of the law lost nothing")
                .isZero();
    }

    @Test
    void shouldNotStarveAnIdleDeviceForADebtAndForgiveItSlowly() {
        windows(4, steps(5, 5, STEP_NANOS));
        assertThat(quota()).isZero();
        assertThat(state.quota().level()).isNegative();
        windows(12, steps(0, 0, 0));
        assertThat(quota()).isEqualTo(1);
        window(steps(1, 0, STEP_NANOS));
        assertThat(quota()).as("after a short lull the debt is still there").isZero();
        windows(80, steps(0, 0, 0));
        window(steps(1, 0, STEP_NANOS));
        assertThat(quota()).as("after a long one it begins anew").isCloseTo(policy.firstQuota(), within(0.01));
    }

    @Test
    void shouldTakeWorkThatWaitsOrRunsForNoLull() {
        Critical stuck = new Critical(0, 0, 0, 0, 0, WINDOW, 0, 0, Reports.UNKNOWN, Reports.UNKNOWN);
        windows(20, stuck);
        assertThat(quota()).isLessThan(1);
        Critical running = new Critical(0, 0, WINDOW, 0, 0, 0, 0, 0, Reports.UNKNOWN, Reports.UNKNOWN);
        windows(20, running);
        assertThat(quota()).isLessThan(1);
    }

    @Test
    void shouldBeginALullAnewAfterASilence() {
        windows(12, steps(0, 0, 0));
        assertThat(quota()).isEqualTo(1);
        now += 10_000_000_000L;
        take(planner.onTimer(state, now));
        assertThat(quota()).isZero();
        window(steps(0, 0, 0));
        assertThat(quota()).isPositive().isLessThan(1);
    }

    @Test
    void shouldChooseSlicesThatHarmNobodyWhereThereAreSuch() {
        // A tenth of 20 ms is 2 ms: bounds are 1.25, 2.5, 5 ms and so on.
        windows(30, steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        assertThat(level("a").sliceNanos()).isEqualTo(1_250_000);
        assertThat(level("a").admission()).isEqualTo(1);
        assertThat(state.published().sliceNanos()).isEqualTo(1_250_000);
    }

    @Test
    void shouldTakeTheShortestSliceWhereAllAreTooLong() {
        windows(30, steps(5, 0, 3_000_000), tenant("a", 1, 1e8, 1));
        assertThat(level("a").sliceNanos()).isEqualTo(BOUNDS.getFirst());
        assertThat(level("a").none()).isFalse();
    }

    @Test
    void shouldLeaveTheDivisionByWeightToTheGateOnOneLane() {
        windows(30, steps(5, 0, STEP_NANOS), tenant("a", 5, 5e7, 1), tenant("b", 1, 1e7, 1), tenant("c", 1, 1e7, 1));
        for (String each : List.of("a", "b", "c")) {
            assertThat(level(each).admission()).as(each).isEqualTo(1);
        }
    }

    @Test
    void shouldGiveLongerSlicesToATenantThatNoneFits() {
        windows(12, steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        long before = level("a").sliceNanos();
        windows(40, steps(2, 0, STEP_NANOS), tenant("a", 1, 0, 3));
        assertThat(level("a").sliceNanos()).isGreaterThan(before);
    }

    @Test
    void shouldNotRewardATenantThatIsHeldBackForItsOverruns() {
        windows(12, steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        long before = level("a").sliceNanos();
        Tenant overran =
                new Tenant(new TenantId("a"), 1, 1, 5e7, 5e7, 1, Reports.UNKNOWN, Reports.UNKNOWN, Reports.UNKNOWN, 3);
        window(steps(2, 0, STEP_NANOS), overran);
        windows(40, steps(2, 0, STEP_NANOS), tenant("a", 1, 0, 3));
        assertThat(level("a").sliceNanos()).isEqualTo(before);
    }

    @Test
    void shouldCountEveryViolationUnderASlowdownObjective() {
        windows(4, steps(5, 0, STEP_NANOS));
        double before = quota();
        // Most of the waiting is behind other steps; by the objective's definition the violation is ours all the same.
        window(new Critical(
                5, 2, 5 * STEP_NANOS, STEP_NANOS, STEP_NANOS, 1e9, 1e7, 0, Reports.UNKNOWN, Reports.UNKNOWN));
        assertThat(quota()).isLessThan(before);
        assertThat(state.quota().frozen()).isZero();
    }

    @Test
    void shouldHaveEpochsOfTheTimeOfDayThatOnlyRise() {
        windows(40, steps(5, 1, STEP_NANOS), tenant("a", 1, 1e8, 1));
        windows(40, steps(0, 0, 0), tenant("a", 1, 1e8, 1));
        for (int i = 0; i < published.size(); i++) {
            assertThat(published.get(i).epoch())
                    .isGreaterThan(i == 0 ? 0 : published.get(i - 1).epoch());
        }
        assertThat(published).hasSizeGreaterThan(10);
        assertThat(published.getFirst().epoch()).isGreaterThanOrEqualTo(Reports.START / 1_000_000);
    }

    @Test
    void shouldPublishWithANewEpochWhenAnOldStateIsRestored() {
        windows(10, steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        LimitState old = state;
        windows(20, steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        long newest = state.published().epoch();
        published.clear();
        state = planner.restored(old);
        assertThat(state.published().none()).isTrue();
        sequence += 100;
        window(steps(5, 0, STEP_NANOS), tenant("a", 1, 1e8, 1));
        assertThat(published).isNotEmpty().allSatisfy(limits -> assertThat(limits.epoch())
                .isGreaterThan(newest));
    }

    @Test
    void shouldTakeEverythingBackWhenTheWorkerLeaves() {
        assertThat(planner.left(state, now).limits())
                .as("nothing was ever given")
                .isEmpty();
        windows(10, steps(5, 0, STEP_NANOS));
        long epoch = state.published().epoch();
        Step left = planner.left(state, now);
        assertThat(left.limits().orElseThrow().none()).isTrue();
        assertThat(left.limits().orElseThrow().epoch()).isGreaterThan(epoch);
    }

    @Test
    void shouldNeedNoTimerBeforeAReportAndAfterASilence() {
        assertThat(planner.nextTimerNanos(state, now)).isEqualTo(Long.MAX_VALUE);
        windows(4, steps(5, 0, STEP_NANOS));
        assertThat(planner.nextTimerNanos(state, now)).isEqualTo(now + WINDOW);
        now += 10_000_000_000L;
        take(planner.onTimer(state, now));
        assertThat(planner.nextTimerNanos(state, now)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void shouldSuitSliceBoundsToTheDevice() {
        assertThat(SliceBounds.of("cpu", 1_000_000))
                .as("for a layer")
                .containsExactly(1_250_000L, 2_500_000L, 5_000_000L, 10_000_000L, 20_000_000L);
        assertThat(SliceBounds.of("emulated:t4", 4_000_000).getFirst()).isEqualTo(5_000_000);
        assertThat(SliceBounds.of("cpu", 20_000).getFirst())
                .as("room for accidents")
                .isEqualTo(1_000_000);
        assertThat(SliceBounds.of("cpu", Double.NaN).getFirst()).isEqualTo(2_000_000);
        assertThat(SliceBounds.of("emulated:t4", 0).getFirst()).isEqualTo(8_000_000);
        assertThat(SliceBounds.of("cuda:0", 60_000).getFirst())
                .as("of several layers, and none stops before its end")
                .isEqualTo(240_000);
        assertThat(SliceBounds.of("cpu", 1e300).getFirst()).isEqualTo(100_000_000);
        for (String device : List.of("cpu", "emulated:l4@4", "cuda:1", "")) {
            assertThat(SliceBounds.of(device, -1)).hasSize(SliceBounds.COUNT).isSorted();
        }
    }

    @Test
    void shouldRefuseAnObjectiveThatIsNone() {
        assertThatThrownBy(() -> new LatencyObjective.Slowdown(0)).hasMessageContaining("allowed slowdown");
        assertThatThrownBy(() -> new LatencyObjective.Within(Double.NaN)).hasMessageContaining("latency objective");
    }

    private void besideWindow(int sideLanes, PoolSample... pools) {
        now += WINDOW;
        take(planner.onSample(
                state,
                new GpuSample(
                        1,
                        sequence++,
                        now,
                        WINDOW,
                        steps(5, 0, STEP_NANOS),
                        List.of(tenant("a", 1, 5e7, 3)),
                        Reports.UNKNOWN,
                        sideLanes,
                        List.of(pools),
                        List.of(),
                        List.of()),
                now + 1_000_000));
    }

    private static PoolSample pool(int lanes, double slowdown) {
        return new PoolSample(lanes, 4, 4 * slowdown * STEP_NANOS, 4 * STEP_NANOS, 4 * slowdown * STEP_NANOS, 1_000, 0);
    }

    @Test
    void shouldPublishASideLaneThatPaysAndTakeItBackWhenItDoesNot() {
        assertThat(state.published().sideLanes()).isZero();
        for (int i = 0; i < 12; i++) {
            besideWindow(1, pool(0, 1), pool(1, 1.02));
        }
        assertThat(state.published().sideLanes()).isOne();
        for (int i = 0; i < 30; i++) {
            besideWindow(1, pool(0, 1), pool(1, 1.5));
        }
        assertThat(state.published().sideLanes()).isZero();
    }

    @Test
    void shouldNeverRaiseSideLanesByReportsThatMakeNoSense() {
        List<PoolSample> absurd = List.of(
                pool(2, 1),
                pool(-1, 1),
                pool(1, Double.NaN),
                pool(1, -1),
                pool(1, 0.5),
                new PoolSample(1, -4, 1e6, 1e6, 1e6, 1, 0),
                new PoolSample(1, 4, 1e6, 0, 1e6, 1, 0),
                new PoolSample(1, 4, 1e6, 1e6, 0, 1, 0),
                new PoolSample(1, 4, 1e6, 1e6, 1e6, Double.POSITIVE_INFINITY, 0),
                new PoolSample(1, 4, 1e6, 1e6, 1e6, 1, -1));
        for (PoolSample one : absurd) {
            besideWindow(1, one);
        }
        besideWindow(1_000_000, pool(0, 1));
        besideWindow(1, pool(0, 1), pool(0, 1));
        assertThat(state.rejected()).isEqualTo(absurd.size() + 2);
        assertThat(state.beside()).isEqualTo(BesideState.NONE);
    }
}
