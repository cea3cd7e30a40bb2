package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Workers of the same layer range and region taken together: a graph small enough for a flow of least cost, whose split
 * is then shared out among the workers in proportion to their capacities. Exact where no single link binds; elsewhere a
 * proposal. Not thread-safe.
 */
final class LikeWorkers {
    /** Conductance of an edge by that of a worker of the same capacity; less between regions. */
    private static final double EDGE_CONDUCTANCE = 16;

    private static final double CROSSING_CONDUCTANCE = 4;

    private final WorkerGraph graph;
    private final int[] from;
    private final int[] to;
    private final int[] group;
    private final double[] capacity;
    private final String[] region;
    private final int[] pairOfEdge;
    /** Tail and head of every pair of groups that edges join, -1: source or sink, and what its edges take together. */
    private final int[] pairFrom;

    private final int[] pairTo;
    private final double[] pairCapacity;

    /**
     * @param from tail of every edge as a worker's number, -1: source
     * @param to head likewise, -1: sink
     */
    LikeWorkers(WorkerGraph graph, int[] from, int[] to) {
        this.graph = graph;
        this.from = from;
        this.to = to;
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
        Map<Long, Integer> known = new HashMap<>();
        List<long[]> ends = new ArrayList<>();
        for (int e = 0; e < from.length; e++) {
            long a = from[e] < 0 ? -1 : group[from[e]];
            long b = to[e] < 0 ? -1 : group[to[e]];
            Integer pair = known.putIfAbsent((a + 1) * (group.length + 1) + b + 1, ends.size());
            if (pair == null) {
                pair = ends.size();
                ends.add(new long[] {a, b});
            }
            pairOfEdge[e] = pair;
        }
        this.pairFrom = ends.stream().mapToInt(pair -> (int) pair[0]).toArray();
        this.pairTo = ends.stream().mapToInt(pair -> (int) pair[1]).toArray();
        this.pairCapacity = new double[ends.size()];
        for (int e = 0; e < from.length; e++) {
            pairCapacity[pairOfEdge[e]] += graph.edges().get(e).capacity();
        }
    }

    private record Kind(LayerRange layers, String region) {}

    /** Arcs of the network that {@link #leastCost} solves. */
    long arcs() {
        return FlowCost.arcs(capacity.length, pairFrom.length);
    }

    /**
     * What every edge carries in the flow of least {@link FlowCost} between groups, tokens/s. The largest there is, and
     * of least cost for workers and crossings, wherever no link is asked for more than it has.
     */
    double[] leastCost(MaxFlowSolver solver) {
        return shared(FlowCost.least(solver, capacity, region, pairFrom, pairTo, pairCapacity));
    }

    /** The same by the currents of an electrical network: about least cost, and any capacity may be exceeded. */
    double[] currents() {
        return shared(byPotentials());
    }

    private double[] shared(double[] pairFlow) {
        double[] split = new double[from.length];
        for (int e = 0; e < split.length; e++) {
            split[e] = pairFlow[pairOfEdge[e]] * share(from[e]) * share(to[e]);
        }
        return split;
    }

    private double share(int worker) {
        if (worker < 0) {
            return 1;
        }
        double all = capacity[group[worker]];
        return all > 0 ? graph.vertices().get(worker).capacity() / all : 0;
    }

    /** The flow an electrical network takes: utilisations even out, only capacities may be missed. */
    private double[] byPotentials() {
        int groups = capacity.length;
        Potentials potentials = new Potentials(2 + 2 * groups, groups + pairFrom.length);
        for (int g = 0; g < groups; g++) {
            potentials.add(2 + 2 * g, 3 + 2 * g, capacity[g]);
        }
        for (int p = 0; p < pairFrom.length; p++) {
            int a = pairFrom[p];
            int b = pairTo[p];
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
        double[] pairFlow = new double[pairFrom.length];
        for (int p = 0; p < pairFlow.length && fullest > 0; p++) {
            pairFlow[p] = Math.max(0, current[groups + p]) / fullest;
        }
        return pairFlow;
    }

    private double end(int g) {
        return g < 0 ? Double.POSITIVE_INFINITY : capacity[g];
    }
}
