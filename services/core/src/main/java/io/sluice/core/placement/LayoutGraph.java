package io.sluice.core.placement;

import io.sluice.core.LayerRange;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.FlowSolver;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.core.planning.WorkerGraph;
import java.util.ArrayList;
import java.util.List;

/**
 * A layout as the graph and the allocation that live workers run on, so that plan, allocation and verifier speak of the
 * same edges and capacities. Stateless and thread-safe.
 */
public final class LayoutGraph {
    private LayoutGraph() {}

    /** Workers and edges of {@code layout}; links of no bandwidth are edges of capacity 0. */
    public static WorkerGraph of(PlacementProblem problem, Layout layout, long epoch) {
        List<WorkerGraph.Vertex> vertices = new ArrayList<>();
        for (int i = 0; i < problem.nodes(); i++) {
            if (layout.holds(i)) {
                Node node = problem.cluster().nodes().get(i);
                vertices.add(new WorkerGraph.Vertex(
                        node.id(),
                        new LayerRange(layout.first(i), layout.end(i)),
                        node.region(),
                        problem.capacity(i, layout.layers(i)),
                        problem.kvTokensPerLayer(i, layout.layers(i)),
                        Math.min(
                                problem.type(i).nicInBytesPerSecond(),
                                problem.type(i).nicOutBytesPerSecond())));
            }
        }
        List<WorkerGraph.Edge> edges = new ArrayList<>();
        for (int[] pair : LayoutFlow.pairs(problem, layout)) {
            edges.add(new WorkerGraph.Edge(
                    name(problem, pair[0], Allocation.SOURCE),
                    name(problem, pair[1], Allocation.SINK),
                    problem.linkCapacity(pair[0], pair[1])));
        }
        return WorkerGraph.of(layout.plan(problem, epoch), vertices, edges);
    }

    /** The maximum flow of {@code layout} of least cost, whatever time it needs. */
    public static Allocation allocation(PlacementProblem problem, Layout layout, long epoch, MaxFlowSolver solver) {
        return FlowSolver.exact(solver).solve(of(problem, layout, epoch), epoch);
    }

    private static String name(PlacementProblem problem, int node, String coordinator) {
        return node == Links.COORDINATOR
                ? coordinator
                : problem.cluster().nodes().get(node).id().value();
    }
}
