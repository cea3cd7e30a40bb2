package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.Stage;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import org.junit.jupiter.api.Test;

/** Flows of Helix's published layouts, LLaMA-2 70B, under its published capacities. */
class HelixFlowTest {
    private final HelixFolder helix = HelixFolder.open(Examples.helix());

    private PlacementProblem problem(String cluster, boolean partial) {
        ClusterDescription described = helix.cluster(cluster);
        return new PlacementProblem(
                described.cluster(),
                described.model("llama2_70b"),
                Workload.AZURE_CONVERSATION,
                PlacementConstraints.NONE.withPartialInference(partial));
    }

    private double flow(String cluster, String method, boolean partial) {
        PlacementProblem problem = problem(cluster, partial);
        PlacementFile file = helix.layout(cluster, "llama2_70b", method);
        Layout layout = Layout.of(
                problem,
                file.stages().stream()
                        .map(s -> new Stage(s.worker(), s.layers()))
                        .toList());
        double flow = new LayoutFlow(problem).value(layout);
        assertThat(PlacementVerifier.verify(problem, layout).isEmpty()).isEqualTo(flow > 0);
        return flow;
    }

    @Test
    void shouldGiveTheFlowsKnownForOneFastCluster() {
        assertThat(flow("single24", "helix", false)).isCloseTo(1289.56, within(0.05));
        assertThat(flow("single24", "petals", true)).isCloseTo(952.1, within(0.05));
        assertThat(flow("single24", "petals", false)).isCloseTo(531.7, within(0.05));
        assertThat(flow("single24", "swarm", false)).isCloseTo(757.9, within(0.05));
    }

    @Test
    void shouldGiveTheFlowsKnownForThreeRegionsWithSlowLinks() {
        assertThat(flow("geo24", "helix", false)).isCloseTo(1212.18, within(0.05));
        assertThat(flow("geo24", "petals", true)).isCloseTo(952.1, within(0.05));
        assertThat(flow("geo24", "petals", false)).isZero();
        assertThat(flow("geo24", "swarm", false)).isCloseTo(616.38, within(0.05));
        assertThat(flow("geo24", "helix_noprune", false)).isCloseTo(952.1, within(0.05));
    }

    @Test
    void shouldBoundTheFlowOfOneFastClusterWithinHairsOfItsOptimum() {
        // 2045.64 is a proven optimum.
        assertThat(FlowBounds.flow(problem("single24", false))).isCloseTo(2045.65, within(0.05));
    }
}
