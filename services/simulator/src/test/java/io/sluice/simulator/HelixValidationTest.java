package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.clusters.ReferenceRow;
import io.sluice.solver.OrToolsMaxFlow;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The published runs that count most, replayed with the requests and the flow split they had. All others are in {@link
 * PublishedRunsTest}.
 */
class HelixValidationTest {
    private static final String MODEL = "llama2_70b";

    private final PublishedRuns runs =
            new PublishedRuns(PublishedRuns.folder(Path.of("")).orElseThrow(), new OrToolsMaxFlow());

    @ParameterizedTest
    @CsvSource({
        "single24,helix,offline,369,0.794",
        "geo24,helix,offline,250,0.772",
        "single24,helix,online,,",
        "geo24,helix,online,,",
        "geo24,swarm,offline,180,",
    })
    void shouldComeWithinTenPercentOfThePublishedRun(
            String cluster, String method, String mode, Double inFlight, Double kvExpectation) {
        ReferenceRow row = runs.row(cluster, MODEL, method, mode);

        SimulationResult ours = Simulation.run(runs.scenario(row));

        near("decode tokens/s", ours.decodeTokensPerSecond(), row.decodeTokensPerSecond());
        near("tokens/s", ours.tokensPerSecond(), number(row, "total_tokens_per_s"));
        near("prompt latency", ours.prompt().mean(), number(row, "prompt_latency_avg_s"));
        near("decode latency", ours.decode().mean(), number(row, "decode_latency_avg_s"));
        if (inFlight != null) {
            near("in flight", ours.meanInFlight(), inFlight);
        }
        if (kvExpectation != null) {
            near("bottleneck KV expectation", ours.meanKvExpectation(), kvExpectation);
        }
        assertThat(ours.kvOverflows()).isZero();
    }

    @Test
    void shouldReplayThePublishedRunOnGeo24TokenForToken() {
        ReferenceRow row = runs.row("geo24", MODEL, "helix", "offline");

        SimulationResult ours = Simulation.run(runs.scenario(row));

        assertThat(ours.promptsFinished()).isEqualTo(365);
        assertThat(ours.decodeTokens()).isEqualTo(58_791);
        assertThat(ours.requestsRejected()).isZero();
        assertThat(ours.decode().mean()).isCloseTo(number(row, "decode_latency_avg_s"), within(1e-3));
        assertThat(ours.decode().p99()).isCloseTo(number(row, "decode_p99"), within(1e-3));
        assertThat(ours.prompt().p50()).isCloseTo(number(row, "prompt_p50"), within(1e-3));
    }

    private static double number(ReferenceRow row, String column) {
        return row.number(column).orElseThrow();
    }

    private static void near(String what, double ours, double published) {
        assertThat(ours)
                .as("%s: ours %s, published %s", what, ours, published)
                .isCloseTo(published, within(0.1 * published));
    }
}
