package io.sluice.solver;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.FlowNetwork;
import io.sluice.core.planning.WorkerGraph;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Test oracle: the value of the maximum flow by shortest augmenting paths, on doubles. */
final class MaxFlowOracle {
    private MaxFlowOracle() {}

    static double maxFlow(FlowNetwork network) {
        double[][] residual = new double[network.vertexCount()][network.vertexCount()];
        for (int arc = 0; arc < network.arcCount(); arc++) {
            residual[network.tail(arc)][network.head(arc)] += network.capacity(arc);
        }
        return maxFlow(residual, network.source(), network.sink());
    }

    /** Built from the graph itself, not from the network the solver under test is given. */
    static double maxFlow(WorkerGraph graph) {
        Map<String, Integer> index = new HashMap<>();
        int workers = graph.vertices().size();
        double[][] residual = new double[2 + 2 * workers][2 + 2 * workers];
        for (WorkerGraph.Vertex v : graph.vertices()) {
            int i = index.size();
            index.put(v.worker().value(), i);
            residual[2 + i][2 + workers + i] = v.capacity();
        }
        for (WorkerGraph.Edge e : graph.edges()) {
            int from = e.from().equals(Allocation.SOURCE) ? 0 : 2 + workers + index.get(e.from());
            int to = e.to().equals(Allocation.SINK) ? 1 : 2 + index.get(e.to());
            residual[from][to] += e.capacity();
        }
        return maxFlow(residual, 0, 1);
    }

    private static double maxFlow(double[][] residual, int source, int sink) {
        double flow = 0;
        while (true) {
            int[] by = new int[residual.length];
            Arrays.fill(by, -1);
            by[source] = source;
            ArrayDeque<Integer> queue = new ArrayDeque<>();
            queue.add(source);
            while (!queue.isEmpty() && by[sink] < 0) {
                int at = queue.remove();
                for (int to = 0; to < residual.length; to++) {
                    if (by[to] < 0 && residual[at][to] > 1e-12) {
                        by[to] = at;
                        queue.add(to);
                    }
                }
            }
            if (by[sink] < 0) {
                return flow;
            }
            double amount = Double.POSITIVE_INFINITY;
            for (int at = sink; at != source; at = by[at]) {
                amount = Math.min(amount, residual[by[at]][at]);
            }
            for (int at = sink; at != source; at = by[at]) {
                residual[by[at]][at] -= amount;
                residual[at][by[at]] += amount;
            }
            flow += amount;
        }
    }
}
