package io.sluice.launcher.bench;

import io.sluice.clusters.ReferenceRow;
import io.sluice.simulator.PublishedRuns;
import io.sluice.simulator.Scenario;
import io.sluice.simulator.Simulation;
import io.sluice.simulator.SimulationResult;
import java.util.Locale;

/** Our simulator against the published figures of Helix's, run for run: the same layouts, schedulers and arrivals. */
final class ValidationPart {
    private static final String WITHIN = "within 0.1";

    private ValidationPart() {}

    /** Adds the rows; in the quick version only Helix's own runs of the 70B model. */
    static void run(PublishedRuns runs, Bench.Setting setting, BenchReport report) {
        setting.out()
                .printf(
                        Locale.ROOT,
                        "%nsimulator against the published one (decode tokens/s, mean prompt s, mean token s; ratio)%n");
        double slowest = Double.POSITIVE_INFINITY;
        for (ReferenceRow row : runs.rows()) {
            boolean own = row.method().equals("helix") && row.model().equals(HelixCases.LLAMA_70B);
            if (setting.quick() && !own) {
                continue;
            }
            Scenario scenario = runs.scenario(row);
            long began = System.nanoTime();
            SimulationResult result = Simulation.run(scenario);
            double wall = (System.nanoTime() - began) / 1e9;
            slowest = Math.min(slowest, result.simulatedSeconds() / wall);
            add(row, result, setting, report, own);
        }
        report.add("validate.simulated_s_per_s", "ratio", slowest, null, ">= 50");
    }

    private static void add(
            ReferenceRow row, SimulationResult result, Bench.Setting setting, BenchReport report, boolean judged) {
        String name = "validate." + row.cluster() + "." + (row.model().equals(HelixCases.LLAMA_70B) ? "70b" : "30b")
                + "." + row.method() + "." + row.mode() + ".";
        double prompt = row.number("prompt_latency_avg_s").orElse(Double.NaN);
        double decode = row.number("decode_latency_avg_s").orElse(Double.NaN);
        setting.out()
                .printf(
                        Locale.ROOT,
                        "  %-62s %7.1f / %7.1f %5.2f  %6.2f / %6.2f %5.2f  %6.3f / %6.3f %5.2f%n",
                        row.cluster() + " " + row.model() + " " + row.method() + " " + row.mode(),
                        result.decodeTokensPerSecond(),
                        row.decodeTokensPerSecond(),
                        result.decodeTokensPerSecond() / row.decodeTokensPerSecond(),
                        result.prompt().mean(),
                        prompt,
                        result.prompt().mean() / prompt,
                        result.decode().mean(),
                        decode,
                        result.decode().mean() / decode);
        String target = judged ? WITHIN : null;
        report.add(name + "decode", "tokens/s", result.decodeTokensPerSecond(), row.decodeTokensPerSecond(), target);
        if (!Double.isNaN(prompt)) {
            report.add(name + "prompt", "s", result.prompt().mean(), prompt, target);
        }
        if (!Double.isNaN(decode)) {
            report.add(name + "decode_latency", "s", result.decode().mean(), decode, target);
        }
    }
}
