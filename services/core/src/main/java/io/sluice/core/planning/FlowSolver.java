package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.planning.WorkerGraph.Edge;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Solves a {@link WorkerGraph}: the maximum flow with one canonical split, its minimum cut and the bottleneck's names.
 *
 * <p>A maximum flow's value is unique, its split is not, and the split becomes the routing weights. Canonical here:
 * <ul>
 *   <li>where workers of one region form stages (equal or disjoint ranges) and links allow it, every worker carries its
 *       share of its stage's capacity and every edge the product of the shares at its ends: closed form, independent of
 *       the solver;
 *   <li>elsewhere it is the maximum flow of least {@link FlowCost}: utilisations are evened out and crossings between
 *       regions saved. Workers of equal range and region are taken together first ({@link LikeWorkers}) and share in
 *       proportion to capacity; steps are then those of edges taken together, so the cost is the least within 12 for every
 *       edge that a token passes, a tenth of one step of a worker. Where that asks more of some link than it has, the
 *       workers themselves are solved: the cost is the least, and like workers may differ by a step;
 *   <li>a solver {@link #FlowSolver(MaxFlowSolver) in time} does so while the network with its steps has at most
 *       {@value #ARCS_IN_TIME} arcs, about 300 unlike workers. Beyond, it takes the currents of an electrical network
 *       ({@link Potentials}): the same cost without steps and without capacities, in milliseconds for a thousand workers.
 *       What is left grows to the maximum, first within a quarter more than was asked of each worker and edge, then
 *       freely. No bound is known for how much more than the least this costs; on synthetic clusters of 300 to 1,000
 *       workers it was 3 to 8 %, with up to twice the crossings. A solver {@link #exact without limit} takes the
 *       least cost at every size that live planning knows (up to {@value #MOST_ARCS} arcs).
 * </ul>
 * The value is the maximum in all cases. The minimum cut is the one nearest the source. Each worker is split into in and
 * out with its capacity between them. Same graph, same result. As thread-safe as its solver.
 */
public final class FlowSolver {
    /** How far each worker and edge may go beyond what was asked of it, before all bounds but the real ones fall. */
    private static final double[] RELAXATIONS = {1.25, Double.POSITIVE_INFINITY};
    /** Flow within this share of a capacity counts as full: solvers round. */
    private static final double FULL = 1e-7;

    /** What a solver of least cost takes less than 20 ms for. */
    private static final long ARCS_IN_TIME = 13_000;

    private static final long MOST_ARCS = 4_000_000;

    private final MaxFlowSolver solver;
    private final long mostArcs;

    /** One that always answers in time for live planning: 20 ms for a thousand workers with 20,000 edges. */
    public FlowSolver(MaxFlowSolver solver) {
        this(solver, ARCS_IN_TIME);
    }

    private FlowSolver(MaxFlowSolver solver, long mostArcs) {
        this.solver = solver;
        this.mostArcs = mostArcs;
    }

    /** One that takes the time that least cost needs: about 0.1 s for a thousand workers. */
    public static FlowSolver exact(MaxFlowSolver solver) {
        return new FlowSolver(solver, MOST_ARCS);
    }

    /** Solves {@code graph} and stamps the result with {@code epoch}. */
    public Allocation solve(WorkerGraph graph, long epoch) {
        List<LayerRange> uncovered = graph.uncoveredLayers();
        if (!uncovered.isEmpty()) {
            return infeasible(graph, epoch, uncovered);
        }
        Network network = new Network(graph);
        if (!network.spreadOverStages()) {
            network.solve(solver, mostArcs);
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

        void solve(MaxFlowSolver solver, long mostArcs) {
            LikeWorkers alike = new LikeWorkers(graph, from, to);
            double[] asked = alike.arcs() <= mostArcs ? alike.leastCost(solver) : alike.currents();
            double[] wanted = asked.clone();
            double[] askedOfWorker = settle(asked);
            boolean possible = alike.arcs() <= mostArcs && same(wanted, asked);
            if (!possible && FlowCost.arcs(workers, from.length) <= mostArcs) {
                asked = leastCost(solver);
                askedOfWorker = settle(asked);
            }
            double largest = 0;
            for (int e = 0; e < from.length; e++) {
                largest = Math.max(largest, Math.min(edgeCapacity(e), Math.min(capacity(from[e]), capacity(to[e]))));
            }
            AugmentingFlow flow = network(largest);
            for (int i = 0; i < workers; i++) {
                flow.start(i, askedOfWorker[i]);
            }
            for (int e = 0; e < from.length; e++) {
                flow.start(workers + e, asked[e]);
            }
            for (double relaxation : RELAXATIONS) {
                limit(flow, asked, askedOfWorker, relaxation);
                flow.maximise();
            }
            take(e -> flow.flow(workers + e));
        }

        private double[] leastCost(MaxFlowSolver solver) {
            List<Vertex> vertices = graph.vertices();
            return FlowCost.least(
                    solver,
                    vertices.stream().mapToDouble(Vertex::capacity).toArray(),
                    vertices.stream().map(Vertex::region).toArray(String[]::new),
                    from,
                    to,
                    graph.edges().stream().mapToDouble(Edge::capacity).toArray());
        }

        /** Whether settling changed nothing but by rounding. */
        private static boolean same(double[] wanted, double[] settled) {
            double largest = 0;
            double changed = 0;
            for (int e = 0; e < wanted.length; e++) {
                largest = Math.max(largest, wanted[e]);
                changed = Math.max(changed, Math.abs(wanted[e] - settled[e]));
            }
            return changed <= FULL * largest;
        }

        /**
         * Makes what is asked of edges a flow, in place, and returns what passes each worker. Layer ends grow along every
         * edge, so by rising end a worker hands on what came in as far as it can, and by falling end it takes in no more
         * than it hands on.
         */
        private double[] settle(double[] asked) {
            int[] order = IntStream.range(0, workers)
                    .boxed()
                    .sorted(Comparator.comparingInt(
                            i -> graph.vertices().get(i).layers().end()))
                    .mapToInt(Integer::intValue)
                    .toArray();
            int[][] out = byWorker(from);
            int[][] in = byWorker(to);
            double[] through = new double[workers];
            for (int e = 0; e < asked.length; e++) {
                asked[e] = Math.min(asked[e], edgeCapacity(e));
            }
            for (int i : order) {
                double arrives = Math.min(sum(asked, in[i]), capacity(i));
                double leaves = sum(asked, out[i]);
                for (int e : out[i]) {
                    asked[e] = leaves > 0 ? Math.min(edgeCapacity(e), asked[e] * (arrives / leaves)) : 0;
                }
            }
            for (int n = workers - 1; n >= 0; n--) {
                int i = order[n];
                through[i] = Math.min(sum(asked, out[i]), capacity(i));
                double arrives = sum(asked, in[i]);
                for (int e : in[i]) {
                    asked[e] = arrives > 0 ? asked[e] * Math.min(1, through[i] / arrives) : 0;
                }
            }
            return through;
        }

        private static double sum(double[] values, int[] chosen) {
            double sum = 0;
            for (int e : chosen) {
                sum += values[e];
            }
            return sum;
        }

        /** Edges by the worker at one of their ends. */
        private int[][] byWorker(int[] end) {
            int[] count = new int[workers];
            for (int worker : end) {
                if (worker >= 0) {
                    count[worker]++;
                }
            }
            int[][] edges = new int[workers][];
            Arrays.setAll(edges, i -> new int[count[i]]);
            for (int e = end.length - 1; e >= 0; e--) {
                if (end[e] >= 0) {
                    edges[end[e]][--count[end[e]]] = e;
                }
            }
            return edges;
        }

        private AugmentingFlow network(double largest) {
            int arcs = workers + from.length;
            int[] tail = new int[arcs];
            int[] head = new int[arcs];
            for (int i = 0; i < workers; i++) {
                tail[i] = 2 + 2 * i;
                head[i] = 3 + 2 * i;
            }
            for (int e = 0; e < from.length; e++) {
                tail[workers + e] = tailVertex(e);
                head[workers + e] = headVertex(e);
            }
            return new AugmentingFlow(2 + 2 * workers, 0, 1, tail, head, largest);
        }

        private void limit(AugmentingFlow flow, double[] asked, double[] askedOfWorker, double relaxation) {
            boolean open = Double.isInfinite(relaxation);
            for (int i = 0; i < workers; i++) {
                flow.capacity(i, open ? capacity(i) : Math.min(capacity(i), relaxation * askedOfWorker[i]));
            }
            for (int e = 0; e < from.length; e++) {
                double most = Math.min(edgeCapacity(e), Math.min(capacity(from[e]), capacity(to[e])));
                flow.capacity(workers + e, open ? most : Math.min(most, relaxation * asked[e]));
            }
        }

        private void take(IntToDoubleFunction flow) {
            for (int e = 0; e < from.length; e++) {
                edgeFlow[e] = Math.clamp(flow.applyAsDouble(e), 0, edgeCapacity(e));
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

        /** The closed form for workers in stages; false, and nothing changed, where it does not apply. */
        boolean spreadOverStages() {
            double[] spread = StageSpread.of(graph, from, to);
            if (spread == null) {
                return false;
            }
            take(e -> spread[e]);
            return true;
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
            if (bottleneck.isEmpty()) {
                bottleneck.add("no pipeline passes every layer: layer ranges do not meet");
            }
            return assemble(graph, epoch, workerFlow, edgeFlow, value, bound, bottleneck);
        }

        /** Vertices reachable in the residual network: the source's side of the minimum cut. */
        private boolean[] reachedFromSource() {
            int vertices = 2 + 2 * workers;
            int[] first = new int[vertices + 1];
            for (int e = 0; e < from.length; e++) {
                first[tailVertex(e) + 1]++;
                first[headVertex(e) + 1]++;
            }
            for (int v = 0; v < vertices; v++) {
                first[v + 1] += first[v];
            }
            int[] edgesAt = new int[2 * from.length];
            int[] filled = Arrays.copyOf(first, vertices);
            for (int e = 0; e < from.length; e++) {
                edgesAt[filled[tailVertex(e)]++] = e;
                edgesAt[filled[headVertex(e)]++] = e;
            }
            double slack = FULL * value;
            boolean[] reached = new boolean[vertices];
            int[] queue = new int[vertices];
            reached[0] = true;
            int last = 1;
            for (int taken = 0; taken < last; taken++) {
                int at = queue[taken];
                for (int n = first[at]; n < first[at + 1]; n++) {
                    int e = edgesAt[n];
                    boolean leaves = tailVertex(e) == at;
                    int next = leaves ? headVertex(e) : tailVertex(e);
                    boolean room = leaves ? edgeFlow[e] < edgeCapacity(e) - slack : edgeFlow[e] > slack;
                    if (room && !reached[next]) {
                        reached[next] = true;
                        queue[last++] = next;
                    }
                }
                int other = at < 2 ? at : at ^ 1;
                int i = (at - 2) / 2;
                if (!reached[other] && (at % 2 == 0 ? workerFlow[i] < capacity(i) - slack : workerFlow[i] > slack)) {
                    reached[other] = true;
                    queue[last++] = other;
                }
            }
            return reached;
        }
    }
}
