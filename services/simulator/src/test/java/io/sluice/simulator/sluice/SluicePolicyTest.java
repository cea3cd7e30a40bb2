package io.sluice.simulator.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.simulator.SimulationPolicies;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.Topology;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the policy is for, on Helix's own layouts, in windows short enough for a test. */
final class SluicePolicyTest {
    private static final SimulationPolicy SLUICE = SimulationPolicies.byName("sluice");
    private static final SimulationPolicy HELIX = SimulationPolicies.byName("helix");

    private final HelixData data = new HelixData();

    @ParameterizedTest
    @CsvSource({"single24, 1.3", "geo24, 1.6"})
    void shouldServeMoreThanHelixOnHelixLayoutAndNotLetPromptsWaitLonger(String cluster, double factor) {
        Topology topology = data.topology(cluster, "helix");

        SimulationResult helix = data.offline(topology, HELIX, 60, 60);
        SimulationResult ours = data.offline(topology, SLUICE, 60, 60);

        assertThat(ours.decodeTokensPerSecond()).isGreaterThan(factor * helix.decodeTokensPerSecond());
        assertThat(ours.prompt().mean()).isLessThan(helix.prompt().mean());
        assertThat(ours.kvOverflows()).isZero();
        assertThat(ours.requestsRejected()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"single24, 700", "geo24, 320"})
    void shouldAnswerFasterAtEqualLoad(String cluster, double tokensPerSecond) {
        Topology topology = data.topology(cluster, "helix");

        SimulationResult helix = data.online(topology, HELIX, tokensPerSecond, 120);
        SimulationResult ours = data.online(topology, SLUICE, tokensPerSecond, 120);

        assertThat(ours.decode().mean()).isLessThan(0.6 * helix.decode().mean());
        assertThat(ours.prompt().mean()).isLessThan(0.9 * helix.prompt().mean());
    }

    /** While Helix's cluster fills up; over ten minutes it serves 93 tokens/s there, and Sluice 86. */
    @Test
    void shouldKeepDecodeStepsFastUnderPromptHeavyLoadAndNotLetPromptsWaitLonger() {
        Topology topology = data.topology("single24", "helix");

        SimulationResult helix = data.offlineCode(topology, HELIX, 60, 100);
        SimulationResult ours = data.offlineCode(topology, SLUICE, 60, 100);

        assertThat(ours.decodeTokensPerSecond()).isGreaterThan(75);
        assertThat(ours.decode().mean()).isLessThan(0.5 * helix.decode().mean());
        assertThat(ours.prompt().mean()).isLessThan(helix.prompt().mean());
        assertThat(ours.requestsRejected()).isZero();
    }

    @Test
    void shouldChargeHelixNoLessUnderTheCommonCosts() {
        Topology topology = data.topology("single24", "helix");

        SimulationResult plain = data.online(topology, HELIX, 700, 60);
        SimulationResult charged = data.online(topology, SimulationPolicies.byName("helix-floors"), 700, 60);

        assertThat(charged.decode().mean()).isGreaterThan(plain.decode().mean());
        assertThat(charged.decode().mean()).isLessThan(1.2 * plain.decode().mean());
    }

    @Test
    void noChunkCostsLessThanAPassOverTheWeights() {
        PlacementProblem problem = data.problem("single24");
        Layout layout = data.layout(problem, "helix");
        Topology topology = data.topology("single24", "helix");
        for (int node = 0; node < topology.nodes(); node++) {
            LayerProfile profile = topology.layerProfile(node);
            int chunk = ChunkSizes.node(topology, node, SluiceSettings.DEFAULT);
            assertThat(StageTime.passSeconds(profile))
                    .isCloseTo(profile.decode().at(2), within(1e-12))
                    .isEqualTo(2 * profile.decode().at(1), within(1e-12));
            assertThat(layout.layers(node) * profile.prompt().at(chunk))
                    .as("a chunk of %s tokens on %s", chunk, topology.name(node))
                    .isLessThanOrEqualTo(SluiceSettings.DEFAULT.mostChunkSeconds());
        }
    }
}
