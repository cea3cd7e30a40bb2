package io.sluice.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.workload.Jobs;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SharingComparisonTest {
    private static SharingScenario pair(String bestEffort, double seconds) {
        return SharingScenario.pair("bert", bestEffort, 0.5, seconds).withSeeds(1L);
    }

    @Test
    void shouldGiveTheSameResultForTheSameSeed() {
        for (String policy : SharingPolicies.NAMES) {
            SharingResult first = SharingComparison.run(policy, pair("gpt2-large", 0.3));
            SharingResult second = SharingComparison.run(policy, pair("gpt2-large", 0.3));
            assertThat(second).usingRecursiveComparison().as(policy).isEqualTo(first);
        }
    }

    @Test
    void shouldServeAsManyRequestsAsArriveOrAsFitOneAfterTheOther() {
        for (String policy : List.of("mps-priority", "time-slicing", "tally")) {
            SharingResult result =
                    SharingComparison.run(policy, pair("bert-train", 4).withTraffic(Traffic.CONSTANT));
            double expected = Math.min(1, 1 / result.utilisation());
            assertThat(result.criticalThroughput()).as(policy).isCloseTo(expected, within(0.02));
        }
    }

    @Test
    void shouldKeepTheTailOfTimeSlicingWhateverTheBestEffortJob() {
        for (String job : Jobs.BEST_EFFORT) {
            SharingResult result = SharingComparison.run("time-slicing", pair(job, 1.5));
            assertThat(result.serviceP99Nanos() / 1e6).as(job).isBetween(11.15 * 0.95, 11.15 * 1.05);
        }
    }

    @Test
    void shouldRunNoBestEffortWorkUnderNone() {
        SharingResult result = SharingComparison.run("none", pair("whisper", 0.5));
        assertThat(result.bestEffortThroughput()).isZero();
        assertThat(result.serviceOverhead()).isZero();
        assertThat(result.serviceMeanNanos()).isCloseTo(4.04e6, within(0.05e6));
    }

    @Test
    void shouldOrderThePoliciesAsMeasured() {
        List<SharingResult> results = SharingComparison.compare(
                List.of("tally", "tally-scheduling-only", "mps-priority", "mps"), pair("whisper", 3));
        assertThat(results).extracting(SharingResult::serviceP99Nanos).isSorted();
        assertThat(results.get(0).bestEffortThroughput())
                .isLessThan(results.get(1).bestEffortThroughput());
        assertThat(results.get(1).bestEffortThroughput())
                .isLessThan(results.get(2).bestEffortThroughput());
    }

    @Test
    void shouldCallAServerOverloadedWhoseUtilisationReachesOne() {
        SharingResult result = SharingComparison.run("time-slicing", pair("resnet50-train", 2));
        assertThat(result.utilisation()).isGreaterThan(1);
        assertThat(result.overloaded()).isTrue();
        assertThat(SharingComparison.run("tally", pair("resnet50-train", 2)).overloaded())
                .isFalse();
    }

    @Test
    void shouldMissTheObjectiveInOneOfAHundredRequestsAtMostAfterALoadStep() {
        SharingScenario step = SharingScenario.pair("bert", "whisper", 0.5, 4).withTraffic(Traffic.STEP);
        List<StepResponse> after = SharingComparison.afterStep(List.of("sluice", "mps"), step, 1_000_000_000L);
        StepResponse ours = after.get(0);
        assertThat(ours.requests()).isGreaterThan(500);
        assertThat(ours.serviceViolations()).isLessThanOrEqualTo(0.01);
        assertThat(ours.responseViolations()).isGreaterThanOrEqualTo(ours.responseViolationsAlone());
        assertThat(after.get(1).serviceViolations()).isGreaterThan(0.1);
    }

    @Test
    void shouldRejectTheResponseToAStepWithoutAStep() {
        assertThatThrownBy(() -> SharingComparison.afterStep(List.of("sluice"), pair("whisper", 1), 1_000_000))
                .hasMessageContaining("traffic MAF2");
    }

    @Test
    void shouldNameWhatDoesNotExist() {
        assertThatThrownBy(() -> SharingPolicies.named("magic")).hasMessageContaining("no sharing policy magic");
        assertThatThrownBy(() -> SharingComparison.run("mps", pair("doom", 1)))
                .hasMessageContaining("no best-effort job");
        assertThatThrownBy(() -> SharingScenario.pair("bert", "whisper", 0, 1)).hasMessageContaining("load 0.0");
    }
}
