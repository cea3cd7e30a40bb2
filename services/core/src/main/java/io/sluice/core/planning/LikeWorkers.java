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
    /** Arcs that a solver of least cost takes a few milliseconds for; beyond, potentials decide. */
    private static final int MOST_ARCS = 700;
    /** Conductance of an edge by that of a worker of the same capacity; less between regions. */
    private static final double EDGE_CONDUCTANCE = 16;

    private static final double CROSSING_CONDUCTANCE = 4;

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
        if (WORKER_STEPS * capacity.length + EDGE_STEPS * pairs.size() > MOST_ARCS) {
            return byPotentials();
        }
        int groups = capacity.length;
        FlowNetwork network = new FlowNetwork(2 + 2 * groups, 0, 1);
        for (int g = 0; g < groups; g++) {
            addSteps(network, 2 + 2 * g, 3 + 2 * g, capacity[g], WORKER_STEPS, 0, WORKER_COST);
        }
        for (int p = 0; p < pairs.size(); p++) {
            int a = (int) pairs.get(p)[0];
            int b = (int) pairs.get(p)[1];
            // An edge carries no more than its ends; steps of a link a thousand times wider would not spread.
            double useful = Math.min(pairCapacity[p], Math.min(end(a), end(b)));
            long fixed = a >= 0 && b >= 0 && !region[a].equals(region[b]) ? CROSSING_COST : 0;
            addSteps(network, a < 0 ? 0 : 3 + 2 * a, b < 0 ? 1 : 2 + 2 * b, useful, EDGE_STEPS, fixed, 1);
        }
        double[] flow = solver.solve(network);
        double[] pairFlow = new double[pairs.size()];
        int arc = WORKER_STEPS * groups;
        for (int p = 0; p < pairFlow.length; p++) {
            for (int step = 0; step < EDGE_STEPS; step++) {
                pairFlow[p] += flow[arc++];
            }
        }
        return pairFlow;
    }

    /** The flow an electrical network takes: utilisations even out, only capacities may be missed. */
    private double[] byPotentials() {
        int groups = capacity.length;
        Potentials potentials = new Potentials(2 + 2 * groups, groups + pairs.size());
        for (int g = 0; g < groups; g++) {
            potentials.add(2 + 2 * g, 3 + 2 * g, capacity[g]);
        }
        for (int p = 0; p < pairs.size(); p++) {
            int a = (int) pairs.get(p)[0];
            int b = (int) pairs.get(p)[1];
            boolean crossing = a >= 0 && b >= 0 && !region[a].equals(region[b]);
            double useful = Math.min(pairCapacity[p], Math.min(end(a), end(b)));
            potentials.add(
                    a < 0 ? 0 : 3 + 2 * a,
                    b < 0 ? 1 : 2 + 2 * b,
                    useful * (crossing ? CROSSING_CONDUCTANCE : EDGE_CONDUCTANCE));
        }
        double[] current = potentials.currents(0, 1);
        // As much as the fullest group can take: what is more than that has to go round.
        double fullest = 0;
        for (int g = 0; g < groups; g++) {
            fullest = capacity[g] > 0 ? Math.max(fullest, current[g] / capacity[g]) : fullest;
        }
        double[] pairFlow = new double[pairs.size()];
        for (int p = 0; p < pairFlow.length && fullest > 0; p++) {
            pairFlow[p] = Math.max(0, current[groups + p]) / fullest;
        }
        return pairFlow;
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
