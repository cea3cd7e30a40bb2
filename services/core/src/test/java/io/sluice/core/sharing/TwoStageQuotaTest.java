package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class TwoStageQuotaTest {
    private static final long OBJECTIVE = 1_100;
    private static final long BESIDE = 1_030;
    private static final double KNEE = 0.1;
    private static final long GAP = 1_000_000;

    private static TwoStageQuota quota(double firstBeside) {
        return new TwoStageQuota(ConformalQuota.usual(0.01), KNEE, OBJECTIVE, BESIDE, firstBeside);
    }

    @Test
    void shouldKeepTheIdleTimeWhenOnlyTheTighterObjectiveIsMissed() {
        TwoStageQuota quota = quota(0.5);
        assertThat(quota.quota()).isGreaterThan(KNEE);
        for (int i = 1; i <= 1_000; i++) {
            quota.observe(i % 10 == 0 ? BESIDE + 1 : BESIDE, i * GAP);
        }
        assertThat(quota.quota()).isEqualTo(KNEE);
        assertThat(quota.violations()).isZero();
    }

    @Test
    void shouldStopEverythingWhenTheObjectiveIsMissed() {
        TwoStageQuota quota = quota(0.5);
        for (int i = 1; i <= 30; i++) {
            quota.observe(OBJECTIVE + 1, i * GAP);
        }
        assertThat(quota.quota()).isZero();
        assertThat(quota.violations()).isEqualTo(quota.requests()).isEqualTo(30);
    }

    @Test
    void shouldGiveMoreLanesWhileBothObjectivesAreKept() {
        TwoStageQuota quota = quota(0);
        assertThat(quota.quota()).isEqualTo(KNEE);
        for (int i = 1; i <= 3_000; i++) {
            double before = quota.quota();
            assertThat(quota.observe(BESIDE, i * GAP)).isGreaterThanOrEqualTo(before);
        }
        assertThat(quota.quota()).isEqualTo(1);
    }

    @Test
    void shouldKeepTheBoundOfTheLawWhateverTheDeviceDoes() {
        ConformalQuota law = ConformalQuota.usual(0.01);
        for (int seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            double risk = random.nextDouble();
            TwoStageQuota quota = quota(random.nextDouble());
            int missed = 0;
            for (int i = 1; i <= 2_000; i++) {
                boolean miss = quota.quota() > 0 && random.nextDouble() < risk;
                missed += miss ? 1 : 0;
                quota.observe(miss ? OBJECTIVE + 1 : random.nextLong(OBJECTIVE + 1), i * GAP);
                assertThat((double) missed / i)
                        .as("seed %d, request %d", seed, i)
                        .isLessThanOrEqualTo(law.bound(i, 0));
            }
        }
    }

    @Test
    void shouldRejectAnObjectiveBesideRequestsThatIsLooser() {
        assertThatThrownBy(() -> new TwoStageQuota(ConformalQuota.usual(0.01), KNEE, 10, 11, 0))
                .hasMessageContaining("11 ns, is looser than the objective of 10 ns");
        assertThatThrownBy(() -> new TwoStageQuota(ConformalQuota.usual(0.01), 1, 10, 10, 0))
                .hasMessageContaining("knee is 1.0");
    }
}
