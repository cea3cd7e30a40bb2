package io.sluice.launcher.bench;

import io.sluice.launcher.bench.SharingRuns.Means;
import io.sluice.launcher.sharing.SharingPlot;
import io.sluice.launcher.sharing.SharingPlot.Figures;
import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.workload.Jobs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Half load, MAF2-shaped: BERT beside six best-effort jobs under every policy worth a point in the picture and, but for the
 * quick version, Llama-2-7B beside the same six under Tally and ours, as in Tally's artifact.
 */
final class SharingPairsPart {
    private static final List<String> ALL = List.of(
            "time-slicing", "mps", "mps-priority", "tgs", "orion", "reef", "gpreempt", "eclip", "tally", "sluice");
    private static final List<String> FEW = List.of("time-slicing", "mps-priority", "orion", "tally", "sluice");
    private static final double LOAD = 0.5;
    private static final String SERVER = "bert";
    private static final String SLOW_SERVER = "llama-2-7b";
    /** A request of the slow server lasts two seconds: its p99 needs a long run. Half load is 16 requests in this time. */
    private static final double SLOW_SECONDS = 63;

    private final SharingRuns runs;
    private final BenchReport report;

    SharingPairsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        double seconds = runs.pairSeconds();
        Map<String, List<SharingResult>> bert = runs.run("pairs", runs.quick() ? FEW : ALL, pairs(SERVER, seconds));
        Map<String, List<SharingResult>> both = new LinkedHashMap<>();
        both.put(SharingRuns.BASELINE, new ArrayList<>(bert.get(SharingRuns.BASELINE)));
        both.put(SharingRuns.OURS, new ArrayList<>(bert.get(SharingRuns.OURS)));
        if (!runs.quick()) {
            runs.run("pairs", List.copyOf(both.keySet()), pairs(SLOW_SERVER, SLOW_SECONDS))
                    .forEach((policy, results) -> both.get(policy).addAll(results));
        }
        table(bert);
        List<SharingResult> ours = both.get(SharingRuns.OURS);
        List<SharingResult> tally = both.get(SharingRuns.BASELINE);
        SharingRuns.rows(report, "sharing.", Means.of(ours), Means.of(tally), "value >= 0.5");
        report.add(
                "sharing.energy.mean",
                "J",
                Means.of(ours).joules(),
                Means.of(tally).joules(),
                null);
        halves("sharing.calibration_half.", Jobs.CALIBRATION_HALF, ours, tally);
        halves("sharing.held_out_half.", Jobs.HELD_OUT_HALF, ours, tally);
        for (int i = 0; i < ours.size(); i++) {
            pair(ours.get(i), tally.get(i));
        }
        report.add(
                "sharing.utilisation.mean",
                "part",
                Means.of(ours).utilisation(),
                Means.of(tally).utilisation(),
                null);
        report.note("pairs: " + ours.size() + " at half load, to the last request of the measured time, MAF2-shaped, "
                + seconds + " s after 2 s of warm-up"
                + (runs.quick() ? "" : ", " + SLOW_SERVER + " " + SLOW_SECONDS + " s")
                + "; best-effort throughput is that of the same runs whichever time is judged. Tally's artifact (Zhao et"
                + " al., ASPLOS'25), measured on an A100: p99 overhead 4.8 % and best-effort throughput 0.443 over 12"
                + " pairs, 7.3 % and 0.435 over BERT's six");
        draw(bert, seconds);
    }

    private List<SharingScenario> pairs(String critical, double seconds) {
        return Jobs.BEST_EFFORT.stream()
                .map(job -> SharingScenario.pair(critical, job, LOAD, seconds).withSeeds(runs.seeds()))
                .toList();
    }

    private void halves(String name, List<String> jobs, List<SharingResult> ours, List<SharingResult> tally) {
        Means mine = Means.of(of(jobs, ours));
        Means other = Means.of(of(jobs, tally));
        report.add(name + "p99_overhead", "part", mine.service(), other.service(), null);
        report.add(name + "best_effort_throughput", "of solo", mine.bestEffort(), other.bestEffort(), null);
    }

    private static List<SharingResult> of(List<String> jobs, List<SharingResult> results) {
        return results.stream()
                .filter(r -> jobs.contains(r.scenario().bestEffort().get(0)))
                .toList();
    }

    private void pair(SharingResult ours, SharingResult tally) {
        String name = "sharing.pair." + ours.scenario().critical() + "."
                + ours.scenario().bestEffort().get(0) + ".";
        report.add(name + "p99_overhead", "part", ours.serviceOverhead(), tally.serviceOverhead(), null);
        report.add(
                name + "best_effort_throughput",
                "of solo",
                ours.bestEffortThroughput(),
                tally.bestEffortThroughput(),
                null);
        if (!ours.overloaded() && !tally.overloaded()) {
            report.add(name + "response_p99_overhead", "part", ours.responseOverhead(), tally.responseOverhead(), null);
        }
    }

    private void table(Map<String, List<SharingResult>> results) {
        runs.setting()
                .out()
                .printf(
                        "%nBERT beside %d jobs, half load (means)%n  %-14s %12s %12s %12s %11s %11s%n",
                        Jobs.BEST_EFFORT.size(),
                        "policy",
                        "service p99",
                        "response p99",
                        "best effort",
                        "violations",
                        "overloaded");
        results.forEach((policy, of) -> {
            Means means = Means.of(of);
            runs.setting()
                    .out()
                    .printf(
                            Locale.ROOT,
                            "  %-14s %10.1f %% %12s %12.3f %9.2f %% %11s%n",
                            policy,
                            100 * means.service(),
                            means.overloaded() > 0
                                    ? "overloaded"
                                    : String.format(Locale.ROOT, "%.1f %%", 100 * means.response()),
                            means.bestEffort(),
                            100 * means.violations(),
                            means.overloaded() + " of " + of.size());
        });
    }

    private void draw(Map<String, List<SharingResult>> results, double seconds) {
        if (runs.setting().svg() == null) {
            return;
        }
        List<Figures> figures = new ArrayList<>();
        results.forEach((policy, of) -> {
            Means means = Means.of(of);
            figures.add(new Figures(
                    policy,
                    means.bestEffort(),
                    means.service(),
                    means.overloaded() > 0 ? OptionalDouble.empty() : OptionalDouble.of(means.response())));
        });
        SharingPlot.draw(
                        "Best-effort work beside BERT at half load, simulated",
                        String.format(
                                Locale.ROOT,
                                "means over six best-effort jobs, A100-40GB, %.0f s, %d seeds; dashed: what is aimed for",
                                seconds,
                                runs.seeds().length),
                        figures,
                        0.5,
                        0.05)
                .write(runs.setting().svg());
    }
}
