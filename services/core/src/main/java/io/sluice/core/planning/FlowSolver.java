package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.planning.WorkerGraph.Edge;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Solves a {@link WorkerGraph}: the maximum flow with one canonical split, its minimum cut and the bottleneck's names.
 *
 * <p>A maximum flow's value is unique, its split is not, and the split becomes the routing weights. Canonical here:
 * <ul>
 *   <li>where workers form stages (equal or disjoint ranges) and links allow it, every worker carries its share of its
 *       stage's capacity and every edge the product of the shares at its ends: closed form, independent of the solver;
 *   <li>elsewhere the flow of least cost, where a worker's cost rises with its utilisation in {@value #WORKER_STEPS}
 *       steps (the piecewise-linear form of flow²/capacity) and an edge's, far cheaper, in {@value #EDGE_STEPS}. Like
 *       workers then differ by at most one step.
 * </ul>
 * The minimum cut is the one nearest the source. Each worker is split into in and out with its capacity between
 * them. Same graph, same result. As thread-safe as its solver.
 */
public final class FlowSolver {
    static final int WORKER_STEPS = 16;
    static final int EDGE_STEPS = 4;
    private static final long WORKER_COST = 64;
    /** Flow within this share of a capacity counts as full: solvers round. */
    private static final double FULL = 1e-7;

    private final MaxFlowSolver solver;

    public FlowSolver(MaxFlowSolver solver) {
        this.solver = solver;
    }

    /** Solves {@code graph} and stamps the result with {@code epoch}. */
    public Allocation solve(WorkerGraph graph, long epoch) {
        List<LayerRange> uncovered = graph.uncoveredLayers();
        if (!uncovered.isEmpty()) {
            return infeasible(graph, epoch, uncovered);
        }
        Network network = new Network(graph);
        if (!network.spreadOverStages()) {
            network.solve(solver);
        }
        return network.allocation(epoch);
    }

    private static Allocation infeasible(WorkerGraph graph, long epoch, List<LayerRange> uncovered) {
        List<String> bottleneck = uncovered.stream()
                .map(range -> "no worker holds layers " + range)
                .toList();
        int workers = graph.vertices().size();
        return assemble(
                graph, epoch, new double[workers], new double[graph.edges().size()], 0, 0, bottleneck);
    }

    private static Allocation assemble(
            WorkerGraph graph,
            long epoch,
            double[] workerFlow,
            double[] edgeFlow,
            double maxFlow,
            double bound,
            List<String> bottleneck) {
        List<Allocation.WorkerFlow> workers = new ArrayList<>();
        for (int i = 0; i < workerFlow.length; i++) {
            Vertex v = graph.vertices().get(i);
            workers.add(new Allocation.WorkerFlow(
                    v.worker(), v.layers(), v.region(), v.capacity(), workerFlow[i], v.kvCapacityTokens()));
        }
        List<Allocation.EdgeFlow> edges = new ArrayList<>();
        for (int i = 0; i < edgeFlow.length; i++) {
            Edge e = graph.edges().get(i);
            edges.add(new Allocation.EdgeFlow(e.from(), e.to(), e.capacity(), edgeFlow[i]));
        }
        return new Allocation(
                graph.model(),
                epoch,
                graph.placementEpoch(),
                graph.layerCount(),
                workers,
                edges,
                maxFlow,
                bound,
                bottleneck);
    }

    /** The worker graph as a network: vertex 0 is the source, 1 the sink, 2 + 2i and 3 + 2i worker i's in and out. */
    private static final class Network {
        private final WorkerGraph graph;
        private final int workers;
        private final int[] from;
        private final int[] to;
        private final double[] workerFlow;
        private final double[] edgeFlow;
        private double value;

        Network(WorkerGraph graph) {
            this.graph = graph;
            this.workers = graph.vertices().size();
            Map<String, Integer> index = new HashMap<>();
            for (int i = 0; i < workers; i++) {
                index.put(graph.vertices().get(i).worker().value(), i);
            }
            int count = graph.edges().size();
            this.from = new int[count];
            this.to = new int[count];
            for (int e = 0; e < count; e++) {
                // -1 stands for the end of the graph.
                Edge edge = graph.edges().get(e);
                from[e] = edge.from().equals(Allocation.SOURCE) ? -1 : index.get(edge.from());
                to[e] = edge.to().equals(Allocation.SINK) ? -1 : index.get(edge.to());
            }
            this.workerFlow = new double[workers];
            this.edgeFlow = new double[count];
        }

        private double capacity(int worker) {
            return worker < 0
                    ? Double.POSITIVE_INFINITY
                    : graph.vertices().get(worker).capacity();
        }

        private double edgeCapacity(int edge) {
            return graph.edges().get(edge).capacity();
        }

        private int tailVertex(int edge) {
            return from[edge] < 0 ? 0 : 3 + 2 * from[edge];
        }

        private int headVertex(int edge) {
            return to[edge] < 0 ? 1 : 2 + 2 * to[edge];
        }

        void solve(MaxFlowSolver solver) {
            FlowNetwork network = new FlowNetwork(2 + 2 * workers, 0, 1);
            for (int i = 0; i < workers; i++) {
                addSteps(network, 2 + 2 * i, 3 + 2 * i, capacity(i), WORKER_STEPS, WORKER_COST);
            }
            for (int e = 0; e < from.length; e++) {
                // An edge carries no more than its ends; steps of a link a thousand times wider would not spread.
                double useful = Math.min(edgeCapacity(e), Math.min(capacity(from[e]), capacity(to[e])));
                addSteps(network, tailVertex(e), headVertex(e), useful, EDGE_STEPS, 1);
            }
            double[] flow = solver.solve(network);
            int arc = 0;
            for (int e = 0; e < from.length; e++) {
                for (int step = 0; step < EDGE_STEPS; step++) {
                    edgeFlow[e] += flow[WORKER_STEPS * workers + arc++];
                }
                edgeFlow[e] = Math.min(edgeFlow[e], edgeCapacity(e));
            }
            for (int e = 0; e < from.length; e++) {
                if (to[e] >= 0) {
                    workerFlow[to[e]] += edgeFlow[e];
                } else {
                    value += edgeFlow[e];
                }
            }
            for (int i = 0; i < workers; i++) {
                workerFlow[i] = Math.min(workerFlow[i], capacity(i));
            }
        }

        private static void addSteps(
                FlowNetwork network, int tail, int head, double capacity, int steps, long costUnit) {
            for (int step = 0; step < steps; step++) {
                network.addArc(tail, head, capacity / steps, costUnit * (2L * step + 1));
            }
        }

        /** The closed form for workers in stages; false, and nothing changed, where it does not apply. */
        boolean spreadOverStages() {
            double[] stage = stageCapacities();
            if (stage == null) {
                return false;
            }
            double narrowest = Arrays.stream(stage).min().orElse(0);
            if (!(narrowest > 0)) {
                return false;
            }
            double[] spread = new double[edgeFlow.length];
            for (int e = 0; e < spread.length; e++) {
                double share = from[e] < 0 ? 1 : capacity(from[e]) / stage[from[e]];
                double next = to[e] < 0 ? 1 : capacity(to[e]) / stage[to[e]];
                spread[e] = narrowest * share * next;
                if (spread[e] > edgeCapacity(e)) {
                    return false;
                }
            }
            System.arraycopy(spread, 0, edgeFlow, 0, spread.length);
            for (int i = 0; i < workers; i++) {
                workerFlow[i] = Math.min(capacity(i), narrowest * (capacity(i) / stage[i]));
            }
            value = narrowest;
            return true;
        }

        /** Per worker the capacity of its stage; null unless the ranges follow each other, equal or disjoint. */
        private double[] stageCapacities() {
            double[] stage = new double[workers];
            int begin = 0;
            double sum = 0;
            for (int i = 0; i <= workers; i++) {
                LayerRange current = graph.vertices().get(begin).layers();
                LayerRange layers =
                        i == workers ? null : graph.vertices().get(i).layers();
                if (!current.equals(layers)) {
                    Arrays.fill(stage, begin, i, sum);
                    if (layers != null && layers.first() != current.end()) {
                        return null;
                    }
                    begin = i;
                    sum = 0;
                }
                if (layers != null) {
                    sum += capacity(i);
                }
            }
            return stage;
        }

        Allocation allocation(long epoch) {
            boolean[] reached = reachedFromSource();
            List<String> bottleneck = new ArrayList<>();
            double bound = 0;
            for (int i = 0; i < workers; i++) {
                if (reached[2 + 2 * i] && !reached[3 + 2 * i]) {
                    bottleneck.add(graph.vertices().get(i).worker().value());
                    bound += capacity(i);
                }
            }
            for (int e = 0; e < from.length; e++) {
                if (reached[tailVertex(e)] && !reached[headVertex(e)]) {
                    Edge edge = graph.edges().get(e);
                    bottleneck.add(edge.from() + ">" + edge.to());
                    bound += edge.capacity();
                }
            }
            return assemble(graph, epoch, workerFlow, edgeFlow, value, bound, bottleneck);
        }

        /** Vertices reachable in the residual network: the source's side of the minimum cut. */
        private boolean[] reachedFromSource() {
            List<List<Integer>> leaving = new ArrayList<>();
            List<List<Integer>> entering = new ArrayList<>();
            for (int vertex = 0; vertex < 2 + 2 * workers; vertex++) {
                leaving.add(new ArrayList<>());
                entering.add(new ArrayList<>());
            }
            for (int e = 0; e < from.length; e++) {
                leaving.get(tailVertex(e)).add(e);
                entering.get(headVertex(e)).add(e);
            }
            double slack = FULL * value;
            boolean[] reached = new boolean[2 + 2 * workers];
            ArrayDeque<Integer> queue = new ArrayDeque<>();
            reached[0] = true;
            queue.add(0);
            while (!queue.isEmpty()) {
                int at = queue.remove();
                for (int e : leaving.get(at)) {
                    if (edgeFlow[e] < edgeCapacity(e) - slack) {
                        reach(headVertex(e), reached, queue);
                    }
                }
                for (int e : entering.get(at)) {
                    if (edgeFlow[e] > slack) {
                        reach(tailVertex(e), reached, queue);
                    }
                }
                if (at >= 2) {
                    int i = (at - 2) / 2;
                    boolean in = at % 2 == 0;
                    if (in ? workerFlow[i] < capacity(i) - slack : workerFlow[i] > slack) {
                        reach(in ? at + 1 : at - 1, reached, queue);
                    }
                }
            }
            return reached;
        }

        private static void reach(int vertex, boolean[] reached, ArrayDeque<Integer> queue) {
            if (!reached[vertex]) {
                reached[vertex] = true;
                queue.add(vertex);
            }
        }
    }
}
