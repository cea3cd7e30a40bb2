package io.sluice.launcher.bench;

import io.sluice.sharing.SharingComparison;
import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;

/** Runs of the sharing benchmark and their means over pairs. */
final class SharingRuns {
    /** Whom Sluice is compared with. */
    static final String BASELINE = "tally";
    /** The policy that is judged. */
    static final String OURS = "sluice";

    private final Bench.Setting setting;
    private final Map<SharingScenario, Map<String, SharingResult>> known = new HashMap<>();

    SharingRuns(Bench.Setting setting) {
        this.setting = setting;
    }

    Bench.Setting setting() {
        return setting;
    }

    boolean quick() {
        return setting.quick();
    }

    /** Measured seconds of a pair with BERT: TGS needs 10 to settle. */
    double pairSeconds() {
        return quick() ? 4 : 10;
    }

    /** Seeds of every scenario. */
    Long[] seeds() {
        return seeds(quick() ? 1 : setting.rounds());
    }

    /** Seeds from 1 on. */
    static Long[] seeds(int count) {
        return LongStream.rangeClosed(1, count).boxed().toArray(Long[]::new);
    }

    /** Jobs beside the server, of both halves. */
    List<String> jobs(List<String> all) {
        return quick() ? List.of(all.get(0), all.get(all.size() / 2)) : all;
    }

    /** Results by policy, one per scenario; says what it does. What was run before is not run again. */
    Map<String, List<SharingResult>> run(String what, List<String> policies, List<SharingScenario> scenarios) {
        Map<String, List<SharingResult>> results = new LinkedHashMap<>();
        policies.forEach(policy -> results.put(policy, new ArrayList<>()));
        long began = System.nanoTime();
        for (SharingScenario scenario : scenarios) {
            setting.progress(String.format(
                    Locale.ROOT,
                    "%s: %s beside %s, load %.1f (%.0f s so far)",
                    what,
                    scenario.critical(),
                    String.join(" and ", scenario.bestEffort()),
                    scenario.load(),
                    (System.nanoTime() - began) / 1e9));
            Map<String, SharingResult> of = known.computeIfAbsent(scenario, s -> new HashMap<>());
            List<String> missing =
                    policies.stream().filter(policy -> !of.containsKey(policy)).toList();
            SharingComparison.compare(missing, scenario, result -> of.put(result.policy(), result));
            policies.forEach(policy -> results.get(policy).add(of.get(policy)));
        }
        return results;
    }

    /**
     * Means over scenarios.
     *
     * @param service p99 of service times above the p99 alone, part of 1
     * @param response the same of response times, of those scenarios that are not overloaded; NaN: of none
     * @param bestEffort throughput against the job alone
     * @param violations part of requests
     * @param utilisation mean service time over mean gap between arrivals
     * @param overloaded scenarios whose server is overloaded
     */
    record Means(
            double service,
            double response,
            double bestEffort,
            double violations,
            double joules,
            double utilisation,
            long overloaded) {
        static Means of(List<SharingResult> results) {
            return new Means(
                    mean(results, SharingResult::serviceOverhead),
                    mean(results.stream().filter(r -> !r.overloaded()).toList(), SharingResult::responseOverhead),
                    mean(results, SharingResult::bestEffortThroughput),
                    mean(results, SharingResult::violationRate),
                    mean(results, SharingResult::joules),
                    mean(results, SharingResult::utilisation),
                    results.stream().filter(SharingResult::overloaded).count());
        }

        private static double mean(
                List<SharingResult> results, java.util.function.ToDoubleFunction<SharingResult> figure) {
            return results.stream().mapToDouble(figure).average().orElse(Double.NaN);
        }
    }

    /** Rows on overheads of both p99s and on throughput: {@code name.p99_overhead.mean} and so on. */
    static void rows(BenchReport report, String name, Means ours, Means baseline, String leastThroughput) {
        report.add(name + "p99_overhead.mean", "part", ours.service(), baseline.service(), "value <= 0.05");
        report.add(
                name + "best_effort_throughput.mean",
                "of solo",
                ours.bestEffort(),
                baseline.bestEffort(),
                leastThroughput);
        if (ours.overloaded() > 0) {
            report.note(name + "response_p99_overhead: missing, " + ours.overloaded() + " scenarios are overloaded");
        } else {
            Double other = baseline.overloaded() > 0 ? null : baseline.response();
            report.add(name + "response_p99_overhead.mean", "part", ours.response(), other, "value <= 0.05");
        }
        report.add(name + "violation_rate.mean", "part", ours.violations(), baseline.violations(), null);
    }
}
