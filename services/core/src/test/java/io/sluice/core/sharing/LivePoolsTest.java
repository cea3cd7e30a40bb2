package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.LimitPlanner.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Pools of kernel groups through the planner of limits, as live workers have it. */
class LivePoolsTest {
    private static final long WINDOW = 250_000_000L;
    private static final double STEP_NANOS = 20_000_000;

    private final LimitPlanner planner =
            new LimitPlanner(LimitPolicy.live(0.1, 0.01, 3_000_000_000L, SliceBounds.of("cpu", 1_000_000)));
    private final List<SharingLimits> published = new ArrayList<>();
    private final List<String> reasons = new ArrayList<>();
    private LimitState state = planner.announced(null, 1);
    private long now = Reports.START;
    private long sequence;

    private Step take(Step step) {
        state = step.state();
        step.limits().ifPresent(limits -> {
            published.add(limits);
            reasons.add(step.reason());
        });
        return step;
    }

    /** A report of two tenants that take so many times as long on one of two lanes. */
    private GpuSample report(double slower, long violations) {
        boolean part = !state.published().groups().isEmpty();
        double run = part ? 1e8 : 5e7;
        List<GroupSample> groups = new ArrayList<>();
        for (String tenant : List.of("a", "b")) {
            groups.add(Reports.group(tenant, "decode", part ? 1 : 2, run / (part ? 1e5 * slower : 1e5), run));
        }
        var critical = Reports.critical(violations > 0 ? 5 : 0, violations, violations > 0 ? STEP_NANOS : 0);
        GpuSample plain = Reports.gpu(
                1,
                sequence++,
                now,
                WINDOW,
                critical,
                List.of(Reports.tenant("a", 1, 1_000, 1), Reports.tenant("b", 1, 1_000, 1)),
                Reports.UNKNOWN);
        return Reports.pools(plain, List.of(1, 2), groups);
    }

    private void windows(int count, double slower) {
        for (int i = 0; i < count; i++) {
            now += WINDOW;
            take(planner.onSample(state, report(slower, 0), now + 1_000_000));
            take(planner.onTimer(state, now + 2_000_000));
        }
    }

    @Test
    void shouldPublishPoolsThatPayWithTheReasonUnderANewEpoch() {
        windows(120, 1.4);
        assertThat(state.published().groups())
                .extracting(pool -> pool.group() + " " + pool.lanes())
                .containsExactly("a/decode 1", "b/decode 1");
        assertThat(reasons)
                .anyMatch(why -> why.contains("(trying a core for each tenant)"))
                .anyMatch(why -> why.contains("(decode of a, decode of b on a core each: 1.43 times the work)"));
        for (int i = 1; i < published.size(); i++) {
            assertThat(published.get(i).epoch())
                    .isGreaterThan(published.get(i - 1).epoch());
        }
    }

    @Test
    void shouldHaveNoPoolsWhereRequestsComeAndThoseDecidedOnWithTheNextLull() {
        windows(120, 1.4);
        assertThat(state.published().groups()).hasSize(2);
        now += WINDOW;
        take(planner.onSample(state, report(1.4, 1), now + 1_000_000));
        assertThat(state.published().groups()).isEmpty();
        windows(3, 1.4);
        assertThat(state.published().groups()).as("not yet").isEmpty();
        windows(20, 1.4);
        assertThat(state.published().groups()).hasSize(2);
    }

    @Test
    void shouldTakePoolsBackThatDoNotPay() {
        windows(120, 2.5);
        assertThat(published).anyMatch(limits -> limits.groups().size() == 2);
        assertThat(state.published().groups()).isEmpty();
        assertThat(reasons).anyMatch(why -> why.contains("a core for each tenant does 0.80 times the work"));
    }

    @Test
    void shouldChangePoolsAtTheTimesOfLevelsOnlyAndNothingAboutTheQuota() {
        int changes = 0;
        LimitState plain = state;
        long changedNanos = 0;
        for (int i = 0; i < 400; i++) {
            now += WINDOW;
            List<GroupPool> before = state.published().groups();
            GpuSample report = report(1.4, 0);
            take(planner.onSample(state, report, now + 1_000_000));
            plain = planner.onSample(plain, Reports.pools(report, List.of(), List.of()), now + 1_000_000)
                    .state();
            assertThat(state.published().groups()).as("report %d", i).isEqualTo(before);
            take(planner.onTimer(state, now + 2_000_000));
            plain = planner.onTimer(plain, now + 2_000_000).state();
            if (!state.published().groups().equals(before)) {
                assertThat(now - changedNanos).isGreaterThanOrEqualTo(10 * WINDOW);
                changedNanos = now;
                changes++;
            }
            assertThat(state.published().quota())
                    .as("report %d", i)
                    .isEqualTo(plain.published().quota());
        }
        assertThat(changes).isGreaterThan(1);
    }

    @Test
    void shouldHaveNoPoolsOnceReportsStayAwayAndThoseDecidedOnAgainWithThem() {
        windows(120, 1.4);
        now += 5_000_000_000L;
        take(planner.onTimer(state, now));
        assertThat(state.published().none()).isTrue();
        assertThat(state.published().groups()).isEmpty();
        windows(20, 1.4);
        assertThat(state.published().groups()).hasSize(2);
    }

    @Test
    void shouldBelieveThatASliceBeganInTheIntervalBeforeButNotThatItTookForEver() {
        for (double run : new double[] {1.5e9, 2e9}) {
            GpuSample good = report(1.4, 0);
            Step step = planner.onSample(
                    state,
                    Reports.pools(good, List.of(1, 2), List.of(Reports.group("a", "decode", 1, 10, run))),
                    now + 1_000_000);
            assertThat(step.rejection().isPresent()).as("%s ns", run).isEqualTo(run > 1.8e9);
        }
    }

    @Test
    void shouldLearnNothingFromAbsurdReportsAndPlanTheSameForTheSameReports() {
        SplittableRandom random = new SplittableRandom(8);
        LimitState again = state;
        for (int i = 0; i < 150; i++) {
            now += WINDOW;
            GpuSample good = report(1.3 + 0.2 * random.nextDouble(), 0);
            GroupSample bad = Reports.group("c", "decode", 1, Double.NaN, 1e8);
            List<GroupSample> groups = new ArrayList<>(good.groups());
            groups.add(bad);
            Step refused = planner.onSample(state, Reports.pools(good, List.of(1, 2), groups), now + 1_000_000);
            assertThat(refused.rejection()).isPresent();
            assertThat(refused.state().pools()).isSameAs(state.pools());
            take(refused);
            take(planner.onSample(state, good, now + 1_000_000));
            take(planner.onTimer(state, now + 2_000_000));
            again = planner.onSample(again, good, now + 1_000_000).state();
            again = planner.onTimer(again, now + 2_000_000).state();
            assertThat(again.pools()).as("report %d", i).isEqualTo(state.pools());
            assertThat(again.published()).isEqualTo(state.published());
        }
        assertThat(state.pools().plan()).hasSize(2);
    }
}
