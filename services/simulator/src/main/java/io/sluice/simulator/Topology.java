package io.sluice.simulator;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.FlowSolver;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.core.planning.WorkerGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A layout as the simulator sees it: nodes with their layers and KV cache, the directed links that pipelines can take,
 * numbered, and the flow on each. Nodes keep their numbers in the problem's cluster; {@link Links#COORDINATOR} is source
 * and sink. Links are ordered by from, then to, so out-links of a vertex are neighbours. Immutable and thread-safe.
 */
public final class Topology {
    private final PlacementProblem problem;
    private final Layout layout;
    private final long[] kvTokensPerLayer;
    private final int[] from;
    private final int[] to;
    private final int[] firstOut;
    private final double[] flow;
    private final double maxFlow;

    private Topology(
            PlacementProblem problem, Layout layout, long[] kvTokensPerLayer, int[] from, int[] to, double[] flow) {
        this.problem = problem;
        this.layout = layout;
        this.kvTokensPerLayer = kvTokensPerLayer;
        this.from = from;
        this.to = to;
        this.flow = flow;
        this.firstOut = new int[problem.nodes() + 2];
        double sum = 0;
        for (int link = 0; link < from.length; link++) {
            firstOut[from[link] + 2] = link + 1;
            sum += from[link] == Links.COORDINATOR ? flow[link] : 0;
        }
        for (int vertex = 1; vertex < firstOut.length; vertex++) {
            firstOut[vertex] = Math.max(firstOut[vertex], firstOut[vertex - 1]);
        }
        this.maxFlow = sum;
    }

    /** The topology of a layout with the profile's KV cache on every node. */
    public static Topology of(PlacementProblem problem, Layout layout, MaxFlowSolver solver) {
        return of(problem, layout, Map.of(), solver);
    }

    /**
     * The topology of a layout.
     *
     * @param kvTokensPerLayer KV cache of nodes for which the profile's does not hold, tokens in every layer
     * @throws IllegalArgumentException when no pipeline covers all layers
     */
    public static Topology of(
            PlacementProblem problem, Layout layout, Map<WorkerId, Long> kvTokensPerLayer, MaxFlowSolver solver) {
        Objects.requireNonNull(solver, "solver");
        if (layout.nodes() != problem.nodes()) {
            throw new IllegalArgumentException("layout of " + layout.nodes() + " nodes for cluster "
                    + problem.cluster().name() + " of " + problem.nodes());
        }
        long[] kv = new long[problem.nodes()];
        for (int i = 0; i < kv.length; i++) {
            Long given = kvTokensPerLayer.get(problem.cluster().nodes().get(i).id());
            kv[i] = given != null ? given : problem.kvTokensPerLayer(i, layout.layers(i));
        }
        List<int[]> links = usefulLinks(problem, layout);
        if (links.isEmpty()) {
            throw new IllegalArgumentException(
                    "layout on cluster " + problem.cluster().name()
                            + ": no pipeline of connected nodes covers all " + problem.layers() + " layers of "
                            + problem.model().name());
        }
        int[] from = links.stream().mapToInt(link -> link[0]).toArray();
        int[] to = links.stream().mapToInt(link -> link[1]).toArray();
        return new Topology(problem, layout, kv, from, to, flows(problem, layout, from, to, solver));
    }

    /** Links on a way from source to sink, ordered by from, then to. */
    private static List<int[]> usefulLinks(PlacementProblem problem, Layout layout) {
        int nodes = problem.nodes();
        boolean[] fromSource = new boolean[nodes];
        boolean[] toSink = new boolean[nodes];
        // Ends of layer ranges grow along every link, so as many rounds as nodes reach everything.
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int u = 0; u < nodes; u++) {
                changed |= !fromSource[u] && (fromSource[u] = enters(problem, layout, u, fromSource));
                changed |= !toSink[u] && (toSink[u] = leaves(problem, layout, u, toSink));
            }
        }
        List<int[]> links = new ArrayList<>();
        for (int u = Links.COORDINATOR; u < nodes; u++) {
            for (int v = Links.COORDINATOR; v < nodes; v++) {
                boolean reached = (u == Links.COORDINATOR || fromSource[u]) && (v == Links.COORDINATOR || toSink[v]);
                if (u != v && reached && connects(problem, layout, u, v)) {
                    links.add(new int[] {u, v});
                }
            }
        }
        return links;
    }

    private static boolean enters(PlacementProblem problem, Layout layout, int node, boolean[] reached) {
        for (int u = Links.COORDINATOR; u < problem.nodes(); u++) {
            if (u != node && (u == Links.COORDINATOR || reached[u]) && connects(problem, layout, u, node)) {
                return true;
            }
        }
        return false;
    }

    private static boolean leaves(PlacementProblem problem, Layout layout, int node, boolean[] reached) {
        for (int v = Links.COORDINATOR; v < problem.nodes(); v++) {
            if (v != node && (v == Links.COORDINATOR || reached[v]) && connects(problem, layout, node, v)) {
                return true;
            }
        }
        return false;
    }

    private static boolean connects(PlacementProblem problem, Layout layout, int u, int v) {
        if (!problem.cluster().links().exists(u, v)) {
            return false;
        }
        if (u == Links.COORDINATOR) {
            return layout.holds(v) && layout.first(v) == 0;
        }
        if (v == Links.COORDINATOR) {
            return layout.holds(u) && layout.end(u) == problem.layers();
        }
        return layout.holds(u) && layout.holds(v) && problem.connects(layout.end(u), layout.first(v), layout.end(v));
    }

    private static double[] flows(PlacementProblem problem, Layout layout, int[] from, int[] to, MaxFlowSolver solver) {
        Map<String, Integer> linkByEnds = new HashMap<>();
        for (int link = 0; link < from.length; link++) {
            linkByEnds.put(name(problem, from[link], true) + ">" + name(problem, to[link], false), link);
        }
        double bytes = problem.model().activationBytesPerToken();
        List<WorkerGraph.Vertex> vertices = new ArrayList<>();
        Map<WorkerId, Integer> index = problem.cluster().indexById();
        for (var stage : layout.stages(problem)) {
            int i = index.get(stage.worker());
            vertices.add(new WorkerGraph.Vertex(
                    stage.worker(),
                    stage.layers(),
                    problem.cluster().nodes().get(i).region(),
                    problem.capacity(i, layout.layers(i)),
                    problem.kvTokensPerLayer(i, layout.layers(i)),
                    problem.type(i).nicOutBytesPerSecond()));
        }
        WorkerGraph graph = WorkerGraph.build(layout.plan(problem, 1), vertices, (a, b, declared) -> {
            Integer link = linkByEnds.get(a + ">" + b);
            if (link == null) {
                return 0; // the graph has every edge of partial inference
            }
            boolean coordinator = from[link] == Links.COORDINATOR || to[link] == Links.COORDINATOR;
            return problem.linkCapacity(from[link], to[link]) * (coordinator ? WorkerGraph.TOKEN_ID_BYTES : bytes);
        });
        double[] flow = new double[from.length];
        for (Allocation.EdgeFlow edge : new FlowSolver(solver).solve(graph, 1).edges()) {
            Integer link = linkByEnds.get(edge.from() + ">" + edge.to());
            if (link != null) {
                flow[link] = edge.flow();
            }
        }
        return flow;
    }

    private static String name(PlacementProblem problem, int vertex, boolean source) {
        return vertex == Links.COORDINATOR
                ? source ? Allocation.SOURCE : Allocation.SINK
                : problem.cluster().nodes().get(vertex).id().value();
    }

    /** This topology with other flows, one per link. */
    public Topology withFlow(double[] other) {
        if (other.length != from.length || Arrays.stream(other).anyMatch(f -> !(f >= 0))) {
            throw new IllegalArgumentException(
                    other.length + " flows for " + from.length + " links; one each, not negative, is needed");
        }
        return new Topology(problem, layout, kvTokensPerLayer, from, to, other.clone());
    }

    /**
     * This topology with published flows.
     *
     * @param byEnds tokens/s by {@code from>to}, ends as node numbers, -1 for the coordinator; 0 where there is none
     * @throws IllegalArgumentException when a flow is on a link that pipelines cannot take
     */
    public Topology withFlow(Map<String, Double> byEnds) {
        double[] other = new double[from.length];
        int found = 0;
        for (int link = 0; link < from.length; link++) {
            Double tokensPerSecond = byEnds.get(from[link] + ">" + to[link]);
            if (tokensPerSecond != null) {
                other[link] = tokensPerSecond;
                found++;
            }
        }
        if (found != byEnds.size()) {
            throw new IllegalArgumentException("flows on " + byEnds.size() + " links of cluster "
                    + problem.cluster().name() + ", but only " + found + " of them are links of this layout");
        }
        return withFlow(other);
    }

    public PlacementProblem problem() {
        return problem;
    }

    public Layout layout() {
        return layout;
    }

    /** Number of nodes of the cluster; some may hold nothing. */
    public int nodes() {
        return problem.nodes();
    }

    /** Id of a node, or {@code coordinator}. */
    public String name(int vertex) {
        return vertex == Links.COORDINATOR
                ? "coordinator"
                : problem.cluster().nodes().get(vertex).id().value();
    }

    /** Profile and batch limits of a node as it is. */
    public LayerProfile layerProfile(int node) {
        return problem.layerProfile(node);
    }

    /** KV cache of a node, tokens in every layer. */
    public long kvTokensPerLayer(int node) {
        return kvTokensPerLayer[node];
    }

    /** KV cache of a node, tokens summed over its layers. */
    public long kvTokenLayers(int node) {
        return kvTokensPerLayer[node] * layout.layers(node);
    }

    /** Number of links. */
    public int links() {
        return from.length;
    }

    public int from(int link) {
        return from[link];
    }

    public int to(int link) {
        return to[link];
    }

    /** First link out of a vertex; the last one is before {@link #endOut}. */
    public int firstOut(int vertex) {
        return firstOut[vertex + 1];
    }

    /** End of the links out of a vertex, exclusive. */
    public int endOut(int vertex) {
        return firstOut[vertex + 2];
    }

    /** Flow on the link, tokens/s. */
    public double flow(int link) {
        return flow[link];
    }

    /** Value of the flow, tokens/s. */
    public double maxFlow() {
        return maxFlow;
    }

    /** Bandwidth of the link, used alone, bytes/s: no more than the network connections at its ends. */
    public double bytesPerSecond(int link) {
        double bytes = problem.cluster().links().bytesPerSecond(from[link], to[link]);
        return Math.min(bytes, Math.min(nicOutBytesPerSecond(from[link]), nicInBytesPerSecond(to[link])));
    }

    /** Network connection outwards of a node or the coordinator, bytes/s. */
    public double nicOutBytesPerSecond(int vertex) {
        return vertex == Links.COORDINATOR
                ? problem.cluster().coordinatorOutBytesPerSecond()
                : problem.type(vertex).nicOutBytesPerSecond();
    }

    /** Network connection inwards of a node or the coordinator, bytes/s. */
    public double nicInBytesPerSecond(int vertex) {
        return vertex == Links.COORDINATOR
                ? problem.cluster().coordinatorInBytesPerSecond()
                : problem.type(vertex).nicInBytesPerSecond();
    }

    /** Latency of the link, seconds. */
    public double latencySeconds(int link) {
        return problem.cluster().links().latencySeconds(from[link], to[link]);
    }

    /** Bytes a token takes on the link: its id to and from the coordinator, id and activation between nodes. */
    public long bytesPerToken(int link) {
        long id = problem.model().tokenBytes();
        boolean coordinator = from[link] == Links.COORDINATOR || to[link] == Links.COORDINATOR;
        return coordinator ? id : id + problem.model().activationBytesPerToken();
    }
}
