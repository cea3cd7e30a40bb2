package io.sluice.launcher.bench;

import io.sluice.launcher.bench.SharingRuns.Means;
import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.workload.Jobs;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Tally and ours at every load, and in bursts with lulls between them. */
final class SharingLoadsPart {
    private static final List<String> POLICIES = List.of(SharingRuns.BASELINE, SharingRuns.OURS);

    private final SharingRuns runs;
    private final BenchReport report;

    SharingLoadsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    /** Loads of 0.1 to 0.9: rows {@code sharing.load10} to {@code sharing.load90}. */
    void loads() {
        double seconds = runs.pairSeconds();
        for (int percent : runs.quick() ? new int[] {10, 50, 90} : new int[] {10, 30, 50, 70, 90}) {
            List<SharingScenario> scenarios = runs.jobs(Jobs.BEST_EFFORT).stream()
                    .map(job -> SharingScenario.pair("bert", job, percent / 100.0, seconds)
                            .withSeeds(runs.seeds()))
                    .toList();
            rows(String.format(Locale.ROOT, "sharing.load%d.", percent), scenarios, "loads");
        }
        report.note("loads: BERT beside " + String.join(", ", runs.jobs(Jobs.BEST_EFFORT)) + ", MAF2-shaped, " + seconds
                + " s each");
    }

    /** Bursts at half load. */
    void lulls() {
        double seconds = runs.quick() ? 5 : 10;
        List<SharingScenario> scenarios = runs.jobs(Jobs.BEST_EFFORT).stream()
                .map(job -> SharingScenario.pair("bert", job, 0.5, seconds)
                        .withTraffic(Traffic.LULLS)
                        .withSeeds(runs.seeds()))
                .toList();
        rows("sharing.lulls.", scenarios, "lulls");
        report.note("lulls: bursts of 400 ms at half load, silence of 600 ms after each, " + seconds + " s");
    }

    private void rows(String name, List<SharingScenario> scenarios, String what) {
        Map<String, List<SharingResult>> results = runs.run(what, POLICIES, scenarios);
        SharingRuns.rows(
                report,
                name,
                Means.of(results.get(SharingRuns.OURS)),
                Means.of(results.get(SharingRuns.BASELINE)),
                null);
    }
}
