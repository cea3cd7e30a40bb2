package io.sluice.core.planning;

import java.util.Arrays;

/**
 * A solver for graphs of a dozen workers: successive cheapest augmenting paths by Bellman-Ford (Busacker and Gowen,
 * 1960), plain and without a library. For the simulation, and as the oracle of tests; its time grows with the number
 * of paths, so what serves uses a library. Stateless.
 */
public final class CheapestPaths implements MaxFlowSolver {
    private static final double EPSILON = 1e-11;

    @Override
    public double[] solve(FlowNetwork network) {
        double[] flow = new double[network.arcCount()];
        double largest = 0;
        for (int arc = 0; arc < flow.length; arc++) {
            largest = Math.max(largest, network.capacity(arc));
        }
        double least = largest * EPSILON;
        while (true) {
            int[] path = cheapestPath(network, flow, least);
            if (path == null) {
                return flow;
            }
            double amount = Double.POSITIVE_INFINITY;
            for (int step : path) {
                amount = Math.min(amount, residual(network, flow, step));
            }
            for (int step : path) {
                flow[step >> 1] += (step & 1) == 0 ? amount : -amount;
            }
        }
    }

    private static double residual(FlowNetwork network, double[] flow, int step) {
        int arc = step >> 1;
        return (step & 1) == 0 ? network.capacity(arc) - flow[arc] : flow[arc];
    }

    /** Steps 2a (arc a forwards) or 2a+1 (backwards), from source to sink; null: none left. */
    private static int[] cheapestPath(FlowNetwork network, double[] flow, double least) {
        long[] cost = new long[network.vertexCount()];
        int[] by = new int[network.vertexCount()];
        Arrays.fill(cost, Long.MAX_VALUE);
        cost[network.source()] = 0;
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int step = 0; step < 2 * flow.length; step++) {
                int arc = step >> 1;
                boolean forwards = (step & 1) == 0;
                int tail = forwards ? network.tail(arc) : network.head(arc);
                int head = forwards ? network.head(arc) : network.tail(arc);
                if (cost[tail] == Long.MAX_VALUE || residual(network, flow, step) <= least) {
                    continue;
                }
                long through = cost[tail] + (forwards ? network.cost(arc) : -network.cost(arc));
                if (through < cost[head]) {
                    cost[head] = through;
                    by[head] = step;
                    changed = true;
                }
            }
        }
        if (cost[network.sink()] == Long.MAX_VALUE) {
            return null;
        }
        int[] path = new int[network.vertexCount()];
        int length = 0;
        for (int at = network.sink(); at != network.source(); ) {
            int step = by[at];
            path[length++] = step;
            at = (step & 1) == 0 ? network.tail(step >> 1) : network.head(step >> 1);
        }
        return Arrays.copyOf(path, length);
    }
}
