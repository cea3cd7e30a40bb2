package io.sluice.launcher.plan;

import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.simulator.Topology;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Makes a {@link PlanGraph} of a layout, with the split of flow that the router would follow. */
final class PlanGraphs {
    private PlanGraphs() {}

    /** @param detail the layout's flow; says what limits */
    static PlanGraph of(PlacementProblem problem, Layout layout, LayoutFlow.Detail detail, MaxFlowSolver solver) {
        double[] through = new double[problem.nodes()];
        List<PlanGraph.Edge> edges = new ArrayList<>();
        if (detail.value() > 0) {
            Set<Long> cut = new HashSet<>();
            for (LinkFlow link : detail.cutLinks()) {
                cut.add(key(link.from(), link.to()));
            }
            Topology topology = Topology.of(problem, layout, solver);
            for (int link = 0; link < topology.links(); link++) {
                double flow = topology.flow(link);
                if (flow <= detail.value() * 1e-9) {
                    continue;
                }
                int from = topology.from(link);
                int to = topology.to(link);
                if (to != Links.COORDINATOR) {
                    through[to] += flow;
                }
                edges.add(new PlanGraph.Edge(
                        from,
                        to,
                        flow,
                        problem.linkCapacity(from, to),
                        topology.latencySeconds(link),
                        cut.contains(key(from, to))));
            }
        }
        Set<Integer> limiting = new HashSet<>(detail.cutNodes());
        List<PlanGraph.Node> nodes = new ArrayList<>();
        for (int i = 0; i < problem.nodes(); i++) {
            Node node = problem.cluster().nodes().get(i);
            nodes.add(new PlanGraph.Node(
                    node.id().value(),
                    node.type(),
                    node.region(),
                    layout.first(i),
                    layout.end(i),
                    through[i],
                    problem.capacity(i, layout.layers(i)),
                    problem.kvTokensPerLayer(i, layout.layers(i)),
                    limiting.contains(i) && detail.value() > 0));
        }
        return new PlanGraph(problem.layers(), nodes, edges);
    }

    private static long key(int from, int to) {
        return ((long) from + 1) << 32 | (to + 1);
    }
}
