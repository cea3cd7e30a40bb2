package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.WorkerGraph.Edge;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FlowCostTest {
    private static final double SLACK_PER_EDGE = 12;

    private final MaxFlowSolver oracle = new CheapestPaths();
    private final FlowSolver solver = new FlowSolver(oracle);

    /** The flow of least cost between single workers, whatever {@link FlowSolver} does. */
    private Allocation least(WorkerGraph graph) {
        List<String> names =
                graph.vertices().stream().map(v -> v.worker().value()).toList();
        int[] from =
                graph.edges().stream().mapToInt(e -> names.indexOf(e.from())).toArray();
        int[] to = graph.edges().stream().mapToInt(e -> names.indexOf(e.to())).toArray();
        double[] flow = FlowCost.least(
                oracle,
                graph.vertices().stream().mapToDouble(Vertex::capacity).toArray(),
                graph.vertices().stream().map(Vertex::region).toArray(String[]::new),
                from,
                to,
                graph.edges().stream().mapToDouble(Edge::capacity).toArray());
        double[] through = new double[names.size()];
        List<Allocation.EdgeFlow> edges = new ArrayList<>();
        double value = 0;
        for (int e = 0; e < flow.length; e++) {
            Edge edge = graph.edges().get(e);
            edges.add(new Allocation.EdgeFlow(edge.from(), edge.to(), edge.capacity(), flow[e]));
            if (to[e] >= 0) {
                through[to[e]] += flow[e];
            } else {
                value += flow[e];
            }
        }
        List<Allocation.WorkerFlow> workers = new ArrayList<>();
        for (int i = 0; i < through.length; i++) {
            Vertex v = graph.vertices().get(i);
            workers.add(new Allocation.WorkerFlow(v.worker(), v.layers(), v.region(), v.capacity(), through[i], 0));
        }
        return new Allocation(
                graph.model(), 1, 1, graph.layerCount(), workers, edges, value, value, List.of("not looked for"));
    }

    private static double edgesPassed(Allocation allocation) {
        return allocation.edges().stream()
                .mapToDouble(Allocation.EdgeFlow::flow)
                .sum();
    }

    @Test
    void shouldCostTheLeastOnRandomGraphsWhetherLinksBindOrNot() {
        int carries = 0;
        for (long seed = 0; seed < 600; seed++) {
            WorkerGraph graph = Graphs.random(seed);
            Allocation least = least(graph);
            if (!(least.maxFlow() > 0)) {
                continue;
            }
            carries++;
            Allocation allocation = solver.solve(graph, 1);
            double cost = FlowCost.of(allocation).total();
            double leastCost = FlowCost.of(least).total();
            assertThat(allocation.maxFlow())
                    .as("seed %d", seed)
                    .isCloseTo(least.maxFlow(), within(1e-6 * least.maxFlow()));
            assertThat(cost)
                    .as("seed %d", seed)
                    .isGreaterThanOrEqualTo(leastCost * (1 - 1e-6))
                    .isLessThanOrEqualTo(leastCost * (1 + 1e-6)
                            + SLACK_PER_EDGE / 2 * (edgesPassed(allocation) + edgesPassed(least)));
        }
        assertThat(carries).isGreaterThan(200);
    }

    @Test
    void shouldCostTheLeastExactlyWhereALinkBinds() {
        Vertex a = Graphs.vertex("a", 0, 2, 300);
        Vertex b = Graphs.vertex("b", 0, 2, 300);
        Vertex c = Graphs.vertex("c", 2, 4, 400);
        WorkerGraph.Bandwidth slow = (from, to, declared) -> from.equals("a") ? 64 * 2 * 100.0 : declared;
        WorkerGraph graph = WorkerGraph.build(Graphs.plan(4, List.of(a, b, c)), List.of(a, b, c), slow);
        Allocation allocation = solver.solve(graph, 1);
        assertThat(allocation.maxFlow()).isCloseTo(400, within(1e-6));
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
        assertThat(FlowCost.of(allocation).total())
                .isCloseTo(FlowCost.of(least(graph)).total(), within(1e-3));
    }

    @Test
    void shouldRiseWithUtilisationAndWithCrossings() {
        // 16 tokens/s of 16: steps of 1 token/s that cost 64 (1 + 3 + ... + 31); edges of 16: 4 (1 + 3 + 5 + 7) each.
        Allocation full = solver.solve(Graphs.graph(2, Graphs.vertex("a", 0, 1, 16), Graphs.vertex("b", 1, 2, 16)), 1);
        FlowCost cost = FlowCost.of(full);
        assertThat(cost.workers()).isCloseTo(2 * 64 * 256, within(1e-6));
        assertThat(cost.crossings()).isZero();
        assertThat(cost.edges()).isCloseTo(3 * 4 * 16, within(1e-6));
    }
}
