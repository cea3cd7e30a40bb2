package io.sluice.core.planning;

import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.HashMap;
import java.util.Map;

/**
 * What the split of a maximum flow costs: the sum that {@link FlowSolver} makes least. Per token/s, step n (from 0) of a
 * worker's {@value #WORKER_STEPS} equal steps of capacity costs {@value #WORKER_COST} (2n + 1), so a worker's cost is
 * the piecewise-linear form of flow²/capacity and least where utilisations are even; an edge between regions costs
 * {@value #CROSSING_COST}, less than one step of a worker: crossings are saved, balance is kept; step n of an edge's
 * {@value #EDGE_STEPS} costs 2n + 1 more, which only decides between edges that are alike.
 *
 * @param workers of all workers, units x tokens/s
 * @param crossings of edges between regions
 * @param edges of the steps of edges
 */
public record FlowCost(double workers, double crossings, double edges) {
    static final int WORKER_STEPS = 16;
    static final int EDGE_STEPS = 4;
    private static final long WORKER_COST = 64;
    private static final long CROSSING_COST = 48;

    /** The cost of {@code allocation}, in O(workers + edges). */
    public static FlowCost of(Allocation allocation) {
        Map<String, WorkerFlow> byName = new HashMap<>();
        double workers = 0;
        for (WorkerFlow w : allocation.workers()) {
            byName.put(w.worker().value(), w);
            workers += WORKER_COST * stepped(w.flow(), w.capacity(), WORKER_STEPS);
        }
        double crossings = 0;
        double edges = 0;
        for (EdgeFlow e : allocation.edges()) {
            WorkerFlow from = byName.get(e.from());
            WorkerFlow to = byName.get(e.to());
            edges += stepped(e.flow(), useful(e.capacity(), capacity(from), capacity(to)), EDGE_STEPS);
            boolean crossing = from != null && to != null && !from.region().equals(to.region());
            crossings += crossing ? CROSSING_COST * e.flow() : 0;
        }
        return new FlowCost(workers, crossings, edges);
    }

    /** All of it. */
    public double total() {
        return workers + crossings + edges;
    }

    private static double capacity(WorkerFlow worker) {
        return worker == null ? Double.POSITIVE_INFINITY : worker.capacity();
    }

    /** An edge carries no more than its ends; steps of a link a thousand times wider would not spread. */
    private static double useful(double edge, double from, double to) {
        return Math.min(edge, Math.min(from, to));
    }

    private static double stepped(double flow, double capacity, int steps) {
        double cost = 0;
        double left = flow;
        for (int step = 0; step < steps && left > 0; step++) {
            double here = step == steps - 1 ? left : Math.min(left, capacity / steps);
            cost += here * (2 * step + 1);
            left -= here;
        }
        return cost;
    }

    /** Arcs of the network that {@link #least} solves. */
    static long arcs(int workers, int edges) {
        return (long) WORKER_STEPS * workers + (long) EDGE_STEPS * edges;
    }

    /**
     * Flow per edge of the maximum flow of least cost between workers, or groups of them.
     *
     * @param capacity per worker, tokens/s
     * @param region per worker
     * @param from tail of every edge as a worker's number, -1: source
     * @param to head likewise, -1: sink
     * @param edgeCapacity per edge, tokens/s
     */
    static double[] least(
            MaxFlowSolver solver, double[] capacity, String[] region, int[] from, int[] to, double[] edgeCapacity) {
        FlowNetwork network = new FlowNetwork(2 + 2 * capacity.length, 0, 1);
        for (int i = 0; i < capacity.length; i++) {
            addSteps(network, 2 + 2 * i, 3 + 2 * i, capacity[i], WORKER_STEPS, 0, WORKER_COST);
        }
        for (int e = 0; e < from.length; e++) {
            int a = from[e];
            int b = to[e];
            double most = useful(
                    edgeCapacity[e],
                    a < 0 ? Double.POSITIVE_INFINITY : capacity[a],
                    b < 0 ? Double.POSITIVE_INFINITY : capacity[b]);
            long fixed = a >= 0 && b >= 0 && !region[a].equals(region[b]) ? CROSSING_COST : 0;
            addSteps(network, a < 0 ? 0 : 3 + 2 * a, b < 0 ? 1 : 2 + 2 * b, most, EDGE_STEPS, fixed, 1);
        }
        double[] flow = solver.solve(network);
        double[] edgeFlow = new double[from.length];
        int arc = WORKER_STEPS * capacity.length;
        for (int e = 0; e < edgeFlow.length; e++) {
            for (int step = 0; step < EDGE_STEPS; step++) {
                edgeFlow[e] += flow[arc++];
            }
        }
        return edgeFlow;
    }

    private static void addSteps(
            FlowNetwork network, int tail, int head, double capacity, int steps, long fixed, long costUnit) {
        for (int step = 0; step < steps; step++) {
            network.addArc(tail, head, capacity / steps, fixed + costUnit * (2L * step + 1));
        }
    }
}
