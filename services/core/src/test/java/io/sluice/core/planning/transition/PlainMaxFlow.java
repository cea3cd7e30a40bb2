package io.sluice.core.planning.transition;

import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;

/** Test oracle: max flow of a layout by augmenting paths over a matrix, sharing nothing with the code under test. */
final class PlainMaxFlow {
    private final double[][] residual;
    private final boolean[] visited;

    private PlainMaxFlow(int vertices) {
        this.residual = new double[vertices][vertices];
        this.visited = new boolean[vertices];
    }

    static double of(PlacementProblem problem, Layout layout) {
        int nodes = problem.nodes();
        int source = 2 * nodes;
        int sink = source + 1;
        PlainMaxFlow flow = new PlainMaxFlow(sink + 1);
        for (int u = 0; u < nodes; u++) {
            if (!layout.holds(u)) {
                continue;
            }
            flow.residual[2 * u][2 * u + 1] = problem.capacity(u, layout.layers(u));
            if (layout.first(u) == 0) {
                flow.residual[source][2 * u] = problem.linkCapacity(Links.COORDINATOR, u);
            }
            if (layout.end(u) == problem.layers()) {
                flow.residual[2 * u + 1][sink] = problem.linkCapacity(u, Links.COORDINATOR);
            }
            for (int v = 0; v < nodes; v++) {
                boolean follows = layout.first(v) <= layout.end(u) && layout.end(u) < layout.end(v);
                if (u != v && layout.holds(v) && follows) {
                    flow.residual[2 * u + 1][2 * v] = problem.linkCapacity(u, v);
                }
            }
        }
        double total = 0;
        for (double more; (more = flow.augment(source, sink, Double.POSITIVE_INFINITY)) > 0; total += more) {
            java.util.Arrays.fill(flow.visited, false);
        }
        return total;
    }

    private double augment(int at, int sink, double most) {
        if (at == sink) {
            return most;
        }
        visited[at] = true;
        for (int next = 0; next < residual.length; next++) {
            if (!visited[next] && residual[at][next] > 1e-9) {
                double sent = augment(next, sink, Math.min(most, residual[at][next]));
                if (sent > 0) {
                    residual[at][next] -= sent;
                    residual[next][at] += sent;
                    return sent;
                }
            }
        }
        return 0;
    }
}
