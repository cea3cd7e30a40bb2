package io.sluice.launcher.bench;

import io.sluice.sharing.SharingComparison;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.StepResponse;
import io.sluice.sharing.workload.Jobs;
import java.util.List;

/**
 * BERT's load steps from 0.1 to 0.9 of its capacity: requests that arrive within a second of the step and are late. Late is
 * more than 1.1 times the p99 that the same requests have alone, by response and by service time. No policy is told of the
 * step, and nothing is profiled again.
 */
final class SharingStepsPart {
    private static final long WINDOW_NANOS = 1_000_000_000L;
    /** The step is in the middle. What arrives in the window has half a second more to end in. */
    private static final double SECONDS = 3;

    private static final String SERVER = "bert";

    private final SharingRuns runs;
    private final BenchReport report;

    SharingStepsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        Long[] seeds =
                SharingRuns.seeds(runs.quick() ? 5 : Math.max(20, runs.setting().rounds()));
        List<String> jobs = runs.jobs(Jobs.BEST_EFFORT);
        double[] response = new double[3];
        double[] service = new double[2];
        int requests = 0;
        for (String job : jobs) {
            runs.setting().progress("steps: " + SERVER + " beside " + job + ", load 0.1 to 0.9");
            SharingScenario scenario = SharingScenario.pair(SERVER, job, 0.5, SECONDS)
                    .withTraffic(Traffic.STEP)
                    .withSeeds(seeds);
            List<StepResponse> after = SharingComparison.afterStep(
                    List.of(SharingRuns.OURS, SharingRuns.BASELINE), scenario, WINDOW_NANOS);
            for (int i = 0; i < after.size(); i++) {
                response[i] += after.get(i).responseViolations() / jobs.size();
                service[i] += after.get(i).serviceViolations() / jobs.size();
            }
            response[2] += after.get(0).responseViolationsAlone() / jobs.size();
            requests += after.get(0).requests();
        }
        report.add("sharing.step.violations_1s", "part", response[0], response[1], "value <= 0.01");
        report.add("sharing.step.service_violations_1s", "part", service[0], service[1], "value <= 0.01");
        report.add("sharing.step.violations_1s_alone", "part", response[2]);
        report.note(
                "steps: " + SERVER + "'s load goes from 0.1 to 0.9 at once, beside " + String.join(", ", jobs) + ", "
                        + seeds.length + " seeds, " + requests
                        + " requests that arrive within 1 s of the step; late: over 1.1 times the p99 of the same requests alone");
    }
}
