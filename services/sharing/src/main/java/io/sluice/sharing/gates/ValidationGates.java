package io.sluice.sharing.gates;

import io.sluice.sharing.SharingComparison;
import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.gates.Published.Halves;
import io.sluice.sharing.workload.Jobs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The gates that the simulated GPU has to pass before anything is claimed with it. Pairs are named: the calibration half
 * is {@link Jobs#CALIBRATION_HALF}, the other half was not looked at while fitting. V6 runs ECLIP's mixes on synthetic
 * kernels.
 */
public final class ValidationGates {
    private static final double FACTOR = 1.5;
    /** Policies that V1, V3, V4 and V5 look at. */
    public static final List<String> POLICIES = List.of(
            "mps", "mps-priority", "tgs", "time-slicing", "tally", "tally-scheduling-only", "tally-no-scheduling");

    private ValidationGates() {}

    /**
     * Runs every gate.
     *
     * @param seconds simulated time of each pair, at least 1; TGS needs 10 to settle
     * @param seeds runs per pair
     */
    public static List<GateCheck> run(double seconds, Long... seeds) {
        List<GateCheck> checks = new ArrayList<>(pairs(seconds, seeds));
        checks.addAll(closedLoop(seconds));
        checks.addAll(PoolGates.run(Math.min(1, seconds)));
        checks.addAll(preemption(seconds));
        checks.addAll(micro());
        return checks;
    }

    /** V1, V3, V4 and V5: BERT beside the six jobs under {@link #POLICIES}. */
    public static List<GateCheck> pairs(double seconds, Long... seeds) {
        Map<String, List<SharingResult>> results = new LinkedHashMap<>();
        POLICIES.forEach(policy -> results.put(policy, new ArrayList<>()));
        for (SharingScenario pair : scenarios(seconds, seeds)) {
            SharingComparison.compare(POLICIES, pair)
                    .forEach(result -> results.get(result.policy()).add(result));
        }
        return judge(results);
    }

    /** What V1, V3, V4 and V5 are judged by: BERT beside each of the six jobs at half load. */
    public static List<SharingScenario> scenarios(double seconds, Long... seeds) {
        return Jobs.BEST_EFFORT.stream()
                .map(job -> SharingScenario.pair("bert", job, 0.5, seconds).withSeeds(seeds))
                .toList();
    }

    /** V1, V3, V4 and V5 from results in the {@link #scenarios}, by policy. */
    public static List<GateCheck> judge(Map<String, List<SharingResult>> byPolicy) {
        Map<String, Map<String, SharingResult>> results = new LinkedHashMap<>();
        for (String policy : POLICIES) {
            for (SharingResult result : byPolicy.get(policy)) {
                results.computeIfAbsent(result.scenario().bestEffort().get(0), job -> new LinkedHashMap<>())
                        .put(policy, result);
            }
        }
        List<GateCheck> checks = new ArrayList<>();
        checks.addAll(timeSlicing(results));
        checks.addAll(systems(results));
        checks.addAll(ablation(results));
        checks.addAll(throughput(results));
        return checks;
    }

    /** V6: ECLIP's seven mixes with four choices of pools. */
    public static List<GateCheck> pools(double seconds) {
        return PoolGates.run(seconds);
    }

    /** V8 and V9 alone: they take a second. */
    public static List<GateCheck> micro() {
        List<GateCheck> checks = new ArrayList<>(AtomGates.run());
        checks.addAll(MicroGates.run());
        return checks;
    }

    private static List<GateCheck> timeSlicing(Map<String, Map<String, SharingResult>> results) {
        List<GateCheck> checks = new ArrayList<>();
        results.forEach((job, byPolicy) -> checks.add(GateCheck.within(
                "V1",
                "p99 ms of BERT under time slicing beside " + job,
                Jobs.HELD_OUT_HALF.contains(job),
                byPolicy.get("time-slicing").serviceP99Nanos() / 1e6,
                Published.TIME_SLICING_P99_MS,
                0.05 * Published.TIME_SLICING_P99_MS)));
        return checks;
    }

    /** V2: a server ends as many requests as arrive, or as fit one after the other. */
    public static List<GateCheck> closedLoop(double seconds) {
        List<GateCheck> checks = new ArrayList<>();
        for (String policy : List.of("time-slicing", "mps", "tally")) {
            for (String job : List.of("resnet50-train", "bert-train")) {
                SharingScenario pair = SharingScenario.pair("bert", job, 0.5, Math.min(4, seconds))
                        .withTraffic(Traffic.CONSTANT)
                        .withSeeds(1L);
                SharingResult result = SharingComparison.run(policy, pair);
                checks.add(GateCheck.within(
                        "V2",
                        "throughput of BERT beside " + job + ", " + policy,
                        true,
                        result.criticalThroughput(),
                        Math.min(1, 1 / result.utilisation()),
                        0.02));
            }
        }
        return checks;
    }

    private static double overheadPercent(
            Map<String, Map<String, SharingResult>> results, List<String> jobs, String policy) {
        double sum = 0;
        for (String job : jobs) {
            sum += results.get(job).get(policy).serviceOverhead();
        }
        return 100 * sum / jobs.size();
    }

    private static List<GateCheck> systems(Map<String, Map<String, SharingResult>> results) {
        List<GateCheck> checks = new ArrayList<>();
        for (String system : Published.SYSTEMS) {
            Halves halves = Published.OVERHEAD_PERCENT.get(system);
            double seen = overheadPercent(results, Jobs.CALIBRATION_HALF, system);
            double other = overheadPercent(results, Jobs.HELD_OUT_HALF, system);
            String what = "mean p99 overhead %, " + system;
            if (system.equals("tally")) {
                checks.add(GateCheck.within("V3", what, false, seen, halves.calibration(), 3));
                checks.add(GateCheck.within("V3", what, true, other, halves.heldOut(), 3));
            } else {
                checks.add(GateCheck.factor("V3", what, false, seen, halves.calibration(), FACTOR));
                checks.add(GateCheck.factor("V3", what, true, other, halves.heldOut(), FACTOR));
            }
        }
        List<String> order = new ArrayList<>(Published.SYSTEMS);
        order.sort(Comparator.comparingDouble(s -> -overheadPercent(results, Jobs.BEST_EFFORT, s)));
        int inPlace = 0;
        for (int i = 0; i < order.size(); i++) {
            inPlace += order.get(i).equals(Published.SYSTEMS.get(i)) ? 1 : 0;
        }
        checks.add(GateCheck.within("V3", "systems in their place, worst first: " + order, true, inPlace, 5, 0));
        return checks;
    }

    private static List<GateCheck> ablation(Map<String, Map<String, SharingResult>> results) {
        List<GateCheck> checks = new ArrayList<>();
        for (String policy : List.of("tally-scheduling-only", "tally-no-scheduling")) {
            Halves halves = Published.OVERHEAD_PERCENT.get(policy);
            double seen = overheadPercent(results, Jobs.CALIBRATION_HALF, policy);
            double other = overheadPercent(results, Jobs.HELD_OUT_HALF, policy);
            String what = "mean p99 overhead %, " + policy;
            String why = policy.equals("tally-no-scheduling") ? Shortfalls.NO_SCHEDULING : "";
            checks.add(GateCheck.factor("V4", what, false, seen, halves.calibration(), FACTOR));
            checks.add(GateCheck.factor("V4", what, true, other, halves.heldOut(), FACTOR)
                    .because(why));
        }
        return checks;
    }

    private static List<GateCheck> throughput(Map<String, Map<String, SharingResult>> results) {
        double tally = 0;
        double ratio = 0;
        for (Map<String, SharingResult> byPolicy : results.values()) {
            SharingResult result = byPolicy.get("tally");
            tally += result.bestEffortThroughput() / results.size();
            ratio += result.systemThroughput() / byPolicy.get("tgs").systemThroughput() / results.size();
        }
        String best = "best-effort throughput under tally, six jobs";
        String system = "system throughput, tally over tgs, six jobs";
        return List.of(
                GateCheck.within("V5", best, true, tally, Published.TALLY_BEST_EFFORT, 0.05)
                        .because(Shortfalls.TALLY_THROUGHPUT),
                GateCheck.within("V5", system, true, ratio, Published.TALLY_OVER_TGS, 0.05));
    }

    /** V7: GPreempt's workloads of one latency-critical task and batches of inference. */
    public static List<GateCheck> preemption(double seconds) {
        return PreemptionGates.run(Math.min(4, seconds));
    }
}
