package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GroupPoolPlanner.Choice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GroupPoolPlannerTest {
    private static final long REPORT = 250_000_000L;
    private static final double UNIT = 1e5;

    private final GroupPoolPlanner planner = new GroupPoolPlanner(GroupPoolPolicy.usual(5 * REPORT, 0.05));
    private final SplittableRandom random = new SplittableRandom(3);
    private final List<String> reasons = new ArrayList<>();
    private GroupPoolState state = GroupPoolState.NONE;
    private long now = 1_000_000_000_000L;
    private int reports;

    /** A group at work, and how many times as long it takes on one lane as on all of them. */
    private record Work(String tenant, String name, double slower) {}

    private static Work decode(String tenant, double slower) {
        return new Work(tenant, "decode", slower);
    }

    private List<GroupSample> samples(int lanes, List<Work> works) {
        List<GroupPool> pools = state.pools();
        boolean beside = works.stream()
                        .filter(work -> pool(pools, work) > 0)
                        .map(Work::tenant)
                        .distinct()
                        .count()
                > 1;
        List<GroupSample> samples = new ArrayList<>();
        for (Work work : works) {
            boolean part = beside && pool(pools, work) > 0;
            double unit = UNIT * (part ? work.slower : 1) * (0.98 + 0.04 * random.nextDouble());
            double run = (double) REPORT / works.size() * (part ? 2 : 1) * 0.9;
            samples.add(Reports.group(work.tenant, work.name, part ? 1 : lanes, run / unit, run));
        }
        return samples;
    }

    private static int pool(List<GroupPool> pools, Work work) {
        return pools.stream()
                .filter(pool -> pool.group().equals(new KernelGroup(new TenantId(work.tenant), work.name)))
                .mapToInt(GroupPool::lanes)
                .sum();
    }

    /** Reports of so many seconds of a device with so many lanes, asked every ten reports; the groups on pools at their end. */
    private List<String> run(int lanes, int seconds, Work... works) {
        for (int i = 0; i < 4 * seconds; i++) {
            now += REPORT;
            state = planner.learnt(state, List.of(1, lanes), samples(lanes, List.of(works)), REPORT, now);
            if (++reports % 10 == 0) {
                Choice choice = planner.choose(state, now);
                state = choice.state();
                if (!choice.why().isEmpty()) {
                    reasons.add(choice.why());
                }
            }
        }
        return state.plan().stream()
                .map(pool -> pool.group() + " " + pool.lanes())
                .toList();
    }

    private long tries() {
        return reasons.stream().filter(why -> why.startsWith("trying")).count();
    }

    @Test
    void shouldFindOutThatACoreForEachTenantPays() {
        assertThat(run(2, 30, decode("a", 1.5), decode("b", 1.5))).containsExactly("a/decode 1", "b/decode 1");
        assertThat(reasons)
                .startsWith("trying the whole device for each slice", "trying a core for each tenant")
                .hasSize(3);
        assertThat(reasons.getLast()).startsWith("decode of a, decode of b on a core each: 1.3");
    }

    @Test
    void shouldFindOutThatItDoesNotPay() {
        assertThat(run(2, 30, decode("a", 2.4), decode("b", 2.2))).isEmpty();
        assertThat(reasons)
                .hasSize(3)
                .last()
                .asString()
                .startsWith("the whole device for each slice: a core for each tenant does 0.8");
    }

    @Test
    void shouldPlaceOnlyTheGroupsOnPoolsThatGain() {
        Work prefill = new Work("a", "prefill", 3);
        assertThat(run(2, 40, prefill, decode("a", 1.1), decode("b", 1.1))).containsExactly("a/decode 1", "b/decode 1");
    }

    @Test
    void shouldLeaveAPlanThatHasStoppedPayingAndTakeItAgain() {
        assertThat(run(2, 30, decode("a", 1.5), decode("b", 1.5))).hasSize(2);
        assertThat(run(2, 30, decode("a", 3), decode("b", 3))).isEmpty();
        assertThat(reasons.getLast())
                .startsWith("the whole device for each slice: 1.")
                .endsWith("of the pools");
        assertThat(run(2, 100, decode("a", 1.3), decode("b", 1.3))).hasSize(2);
    }

    @Test
    void shouldQuestionWhatHoldsEverMoreSeldom() {
        int whole = 0;
        run(2, 30, decode("a", 1.5), decode("b", 1.5));
        for (int second = 0; second < 1_200; second++) {
            run(2, 1, decode("a", 1.5), decode("b", 1.5));
            whole += state.pools().isEmpty() ? 1 : 0;
        }
        assertThat(tries()).as("two sizes each, after 60 s, 120 s, 240 s, ...").isBetween(8L, 12L);
        assertThat(whole).as("seconds of twenty minutes spent on trying").isLessThan(60);
        assertThat(state.plan()).hasSize(2);
    }

    @Test
    void shouldHaveNoPoolsForOneTenantAndSomeAgainAtOnceForTwo() {
        assertThat(run(2, 30, decode("a", 1.5), decode("b", 1.5))).hasSize(2);
        assertThat(run(2, 15, decode("a", 1.5))).isEmpty();
        assertThat(reasons.getLast()).as("b does ever less").startsWith("the whole device for each slice: ");
        long before = tries();
        assertThat(run(2, 10, decode("a", 1.5), decode("b", 1.5))).hasSize(2);
        assertThat(tries()).as("both are still known").isEqualTo(before);
        run(2, 80, decode("a", 1.5));
        assertThat(state.groups()).as("b is forgotten").hasSize(1);
    }

    @Test
    void shouldTryForATenantThatHasComeSinceTheLastTrial() {
        run(4, 200, decode("a", 1.5), decode("b", 1.5));
        long before = tries();
        assertThat(run(4, 70, decode("a", 1.5), decode("b", 1.5), decode("c", 1.5)))
                .hasSize(3);
        assertThat(tries()).isGreaterThan(before);
    }

    @Test
    void shouldGiveUpATrialOfWhichNothingIsHeard() {
        for (int i = 0; i < 400; i++) {
            now += REPORT;
            List<GroupSample> whole =
                    List.of(Reports.group("a", "decode", 2, 100, 1e7), Reports.group("b", "decode", 2, 100, 1e7));
            state = planner.learnt(state, List.of(1, 2), whole, REPORT, now);
            Choice choice = planner.choose(state, now);
            state = choice.state();
            if (!choice.why().isEmpty()) {
                reasons.add(choice.why());
            }
        }
        assertThat(state.plan()).isEmpty();
        assertThat(tries()).as("two sizes, and once more after the rest").isEqualTo(4);
    }

    @Test
    void shouldNotTakeOneReportOfStarvedSlicesForTheUsualTime() {
        GroupEstimate estimate = GroupEstimate.first(new KernelGroup(new TenantId("a"), "decode"), List.of(1, 2), 1, 0);
        for (double units : new double[] {50, 50, 1, 50}) {
            estimate = estimate.with(Reports.group("a", "decode", 1, units, REPORT));
        }
        assertThat(estimate.unitNanos()[0] / REPORT * 50)
                .as("times as long: a quarter less is done")
                .isBetween(1.3, 1.4);
    }

    @Test
    void shouldKnowNothingOfADeviceThatCannotBeDividedOrHasOtherLanes() {
        run(2, 30, decode("a", 1.5), decode("b", 1.5));
        GroupPoolState other = planner.learnt(state, List.of(1, 4), List.of(), REPORT, now);
        assertThat(other).isEqualTo(GroupPoolState.of(List.of(1, 4)));
        GroupPoolState none = planner.learnt(state, List.of(), List.of(), REPORT, now);
        assertThat(none).isEqualTo(GroupPoolState.NONE);
        assertThat(planner.choose(none, now).state()).isEqualTo(none);
    }

    @Test
    void shouldKeepTheNewestOfMoreTenantsThanItHasRoomFor() {
        for (int i = 0; i < 40; i++) {
            now += REPORT;
            List<GroupSample> some = new ArrayList<>();
            for (String name : List.of("decode", "prefill", "steps", "more")) {
                some.add(Reports.group("t" + (10 + i % 12), name, 2, 100, 1e7));
            }
            state = planner.learnt(state, List.of(1, 2), some, REPORT, now);
        }
        assertThat(state.groups()).hasSize(24);
        assertThat(state.groups().stream().map(each -> each.group().tenant()).distinct())
                .hasSize(8)
                .contains(new TenantId("t13"))
                .isSorted();
    }

    @Test
    void shouldSurviveAnyReportThatTheJudgeLetsThrough() {
        double[] numbers = {0, 1e-18, 1e-9, 1, 1e9, 1e18};
        for (int i = 0; i < 3_000; i++) {
            now += 1 + random.nextLong(2 * REPORT);
            List<GroupSample> some = new ArrayList<>();
            for (int t = 0; t < 10; t++) {
                double units = numbers[random.nextInt(numbers.length)];
                double run = random.nextInt(3) == 0 ? 1 : REPORT;
                if (random.nextInt(3) > 0 && run / units <= 1e18) {
                    some.add(Reports.group("t" + t, "decode", 1 << random.nextInt(3), units, run));
                }
            }
            state = planner.learnt(state, List.of(1, 2, 4), some, REPORT, now);
            state = planner.choose(state, now).state();
        }
        assertThat(state.groups()).isNotEmpty();
    }
}
