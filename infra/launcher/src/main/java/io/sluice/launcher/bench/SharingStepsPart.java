package io.sluice.launcher.bench;

import io.sluice.sharing.SharingComparison;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.policy.CriticalServer;
import io.sluice.sharing.policy.SharedGpu;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Jobs;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * BERT's load steps from 0.1 to 0.9 of its capacity: requests that arrive within a second of the step and are late. Late is
 * more than 1.1 times the p99 that the same requests have alone, by response and by service time. No policy is told of the
 * step, and nothing is profiled again.
 */
final class SharingStepsPart {
    private static final long SECOND = 1_000_000_000L;
    private static final long STEP_NANOS = 4 * SECOND;
    private static final long END_NANOS = STEP_NANOS + SECOND;
    /** By then even a long queue is served: nothing arrives after the end. */
    private static final long DRAINED_NANOS = END_NANOS + 3 * SECOND;

    private static final double BEFORE = 0.1;
    private static final double AFTER = 0.9;
    private static final double LATE = 1.1;
    private static final String SERVER = "bert";

    private final SharingRuns runs;
    private final BenchReport report;

    SharingStepsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    /** Times of the requests of all seeds that arrived after the step, ascending, nanoseconds. */
    private record Times(long[] service, long[] response) {
        /** Value that 99 % do not exceed. */
        static long p99(long[] sorted) {
            return sorted[(int) Math.ceil(0.99 * sorted.length) - 1];
        }

        static double over(long[] times, double limit) {
            return (double) Arrays.stream(times).filter(t -> t > limit).count() / times.length;
        }
    }

    void run() {
        Long[] seeds =
                SharingRuns.seeds(runs.quick() ? 5 : Math.max(20, runs.setting().rounds()));
        List<String> jobs = runs.jobs(Jobs.BEST_EFFORT);
        double[] response = new double[3];
        double[] service = new double[2];
        int requests = 0;
        for (String job : jobs) {
            runs.setting().progress("steps: " + SERVER + " beside " + job + ", load " + BEFORE + " to " + AFTER);
            SharingScenario scenario = SharingScenario.pair(SERVER, job, 0.5, 2 * STEP_NANOS / 1e9)
                    .withTraffic(Traffic.STEP)
                    .withSeeds(1L);
            long objective = SharingComparison.objectiveNanos(scenario);
            Times alone = times("none", Long.MAX_VALUE, scenario, seeds);
            Times ours = times(SharingRuns.OURS, objective, scenario, seeds);
            Times tally = times(SharingRuns.BASELINE, objective, scenario, seeds);
            double lateResponse = LATE * Times.p99(alone.response());
            double lateService = LATE * Times.p99(alone.service());
            response[0] += Times.over(ours.response(), lateResponse) / jobs.size();
            response[1] += Times.over(tally.response(), lateResponse) / jobs.size();
            response[2] += Times.over(alone.response(), lateResponse) / jobs.size();
            service[0] += Times.over(ours.service(), lateService) / jobs.size();
            service[1] += Times.over(tally.service(), lateService) / jobs.size();
            requests += ours.response().length;
        }
        report.add("sharing.step.violations_1s", "part", response[0], response[1], "value <= 0.01");
        report.add("sharing.step.service_violations_1s", "part", service[0], service[1], "value <= 0.01");
        report.add("sharing.step.violations_1s_alone", "part", response[2]);
        report.note(
                "steps: " + SERVER + "'s load goes from " + BEFORE + " to " + AFTER + " at once, beside "
                        + String.join(", ", jobs) + ", " + seeds.length + " seeds, " + requests
                        + " requests that arrive within 1 s of the step; late: over 1.1 times the p99 of the same requests alone");
    }

    private static Times times(String policy, long objectiveNanos, SharingScenario scenario, Long[] seeds) {
        Program program = Jobs.critical(scenario.critical(), scenario.device(), scenario.calibration());
        double perSecond = 1e9 / program.deviceNanos(scenario.device());
        List<Long> service = new ArrayList<>();
        List<Long> response = new ArrayList<>();
        for (long seed : seeds) {
            SharedGpu shared = new SharedGpu(
                    scenario.device(), scenario.calibration(), SharingPolicies.named(policy, objectiveNanos));
            long[] arrivals = Arrivals.step(BEFORE * perSecond, AFTER * perSecond, STEP_NANOS, END_NANOS, seed);
            CriticalServer server = shared.serve(program, arrivals, seed);
            for (String job : scenario.bestEffort()) {
                shared.add(Jobs.bestEffort(job, scenario.device(), scenario.calibration()));
            }
            shared.run(DRAINED_NANOS);
            Arrays.stream(server.serviceNanos(STEP_NANOS)).forEach(service::add);
            Arrays.stream(server.responseNanos(STEP_NANOS)).forEach(response::add);
            Arrays.stream(server.waitingNanos(STEP_NANOS)).forEach(response::add);
        }
        return new Times(sorted(service), sorted(response));
    }

    private static long[] sorted(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).sorted().toArray();
    }
}
