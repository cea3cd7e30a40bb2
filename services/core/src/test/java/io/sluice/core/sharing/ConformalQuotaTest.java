package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ConformalQuotaTest {
    private static final long NEVER_MIND = 0;

    /** Somebody who decides whether a request violates, knowing the quota it ran under. */
    private interface Adversary {
        boolean violates(double quota, int request, SplittableRandom random);
    }

    private static final Adversary[] ADVERSARIES = {
        (q, i, r) -> true,
        (q, i, r) -> r.nextDouble() < q,
        (q, i, r) -> r.nextDouble() < 0.3,
        (q, i, r) -> q > 0.05,
        (q, i, r) -> i % 7 == 0,
        (q, i, r) -> (i / 500) % 2 == 1,
        (q, i, r) -> q > 0.2 + 0.2 * Math.sin(i / 100.0),
        (q, i, r) -> r.nextDouble() < q * q && (i / 50) % 3 != 0,
    };

    private static ConformalQuota law(double target, double step, int delay) {
        return new ConformalQuota(target, step, delay, 0, 0.1);
    }

    /** Best-effort work that is stopped violates nothing; feedback comes {@code law.delayRequests()} requests late. */
    private static void play(ConformalQuota law, Adversary adversary, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        QuotaState state = QuotaState.startingAt(random.nextDouble());
        Deque<Boolean> underWay = new ArrayDeque<>();
        long violations = 0;
        for (int i = 1; i <= 5_000; i++) {
            underWay.add(state.quota() > 0 && adversary.violates(state.quota(), i, random));
            if (underWay.size() > law.delayRequests()) {
                boolean violated = underWay.remove();
                violations += violated ? 1 : 0;
                state = law.observe(state, SloReport.one(violated, 1), i);
                assertThat((double) violations / state.requests())
                        .as("seed %d, request %d, %s", seed, i, law)
                        .isLessThanOrEqualTo(law.bound(state.requests(), 0) + 1e-9);
            }
        }
        assertThat(state.violations()).isEqualTo(violations);
    }

    @Test
    void shouldKeepTheLongRunBoundAgainstAnyAdversary() {
        for (long seed = 0; seed < 20; seed++) {
            for (Adversary adversary : ADVERSARIES) {
                play(law(0.01, 0.05, 0), adversary, seed);
                play(law(0.05, 0.2, 0), adversary, seed);
                play(law(0.01, 0.05, 12), adversary, seed);
            }
        }
    }

    @Test
    void shouldKeepTheBoundWithGuardAndRises() {
        ConformalQuota law = new ConformalQuota(0.02, 0.05, 0, 40, 0.1);
        for (long seed = 0; seed < 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            QuotaState state = QuotaState.startingAt(1);
            long violations = 0;
            for (int i = 1; i <= 5_000; i++) {
                boolean violated = state.quota() > 0 && random.nextDouble() < state.quota();
                violations += violated ? 1 : 0;
                state = law.observe(state, SloReport.one(violated, Double.NaN), i);
                if (i % 500 == 0) {
                    state = law.raise(state, random.nextDouble(), i);
                    state = law.cap(state, 0.8);
                }
                assertThat((double) violations / i).isLessThanOrEqualTo(law.bound(i, state.raised()) + 1e-9);
            }
            assertThat(state.raised()).isPositive();
        }
    }

    @Test
    void shouldNeedTheDebtForItsBound() {
        // The same law clipped at 0, against a device that violates whenever best-effort work runs.
        double q = 1;
        int clipped = 0;
        for (int i = 0; i < 10_000; i++) {
            boolean violated = q > 0;
            clipped += violated ? 1 : 0;
            q = Math.clamp(q + 0.05 * (0.01 - (violated ? 1 : 0)), 0.0, 1.0);
        }
        QuotaState state = QuotaState.startingAt(1);
        ConformalQuota law = law(0.01, 0.05, 0);
        for (int i = 0; i < 10_000; i++) {
            state = law.observe(state, SloReport.one(state.quota() > 0, 1), NEVER_MIND);
        }
        assertThat(clipped).isGreaterThan(4_900);
        assertThat(state.violations() / 10_000.0).isLessThanOrEqualTo(law.bound(10_000, 0));
    }

    @Test
    void shouldSettleNearTheTargetOfADeviceThatIsSmooth() {
        // A violation is as likely as 4 % of the quota: the target of 1 % is met at a quota of a quarter.
        ConformalQuota law = new ConformalQuota(0.01, 0.01, 0, 0, 0.1);
        SplittableRandom random = new SplittableRandom(11);
        QuotaState state = QuotaState.startingAt(0);
        double sum = 0;
        for (int i = 0; i < 200_000; i++) {
            state = law.observe(state, SloReport.one(random.nextDouble() < 0.04 * state.quota(), 1), i);
            sum += state.quota();
        }
        assertThat(state.violations() / 200_000.0).isBetween(0.005, 0.0101);
        assertThat(sum / 200_000).isBetween(0.12, 0.3);
    }

    @Test
    void shouldKeepATargetThatTheBaselineMisses() {
        // A violation is as likely as 4 % of the quota.
        double[] share = new double[2];
        QuotaLaw[] laws = {ConformalQuota.usual(0.01), AimdQuota.usual(0.01)};
        for (int l = 0; l < laws.length; l++) {
            SplittableRandom random = new SplittableRandom(5);
            QuotaState state = QuotaState.startingAt(0);
            for (int i = 0; i < 50_000; i++) {
                boolean violated = random.nextDouble() < 0.04 * state.quota();
                state = laws[l].observe(state, SloReport.one(violated, 1), 1_000_000L * i);
            }
            share[l] = state.violations() / 50_000.0;
        }
        assertThat(share[0]).isLessThan(0.0105);
        assertThat(share[1]).isGreaterThan(0.02);
    }

    @Test
    void shouldFollowADeviceThatChanges() {
        // Nothing violates, then all beyond a tenth of the device does, then nothing again.
        ConformalQuota law = ConformalQuota.usual(0.01);
        QuotaState state = QuotaState.startingAt(1);
        int after = 0;
        for (int i = 0; i < 6_000; i++) {
            boolean narrow = i >= 2_000 && i < 4_000;
            boolean violated = narrow && state.quota() > 0.1;
            after += violated ? 1 : 0;
            state = law.observe(state, SloReport.one(violated, 1), 1_000_000L * i);
            if (i == 2_200) {
                assertThat(state.quota()).as("200 requests after the step").isLessThanOrEqualTo(0.1005);
            }
        }
        assertThat(after)
                .as("violations of the whole phase, one percent of 2,000 and the way down")
                .isLessThan(40);
        assertThat(state.quota()).isGreaterThan(0.9);
    }

    @Test
    void shouldHalveAndHoldAfterTwoViolationsInTwenty() {
        ConformalQuota law = new ConformalQuota(0.01, 0.05, 0, 1_000, 0.1);
        QuotaState state = law.observe(QuotaState.startingAt(0.8), SloReport.one(true, 1), 10);
        assertThat(state.quota()).isGreaterThan(0.74);
        for (int i = 0; i < 18; i++) {
            state = law.observe(state, SloReport.one(false, 1), 11 + i);
        }
        state = law.observe(state, SloReport.one(true, 1), 30);
        assertThat(state.quota()).isLessThan(0.4);
        double held = state.quota();
        state = law.observe(state, new SloReport(15, 0, 1), 1_000);
        assertThat(state.quota()).isEqualTo(held);
        state = law.observe(state, SloReport.one(false, 1), 1_030);
        assertThat(state.quota()).isGreaterThan(held);
    }

    @Test
    void shouldNotActOnViolationsFurtherApart() {
        ConformalQuota law = new ConformalQuota(0.01, 0.05, 0, 1_000, 0.1);
        QuotaState state = law.observe(QuotaState.startingAt(0.8), SloReport.one(true, 1), 10);
        for (int i = 0; i < 19; i++) {
            state = law.observe(state, SloReport.one(false, 1), 11 + i);
        }
        state = law.observe(state, SloReport.one(true, 1), 30);
        assertThat(state.quota()).isGreaterThan(0.7);
    }

    @Test
    void shouldFreezeWhenBestEffortWorkIsNotTheCause() {
        ConformalQuota law = ConformalQuota.usual(0.01);
        QuotaState before = QuotaState.startingAt(0.5);
        QuotaState after = law.observe(before, new SloReport(100, 40, 0.05), NEVER_MIND);
        assertThat(after.quota()).isEqualTo(0.5);
        assertThat(after.frozen()).isEqualTo(40);
        assertThat(law.observe(before, new SloReport(100, 40, 0.1), NEVER_MIND).quota())
                .isZero();
        assertThat(law.observe(before, new SloReport(100, 40, Double.NaN), NEVER_MIND)
                        .quota())
                .as("an unknown cause counts as ours")
                .isZero();
    }

    @Test
    void shouldComeBackFromZeroWhenRequestsKeepTheirObjective() {
        ConformalQuota law = law(0.01, 0.05, 0);
        QuotaState state = law.observe(QuotaState.startingAt(0.01), SloReport.one(true, 1), NEVER_MIND);
        assertThat(state.quota()).isZero();
        int requests = 0;
        while (state.quota() == 0 && requests < 1_000) {
            state = law.observe(state, SloReport.one(false, 1), NEVER_MIND);
            requests++;
        }
        assertThat(requests).as("a violation is paid back by 1/delta requests").isBetween(60, 101);
    }

    @Test
    void shouldNeverSinkBelowWhatBestEffortWorkCanOwe() {
        ConformalQuota law = law(0.01, 0.05, 3);
        QuotaState state = QuotaState.startingAt(0.3);
        for (int i = 0; i < 1_000; i++) {
            state = law.observe(state, SloReport.one(true, 1), NEVER_MIND);
        }
        assertThat(state.level()).isGreaterThanOrEqualTo(-0.05 * 4);
    }

    @Test
    void shouldKeepTheBoundWithLullsInWhichTheQuotaComesBack() {
        for (long seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            ConformalQuota law = law(0.01, 0.05, 0);
            QuotaState state = QuotaState.startingAt(1);
            long violations = 0;
            for (int i = 1; i <= 5_000; i++) {
                boolean violated = state.quota() > 0 && random.nextDouble() < 0.4;
                violations += violated ? 1 : 0;
                state = law.observe(state, SloReport.one(violated, 1), i);
                if (i % 400 == 0) {
                    state = law.idle(state, random.nextLong(12_000_000_000L), i);
                }
                assertThat((double) violations / i)
                        .as("seed %d, request %d", seed, i)
                        .isLessThanOrEqualTo(law.bound(i, state.raised()) + 1e-9);
            }
            assertThat(state.raised()).isPositive();
        }
    }

    @Test
    void shouldComeBackInALullFromADebtToEverything() {
        ConformalQuota law = law(0.01, 0.05, 0);
        QuotaState stopped = law.observe(QuotaState.startingAt(0.02), SloReport.one(true, 1), 0);
        assertThat(stopped.level()).isNegative();

        assertThat(law.idle(stopped, 5_000_000_000L, 1).quota()).isCloseTo(0.5, within(0.05));
        assertThat(law.idle(stopped, 60_000_000_000L, 1).quota()).isEqualTo(1);
        assertThat(law.idle(stopped, 0, 1)).isEqualTo(stopped);
        assertThatThrownBy(() -> law.idle(stopped, -1, 1)).hasMessageContaining("-1");
    }

    @Test
    void shouldNotJumpUpWithADebtOrDuringAHold() {
        ConformalQuota law = new ConformalQuota(0.01, 0.05, 0, 1_000, 0.1);
        QuotaState owing = law.observe(QuotaState.startingAt(0.01), SloReport.one(true, 1), 0);
        assertThat(law.raise(owing, 0.5, 10)).isEqualTo(owing);
        QuotaState held = law.observe(QuotaState.startingAt(0.5), new SloReport(20, 2, 1), 0);
        assertThat(law.raise(held, 0.5, 999)).isEqualTo(held);
        assertThat(law.raise(held, 0.5, 1_000).quota()).isEqualTo(0.5);
    }

    @Test
    void shouldChooseAStepThatIsStable() {
        assertThat(ConformalQuota.stepFor(0, 5)).isEqualTo(0.05);
        assertThat(ConformalQuota.stepFor(Double.NaN, 5)).isEqualTo(0.05);
        assertThat(ConformalQuota.stepFor(10, 5)).isLessThan(1 / (2 * 10 * 11.0));
    }

    @Test
    void shouldRejectSettingsThatPromiseNothing() {
        assertThatThrownBy(() -> ConformalQuota.usual(0)).hasMessageContaining("(0, 1)");
        assertThatThrownBy(() -> ConformalQuota.usual(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> law(0.01, 2, 0)).hasMessageContaining("step is 2.0");
        assertThatThrownBy(() -> new SloReport(3, 4, 0)).hasMessageContaining("4 violations among 3");
        assertThatThrownBy(() -> QuotaState.startingAt(1.5)).hasMessageContaining("1.5");
    }

    @Test
    void shouldLetTheBaselineFallByAFactorAndRiseByASummand() {
        AimdQuota aimd = AimdQuota.usual(0.01);
        QuotaState state = aimd.observe(QuotaState.startingAt(0.5), new SloReport(100, 2, 1), NEVER_MIND);
        assertThat(state.quota()).isEqualTo(0.35);
        assertThat(aimd.observe(state, new SloReport(100, 1, 1), NEVER_MIND).quota())
                .isCloseTo(0.4, within(1e-12));
        assertThat(aimd.observe(state, new SloReport(100, 50, 0.01), NEVER_MIND).quota())
                .isEqualTo(0.35);
        assertThat(aimd.observe(state, new SloReport(0, 0, 1), NEVER_MIND)).isEqualTo(state);
    }
}
