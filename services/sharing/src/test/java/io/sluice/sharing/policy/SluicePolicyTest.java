package io.sluice.sharing.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Jobs;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class SluicePolicyTest {
    private static final long SECOND = 1_000_000_000;

    private static SharedGpu device(SharingPolicy policy, String job) {
        SharedGpu shared = new SharedGpu(Devices.A100, Calibration.DEFAULT, policy);
        long[] arrivals = Arrivals.poisson(120, 4 * SECOND, 3);
        shared.serve(Jobs.critical("bert", Devices.A100, Calibration.DEFAULT), arrivals, 3);
        shared.add(Jobs.bestEffort(job, Devices.A100, Calibration.DEFAULT));
        return shared;
    }

    @Test
    void shouldStopBestEffortWorkAtAQuotaOfZero() {
        SluicePolicy policy = new SluicePolicy(0); // every request violates
        SharedGpu shared = device(policy, "resnet50-train");
        shared.run(SECOND);
        assertThat(policy.quota()).isZero();
        double done = shared.clients().get(0).doneNanos();
        assertThat(done).isPositive();
        shared.run(4 * SECOND);
        assertThat(shared.clients().get(0).doneNanos()).isEqualTo(done);
        assertThat(shared.clients().get(0).inFlight()).isNull();
    }

    @Test
    void shouldKeepTheViolationsOfAnObjectiveWithinTheBoundOfTheLaw() {
        long objective = 4_420_000;
        for (String job : Jobs.BEST_EFFORT) {
            SharedGpu shared = device(new SluicePolicy(objective), job);
            shared.gpu()
                    .afterEvent(() -> assertThat(shared.gpu().overSubscribed()).isFalse());
            shared.run(4 * SECOND);
            long[] service = shared.critical().serviceNanos(0);
            double violations =
                    Arrays.stream(service).filter(n -> n > objective).count() / (double) service.length;
            assertThat(violations)
                    .as(job)
                    .isLessThanOrEqualTo(
                            ConformalQuota.usual(SluicePolicy.TARGET).bound(service.length, 0));
            assertThat(shared.clients().get(0).doneNanos()).as(job).isPositive();
        }
    }

    @Test
    void shouldDoMoreBestEffortWorkThanExclusivePhasesDo() {
        for (String job : Jobs.CALIBRATION_HALF) {
            SharedGpu ours = device(new SluicePolicy(4_420_000), job);
            SharedGpu tally = device(SharingPolicies.named("tally"), job);
            ours.run(4 * SECOND);
            tally.run(4 * SECOND);
            assertThat(ours.clients().get(0).doneNanos())
                    .as(job)
                    .isGreaterThan(tally.clients().get(0).doneNanos());
        }
    }
}
