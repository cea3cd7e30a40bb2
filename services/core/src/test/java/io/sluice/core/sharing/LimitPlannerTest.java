package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.planning.Rejection;
import io.sluice.core.sharing.GpuSample.Critical;
import io.sluice.core.sharing.GpuSample.Tenant;
import io.sluice.core.sharing.LimitPlanner.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LimitPlannerTest {
    private static final double OBJECTIVE = 3_000_000;

    private final LimitPolicy policy = LimitPolicy.usual(DeviceModel.plain(Reports.LANES), OBJECTIVE);
    private final LimitPlanner planner = new LimitPlanner(policy);
    private final List<String> log = new ArrayList<>();
    private LimitState state = planner.announced(null, 1);
    private long sequence;

    private Step take(Step step) {
        state = step.state();
        if (!step.reason().isEmpty()) {
            log.add(step.reason());
        }
        return step;
    }

    private void window(long violations, Tenant... tenants) {
        window(Reports.critical(100, violations, 1_000_000), tenants);
    }

    private void window(Critical critical, Tenant... tenants) {
        take(planner.onSample(state, Reports.sample(sequence, critical, List.of(tenants)), Reports.at(sequence)));
        take(planner.onTimer(state, Reports.at(sequence)));
        sequence++;
    }

    private double quota() {
        return state.published().quota();
    }

    @Test
    void shouldAllowNothingBeforeAReport() {
        Step step = take(planner.onTimer(state, Reports.START));
        assertThat(step.limits()).isEmpty();
        assertThat(state.published()).isEqualTo(SharingLimits.NONE);
        assertThat(step.reason()).contains("no report yet");
    }

    @Test
    void shouldRaiseTheQuotaWhileTheObjectiveIsKeptAndLowerItAtOnceWhenItIsNot() {
        for (int i = 0; i < 20; i++) {
            window(0);
        }
        double calm = quota();
        assertThat(calm).isGreaterThan(0.5);
        window(30);
        assertThat(quota()).isZero();
        assertThat(log.getLast()).contains("30 of 100 requests missed the objective");
        for (int i = 0; i < 60; i++) {
            window(0);
        }
        assertThat(quota()).as("comes back").isGreaterThan(0.5);
    }

    @Test
    void shouldKeepViolationsNearTheirShareWhenEveryBitOfQuotaCausesSome() {
        SplittableRandom random = new SplittableRandom(3);
        long violations = 0;
        int windows = 3_000;
        for (int i = 0; i < windows; i++) {
            int hit = 0;
            for (int k = 0; k < 100; k++) {
                hit += random.nextDouble() < 0.1 * quota() ? 1 : 0;
            }
            violations += hit;
            window(hit);
        }
        assertThat(violations / (100.0 * windows)).isLessThan(0.0125);
    }

    @Test
    void shouldAllowNothingOnceReportsStayAway() {
        for (int i = 0; i < 20; i++) {
            window(0);
        }
        long epoch = state.published().epoch();
        double before = quota();
        Step step = take(planner.onTimer(state, Reports.at(sequence) + policy.staleNanos()));
        assertThat(step.limits().orElseThrow().none()).isTrue();
        assertThat(step.limits().orElseThrow().epoch()).isGreaterThan(epoch);
        assertThat(step.reason()).contains("no report for");
        sequence += 30;
        window(0);
        assertThat(quota()).as("begins again lower").isPositive().isLessThan(before);
    }

    @Test
    void shouldEndByItselfWhenThePlannerDies() {
        window(0);
        assertThat(state.published().freshAt(Reports.at(0) + policy.leaseNanos() - 1))
                .isTrue();
        assertThat(state.published().freshAt(Reports.at(0) + policy.leaseNanos()))
                .isFalse();
    }

    @Test
    void shouldFreezeWhereBestEffortWorkIsNotTheCause() {
        for (int i = 0; i < 20; i++) {
            window(0);
        }
        double before = quota();
        double sum = 100 * 1_000_000.0;
        for (int i = 0; i < 5; i++) {
            window(new Critical(100, 60, sum, 2e6, 9e6, 10 * sum, 0.05 * sum, 0, Reports.UNKNOWN, Reports.UNKNOWN));
        }
        assertThat(quota()).isEqualTo(before);
        assertThat(state.quota().frozen()).isEqualTo(300);
    }

    @Test
    void shouldRaiseTheQuotaByStepsThatNeededNoExcuseOnly() {
        LimitState at = planner.announced(null, 1);
        Critical good = Reports.critical(100, 0, 1_000_000);
        at = planner.onSample(at, Reports.sample(0, Reports.critical(100, 40, 1_000_000), List.of()), Reports.at(0))
                .state();
        double low = at.quota().level();
        LimitState excused = planner.onSample(
                        at, Reports.sample(1, Reports.excused(good, 100), List.of()), Reports.at(1))
                .state();
        assertThat(excused.quota().level()).as("neither more nor less").isEqualTo(low);
        LimitState half = planner.onSample(at, Reports.sample(1, Reports.excused(good, 50), List.of()), Reports.at(1))
                .state();
        LimitState all = planner.onSample(at, Reports.sample(1, good, List.of()), Reports.at(1))
                .state();
        assertThat(half.quota().level())
                .isGreaterThan(low)
                .isLessThan(all.quota().level());
    }

    @Test
    void shouldNeverRaiseTheQuotaAfterAnAbsurdReport() {
        for (long seed = 0; seed < 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            LimitPlanner each = new LimitPlanner(policy);
            LimitState with = each.announced(null, 1);
            LimitState without = with;
            int absurd = 0;
            for (long s = 0; s < 150; s++) {
                long now = Reports.at(s);
                long violations = random.nextInt(5) == 0 ? random.nextInt(8) : 0;
                GpuSample good = Reports.sample(
                        s,
                        Reports.critical(100, violations, 1_000_000),
                        List.of(Reports.tenant("a", 1, 5_000, 1 + random.nextInt(15))));
                while (random.nextInt(3) == 0) {
                    GpuSample bad = Reports.absurd(random, good, with.lastSequence());
                    Step step = each.onSample(with, bad, now);
                    assertThat(step.rejection()).as("seed %d, %s", seed, bad).isPresent();
                    assertThat(step.reason())
                            .as("seed %d, %s", seed, bad)
                            .startsWith("sharing report")
                            .contains(":");
                    assertThat(step.limits()).as("seed %d, %s", seed, bad).isEmpty();
                    assertThat(step.state().published())
                            .as("seed %d, %s", seed, bad)
                            .isEqualTo(with.published());
                    assertThat(step.state().quota())
                            .as("seed %d, %s", seed, bad)
                            .isEqualTo(with.quota());
                    with = step.state();
                    absurd++;
                }
                if (random.nextInt(10) == 0) {
                    continue; // This report is lost; a repeated one comes below.
                }
                with = each.onTimer(each.onSample(with, good, now).state(), now).state();
                without = each.onTimer(each.onSample(without, good, now).state(), now)
                        .state();
                double before = with.published().quota();
                with = each.onSample(with, good, now).state();
                assertThat(with.published().quota()).as("repeated").isEqualTo(before);
                assertThat(with.published()).as("seed %d, report %d", seed, s).isEqualTo(without.published());
                assertThat(with.quota()).isEqualTo(without.quota());
            }
            assertThat(absurd).isGreaterThan(20);
        }
    }

    @Test
    void shouldFallToNothingWhenAllReportsAreAbsurd() {
        for (int i = 0; i < 20; i++) {
            window(0);
        }
        SplittableRandom random = new SplittableRandom(1);
        double before = quota();
        for (int i = 0; i < 30; i++, sequence++) {
            GpuSample good = Reports.sample(sequence, Reports.critical(100, 0, 1_000_000), List.of());
            take(planner.onSample(state, Reports.absurd(random, good, state.lastSequence()), Reports.at(sequence)));
            take(planner.onTimer(state, Reports.at(sequence)));
            assertThat(quota()).isLessThanOrEqualTo(before);
            before = quota();
        }
        assertThat(quota()).isZero();
    }

    @Test
    void shouldNameTheFaultOfAReport() {
        GpuSample good = Reports.sample(0, Reports.critical(100, 0, 1_000_000), List.of());
        Step future = planner.onSample(state, good, good.atNanos() - 10_000_000_000L);
        assertThat(future.rejection().orElseThrow().kind()).isEqualTo(Rejection.Kind.FUTURE);
        assertThat(future.reason()).contains("synchronise the clocks");
        Step late = planner.onSample(state, good, good.atNanos() + 10_000_000_000L);
        assertThat(late.rejection().orElseThrow().kind()).isEqualTo(Rejection.Kind.STALE);
        Critical nan = Reports.critical(100, 0, Double.NaN);
        Step absurd = planner.onSample(state, Reports.sample(0, nan, List.of()), Reports.at(0));
        assertThat(absurd.rejection().orElseThrow().kind()).isEqualTo(Rejection.Kind.INVALID);
        assertThat(absurd.reason()).contains("NaN", "mend the worker's measurement");
    }

    @Test
    void shouldGiveLevelsByWeightAndKeepThem() {
        for (int i = 0; i < 15; i++) {
            window(0, Reports.tenant("heavy", 5, 8_000, 8), Reports.tenant("light", 1, 8_000, 8));
        }
        TenantLevel heavy = state.published().level(new TenantId("heavy")).orElseThrow();
        TenantLevel light = state.published().level(new TenantId("light")).orElseThrow();
        assertThat(heavy.lanes() * heavy.admission()).isGreaterThan(light.lanes() * light.admission());
        List<TenantLevel> levels = state.levels();
        long since = state.levelsSinceNanos();
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 100; i++) {
            double noise = 1 + 0.02 * random.nextDouble(-1, 1);
            window(0, Reports.tenant("heavy", 5, 8_000 * noise, 8), Reports.tenant("light", 1, 8_000 / noise, 8));
        }
        assertThat(state.levels()).as("noise changes nothing").isEqualTo(levels);
        assertThat(state.levelsSinceNanos()).isEqualTo(since);
    }

    @Test
    void shouldChangeLevelsNoMoreOftenThanTheSlowTimeScale() {
        SplittableRandom random = new SplittableRandom(2);
        List<Long> changes = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            long before = state.levelsSinceNanos();
            window(
                    0,
                    Reports.tenant("a", 1 + random.nextInt(9), 1_000 + random.nextInt(9_000), 1 + random.nextInt(15)),
                    Reports.tenant("b", 1 + random.nextInt(9), 1_000 + random.nextInt(9_000), 1 + random.nextInt(15)));
            if (state.levelsSinceNanos() != before) {
                changes.add(state.levelsSinceNanos());
            }
        }
        assertThat(changes).hasSizeGreaterThan(2);
        for (int i = 1; i < changes.size(); i++) {
            assertThat(changes.get(i) - changes.get(i - 1)).isGreaterThanOrEqualTo(policy.relevelNanos());
        }
    }

    @Test
    void shouldTakeBackALevelThatTheCacheCannotHold() {
        DeviceModel device = new DeviceModel(16, 0, 50e6, 0.1, 5, 0, 0, 0, 0, 1_000, 0);
        LimitPlanner other = new LimitPlanner(LimitPolicy.usual(device, OBJECTIVE));
        TenantId id = new TenantId("a");
        for (boolean large : new boolean[] {false, true}) {
            for (int i = 0; i < 25; i++) {
                OptionalDouble footprint = OptionalDouble.of(large ? 48e6 : 10e6);
                Tenant tenant = new Tenant(id, 1, 400, 4e7, 4e8, 0, Reports.UNKNOWN, footprint, Reports.UNKNOWN);
                GpuSample sample = Reports.sample(sequence, Reports.critical(100, 0, 1_000_000), List.of(tenant));
                take(other.onSample(state, sample, Reports.at(sequence)));
                take(other.onTimer(state, Reports.at(sequence)));
                sequence++;
            }
            assertThat(state.published().level(id).orElseThrow().none()).isEqualTo(large);
        }
    }

    @Test
    void shouldGiveShorterSlicesWhereTheObjectiveIsTight() {
        LimitPlanner tight = new LimitPlanner(LimitPolicy.usual(DeviceModel.plain(1), 1_230_000));
        LimitPlanner loose = new LimitPlanner(LimitPolicy.usual(DeviceModel.plain(1), 30_000_000));
        assertThat(slice(tight)).isLessThan(slice(loose));
    }

    private static long slice(LimitPlanner planner) {
        LimitState state = planner.announced(null, 1);
        for (int i = 0; i < 15; i++) {
            Tenant tenant = Reports.tenant("a", 1, 5_000, 1);
            GpuSample sample = Reports.sample(i, Reports.critical(100, 0, 1_000_000), List.of(tenant));
            state = planner.onSample(state, sample, Reports.at(i)).state();
            state = planner.onTimer(state, Reports.at(i)).state();
        }
        return state.published().level(new TenantId("a")).orElseThrow().sliceNanos();
    }

    @Test
    void shouldLeaveLevelsWhenTheObjectiveIsMissedEvenAlone() {
        for (int i = 0; i < 15; i++) {
            window(0, Reports.tenant("a", 1, 8_000, 8));
        }
        List<TenantLevel> levels = state.levels();
        for (int i = 0; i < 100; i++) {
            window(Reports.critical(100, 0, 5_000_000), Reports.tenant("a", 1, 8_000, 8));
        }
        assertThat(state.levels()).isEqualTo(levels);
        assertThat(log).contains("the objective would be missed even alone: levels stay");
    }

    @Test
    void shouldGoOnWithTheEpochAfterARestart() {
        window(0);
        long epoch = state.published().epoch();
        assertThat(planner.announced(state, 1)).isSameAs(state);
        LimitState restarted = planner.announced(state, 2);
        assertThat(restarted.published().none()).isTrue();
        GpuSample sample = Reports.gpu(
                2, 0, Reports.START, Reports.WINDOW, Reports.critical(10, 0, 1e6), List.of(), Reports.UNKNOWN);
        assertThat(planner.onSample(restarted, sample, Reports.START)
                        .limits()
                        .orElseThrow()
                        .epoch())
                .isGreaterThan(epoch);
    }

    @Test
    void shouldGiveTheSameLimitsForTheSameEvents() {
        SplittableRandom random = new SplittableRandom(4);
        LimitState again = state;
        for (int i = 0; i < 100; i++) {
            long violations = random.nextInt(3);
            long s = sequence;
            window(violations, Reports.tenant("a", 1, 8_000, 1 + i % 16));
            GpuSample sample = Reports.sample(
                    s,
                    Reports.critical(100, violations, 1_000_000),
                    List.of(Reports.tenant("a", 1, 8_000, 1 + i % 16)));
            again = planner.onSample(again, sample, Reports.at(s)).state();
            again = planner.onTimer(again, Reports.at(s)).state();
        }
        assertThat(again).isEqualTo(state);
    }

    @Test
    void shouldRejectTimeScalesThatAreTooNear() {
        assertThatThrownBy(() -> new LimitPolicy(
                        DeviceModel.plain(1),
                        AimdQuota.usual(0.01),
                        new LatencyObjective.Within(1),
                        0,
                        0,
                        Long.MAX_VALUE,
                        List.of(1L),
                        0,
                        0,
                        1,
                        1,
                        0,
                        100,
                        999,
                        0,
                        1,
                        1))
                .hasMessageContaining("ten times slower");
    }
}
