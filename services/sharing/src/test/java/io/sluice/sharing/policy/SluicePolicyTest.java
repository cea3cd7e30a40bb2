package io.sluice.sharing.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.GateSettings;
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
    void shouldWorkBesideRequestsOnlyWhereThatCostsLittle() {
        double knee = GateSettings.spatial(Devices.A100.sms()).knee();
        SluicePolicy full = new SluicePolicy(4_500_000);
        device(full, "bert-train").run(4 * SECOND);
        double first = knee + (1 - knee) * SluicePolicy.FIRST_BESIDE;
        assertThat(full.quota()).as("BERT fills the device").isBetween(knee, first - 0.005);

        SluicePolicy partly = new SluicePolicy(2_200_000_000L);
        SharedGpu shared = new SharedGpu(Devices.A100, Calibration.DEFAULT, partly);
        shared.serve(Jobs.llama(Devices.A100, 190), new long[] {0, 3 * SECOND}, 1);
        shared.add(Jobs.bestEffort("bert-train", Devices.A100, Calibration.DEFAULT));
        shared.run(6 * SECOND);
        assertThat(shared.critical().ended()).isEqualTo(2);
        assertThat(partly.quota()).as("Llama leaves room").isGreaterThanOrEqualTo(first);
    }

    @Test
    void shouldRunNothingBesideARequestWhileAnotherWaits() {
        assertThat(doneInTheSecondHalfOfTheFirstRequest(SECOND / 4, 3 * SECOND)).isPositive();
        assertThat(doneInTheSecondHalfOfTheFirstRequest(SECOND / 4, SECOND / 2)).isZero();
    }

    private static double doneInTheSecondHalfOfTheFirstRequest(long... arrivals) {
        SharedGpu shared = new SharedGpu(Devices.A100, Calibration.DEFAULT, new SluicePolicy(2_200_000_000L));
        shared.serve(Jobs.llama(Devices.A100, 190), arrivals, 1);
        shared.add(Jobs.bestEffort("bert-train", Devices.A100, Calibration.DEFAULT));
        shared.run(SECOND);
        double before = shared.clients().get(0).doneNanos();
        shared.run(SECOND + SECOND / 2);
        assertThat(shared.critical().ended()).isZero();
        return shared.clients().get(0).doneNanos() - before;
    }

    @Test
    void shouldSayWhereItsTimeWent() {
        SluicePolicy policy = new SluicePolicy(4_500_000);
        SharedGpu shared = device(policy, "resnet50-train");
        shared.run(SECOND);
        assertThat(policy.account())
                .contains("no request: best-effort work runs")
                .contains("beside a request: latency-critical work is there")
                .contains("requests " + shared.critical().ended() + "; take-over delays "
                        + shared.critical().takeovers());
        double percent = policy.account()
                .lines()
                .filter(line -> line.contains(" % "))
                .mapToDouble(line -> Double.parseDouble(line.substring(0, line.indexOf('%'))))
                .sum();
        assertThat(percent).isCloseTo(100, within(0.1));
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
