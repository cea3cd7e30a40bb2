package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Workers of the same layer range and region taken together: a graph small enough for a flow of least cost, whose split
 * is then shared out among the workers in proportion to their capacities. Exact where no single link binds; elsewhere a
 * proposal. Not thread-safe.
 */
final class LikeWorkers {
    static final int WORKER_STEPS = 16;
    static final int EDGE_STEPS = 4;
    private static final long WORKER_COST = 64;
    /** Less than what one step of a worker costs more than the step before: crossings are saved, balance is kept. */
    private static final long CROSSING_COST = 48;
    /** Arcs that a solver takes a few milliseconds for; finer steps than that are given up. */
    private static final int MOST_ARCS = 12_000;

    private final int[] group;
    private final double[] capacity;
    private final String[] region;
    private final List<long[]> pairs = new ArrayList<>();
    private final int[] pairOfEdge;
    private double[] pairCapacity;

    /**
     * @param from tail of every edge as a worker's number, -1: source
     * @param to head likewise, -1: sink
     */
    LikeWorkers(WorkerGraph graph, int[] from, int[] to) {
        List<Vertex> vertices = graph.vertices();
        this.group = new int[vertices.size()];
        Map<Kind, Integer> numbers = new HashMap<>();
        for (int i = 0; i < group.length; i++) {
            Vertex v = vertices.get(i);
            group[i] = numbers.computeIfAbsent(new Kind(v.layers(), v.region()), kind -> numbers.size());
        }
        this.capacity = new double[numbers.size()];
        this.region = new String[numbers.size()];
        for (int i = 0; i < group.length; i++) {
            capacity[group[i]] += vertices.get(i).capacity();
            region[group[i]] = vertices.get(i).region();
        }
        this.pairOfEdge = new int[from.length];
        this.pairCapacity = new double[16];
        Map<Long, Integer> known = new HashMap<>();
        for (int e = 0; e < from.length; e++) {
            long a = from[e] < 0 ? -1 : group[from[e]];
            long b = to[e] < 0 ? -1 : group[to[e]];
            long key = (a + 1) * (group.length + 1) + b + 1;
            Integer pair = known.get(key);
            if (pair == null) {
                pair = pairs.size();
                known.put(key, pair);
                pairs.add(new long[] {a, b});
                if (pair == pairCapacity.length) {
                    pairCapacity = Arrays.copyOf(pairCapacity, 2 * pair);
                }
            }
            pairOfEdge[e] = pair;
            pairCapacity[pair] += graph.edges().get(e).capacity();
        }
    }

    private record Kind(LayerRange layers, String region) {}

    /** What every edge should carry, tokens/s; more than some single link can where links bind. */
    double[] split(MaxFlowSolver solver, WorkerGraph graph, int[] from, int[] to) {
        double[] pairFlow = solve(solver);
        double[] split = new double[from.length];
        for (int e = 0; e < split.length; e++) {
            split[e] = pairFlow[pairOfEdge[e]] * share(graph, from[e]) * share(graph, to[e]);
        }
        return split;
    }

    private double share(WorkerGraph graph, int worker) {
        if (worker < 0) {
            return 1;
        }
        double all = capacity[group[worker]];
        return all > 0 ? graph.vertices().get(worker).capacity() / all : 0;
    }

    private double[] solve(MaxFlowSolver solver) {
        int workerSteps = WORKER_STEPS;
        int edgeSteps = EDGE_STEPS;
        while (workerSteps > 1 && arcs(workerSteps, edgeSteps) > MOST_ARCS) {
            edgeSteps = Math.max(1, edgeSteps / 2);
            workerSteps /= 2;
        }
        int groups = capacity.length;
        FlowNetwork network = new FlowNetwork(2 + 2 * groups, 0, 1);
        for (int g = 0; g < groups; g++) {
            addSteps(network, 2 + 2 * g, 3 + 2 * g, capacity[g], workerSteps, 0, WORKER_COST);
        }
        for (int p = 0; p < pairs.size(); p++) {
            int a = (int) pairs.get(p)[0];
            int b = (int) pairs.get(p)[1];
            // An edge carries no more than its ends; steps of a link a thousand times wider would not spread.
            double useful = Math.min(pairCapacity[p], Math.min(end(a), end(b)));
            long fixed = a >= 0 && b >= 0 && !region[a].equals(region[b]) ? CROSSING_COST : 0;
            addSteps(network, a < 0 ? 0 : 3 + 2 * a, b < 0 ? 1 : 2 + 2 * b, useful, edgeSteps, fixed, 1);
        }
        double[] flow = solver.solve(network);
        double[] pairFlow = new double[pairs.size()];
        int arc = workerSteps * groups;
        for (int p = 0; p < pairFlow.length; p++) {
            for (int step = 0; step < edgeSteps; step++) {
                pairFlow[p] += flow[arc++];
            }
        }
        return pairFlow;
    }

    private int arcs(int workerSteps, int edgeSteps) {
        return workerSteps * capacity.length + edgeSteps * pairs.size();
    }

    private double end(int g) {
        return g < 0 ? Double.POSITIVE_INFINITY : capacity[g];
    }

    private static void addSteps(
            FlowNetwork network, int tail, int head, double capacity, int steps, long fixed, long costUnit) {
        for (int step = 0; step < steps; step++) {
            network.addArc(tail, head, capacity / steps, fixed + costUnit * (2L * step + 1));
        }
    }
}
