package io.sluice.simulator;

import io.sluice.clusters.ReferenceRow;
import io.sluice.solver.OrToolsMaxFlow;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Every published run against our figures, as a table; takes a minute, so only on request. */
@EnabledIfSystemProperty(named = "sluice.simulator.reference", matches = ".+", disabledReason = "opt-in table")
class PublishedRunsTest {
    private final PublishedRuns runs =
            new PublishedRuns(PublishedRuns.folder(Path.of("")).orElseThrow(), new OrToolsMaxFlow());

    @Test
    void shouldPrintEveryPublishedRunBesideOurs() {
        String wanted = System.getProperty("sluice.simulator.reference");
        System.out.printf(
                "%-70s %8s %8s %6s | %6s %6s | %6s %6s | %5s %5s %7s %6s %5s %4s %5s%n",
                "run", "ref", "ours", "ratio", "prompt", "ratio", "decode", "ratio", "fly", "kv", "prompts", "tokens",
                "rej", "over", "wall");
        for (ReferenceRow row : runs.rows()) {
            Scenario scenario = runs.scenario(row);
            if (!scenario.name().matches(wanted)) {
                continue;
            }
            long start = System.nanoTime();
            SimulationResult r = Simulation.run(scenario);
            double wall = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    "%-70s %8.1f %8.1f %6.3f | %6.2f %6.3f | %6.3f %6.3f | %5.0f %5.3f %7d %6d %5d %4d %5.1f%n",
                    scenario.name(),
                    row.decodeTokensPerSecond(),
                    r.decodeTokensPerSecond(),
                    r.decodeTokensPerSecond() / row.decodeTokensPerSecond(),
                    r.prompt().mean(),
                    r.prompt().mean() / row.number("prompt_latency_avg_s").orElse(Double.NaN),
                    r.decode().mean(),
                    r.decode().mean() / row.number("decode_latency_avg_s").orElse(Double.NaN),
                    r.meanInFlight(),
                    r.meanKvExpectation(),
                    r.promptsFinished(),
                    r.decodeTokens(),
                    r.requestsRejected(),
                    r.kvOverflows(),
                    wall);
            if (r.groups().size() > 1) {
                for (var group : r.groups()) {
                    System.out.printf("      %s%n", group);
                }
            } else {
                System.out.printf(
                        "      flow %.1f total %.1f (ref %s) decode parts %s%n",
                        r.groups().getFirst().maxFlowTokensPerSecond(),
                        r.tokensPerSecond(),
                        row.number("total_tokens_per_s"),
                        r.decodeParts());
            }
        }
    }
}
