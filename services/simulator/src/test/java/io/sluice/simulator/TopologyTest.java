package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.solver.OrToolsMaxFlow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TopologyTest {
    private static List<String> links(Topology topology) {
        List<String> links = new ArrayList<>();
        for (int link = 0; link < topology.links(); link++) {
            links.add(topology.name(topology.from(link)) + ">" + topology.name(topology.to(link)));
        }
        return links;
    }

    @Test
    void shouldLinkOnlyRangesThatFollowEachOther() {
        Topology topology = SmallCluster.of(3, 100, false, new int[] {0, 2}, new int[] {1, 3}, new int[] {2, 3});

        assertThat(links(topology)).containsExactly("coordinator>n0", "n0>n2", "n2>coordinator");
    }

    @Test
    void shouldLinkIntoTheMiddleOfARangeWithPartialInference() {
        Topology topology = SmallCluster.of(3, 100, true, new int[] {0, 2}, new int[] {1, 3}, new int[] {2, 3});

        assertThat(links(topology))
                .containsExactly("coordinator>n0", "n0>n1", "n0>n2", "n1>coordinator", "n2>coordinator");
    }

    @Test
    void shouldLeaveOutWhatNoPipelineReaches() {
        // n1 ends where nobody begins, n2 begins where nobody ends, n4 holds nothing.
        Topology topology = SmallCluster.of(
                4, 100, false, new int[] {0, 2}, new int[] {0, 1}, new int[] {3, 4}, new int[] {2, 4}, new int[] {0, 0
                });

        assertThat(links(topology)).containsExactly("coordinator>n0", "n0>n3", "n3>coordinator");
    }

    @Test
    void shouldNumberTheLinksOutOfAVertexOneAfterTheOther() {
        Topology topology =
                SmallCluster.of(2, 100, false, new int[] {0, 1}, new int[] {0, 1}, new int[] {1, 2}, new int[] {1, 2});

        for (int vertex = Links.COORDINATOR; vertex < topology.nodes(); vertex++) {
            for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
                assertThat(topology.from(link)).isEqualTo(vertex);
            }
        }
        assertThat(topology.endOut(topology.nodes() - 1)).isEqualTo(topology.links());
        assertThat(topology.endOut(0) - topology.firstOut(0)).isEqualTo(2);
    }

    @Test
    void shouldCarryTheMaximumFlowInEveryStage() {
        Topology topology =
                SmallCluster.of(2, 100, false, new int[] {0, 1}, new int[] {0, 1}, new int[] {1, 2}, new int[] {1, 2});

        // A node with one layer does 8 tokens/s, a link 1000 / 100 = 10.
        assertThat(topology.maxFlow()).isCloseTo(16, within(1e-6));
        double between = 0;
        for (int link = 0; link < topology.links(); link++) {
            if (topology.from(link) >= 0 && topology.to(link) >= 0) {
                between += topology.flow(link);
            }
        }
        assertThat(between).isCloseTo(16, within(1e-6));
    }

    @Test
    void shouldTakeGivenKvCacheBeforeTheProfiles() {
        PlacementProblem problem = SmallCluster.problem(2, 100, false, 2);
        Layout layout = Layout.of(new int[] {0, 1}, new int[] {1, 2});

        Topology topology = Topology.of(problem, layout, Map.of(new WorkerId("n1"), 7L), new OrToolsMaxFlow());

        assertThat(topology.kvTokensPerLayer(0)).isEqualTo(100);
        assertThat(topology.kvTokensPerLayer(1)).isEqualTo(7);
    }

    @Test
    void shouldTakePublishedFlowsByTheirEnds() {
        Topology topology = SmallCluster.of(2, 100, false, new int[] {0, 1}, new int[] {1, 2});

        Topology other = topology.withFlow(Map.of("-1>0", 3.0, "0>1", 3.0, "1>-1", 3.0));

        assertThat(other.maxFlow()).isEqualTo(3);
        assertThatThrownBy(() -> topology.withFlow(Map.of("1>0", 3.0)))
                .hasMessageContaining("are links of this layout");
    }

    @Test
    void shouldRejectALayoutThatCannotServe() {
        assertThatThrownBy(() -> SmallCluster.of(3, 100, false, new int[] {0, 1}, new int[] {2, 3}))
                .hasMessageContaining("no pipeline of connected nodes covers all 3 layers of m");
    }
}
