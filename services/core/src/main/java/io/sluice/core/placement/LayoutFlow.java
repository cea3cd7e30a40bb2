package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Exact maximum flow of a {@link Layout}, tokens/s (Helix, ASPLOS'25, section 4.2), fast enough to be asked hundreds of
 * thousands of times a second at two dozen nodes.
 *
 * <p>Where two nodes meet at a layer boundary and the link between them carries at least what the smaller of the two
 * does, the link can never bind, because it carries no more than either node passes. A boundary where that holds for
 * every pair becomes one hub vertex; if it holds for every pair of the cluster at any number of layers, a node is just
 * an arc between two boundaries. Elsewhere every link is an arc. All three give the same value. The coordinator's own
 * network connection is not part of the graph (token ids are a few bytes each).
 *
 * <p>Keeps arrays between calls: one instance per thread.
 */
public final class LayoutFlow {
    private final PlacementProblem problem;
    private final int nodes;
    private final int layers;
    private final double[] link;
    private final boolean linksNeverBind;
    private final FlowArrays arrays = new FlowArrays();
    private final double[] capacity;
    private final int[] vertexAt;
    private final int[] boundaries;
    private final int[] firstEnding;
    private final int[] nextEnding;
    private int boundaryCount;

    public LayoutFlow(PlacementProblem problem) {
        this.problem = problem;
        this.nodes = problem.nodes();
        this.layers = problem.layers();
        this.link = new double[(nodes + 1) * (nodes + 1)];
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            for (int to = Links.COORDINATOR; to < nodes; to++) {
                if (from != to) {
                    link[(from + 1) * (nodes + 1) + to + 1] = problem.linkCapacity(from, to);
                }
            }
        }
        this.capacity = new double[nodes];
        this.vertexAt = new int[layers + 1];
        this.boundaries = new int[nodes];
        this.firstEnding = new int[layers + 1];
        this.nextEnding = new int[nodes];
        this.linksNeverBind = !problem.constraints().partialInference() && neverBind();
    }

    /**
     * What flows where, and the minimum cut nearest the source. Immutable but for its arrays, which are the caller's.
     *
     * @param value tokens/s
     * @param nodeFlow tokens/s by node
     * @param links links with flow, in order of sender and receiver
     * @param cutNodes nodes in the minimum cut
     * @param cutLinks links in the minimum cut
     */
    public record Detail(
            double value, double[] nodeFlow, List<LinkFlow> links, List<Integer> cutNodes, List<LinkFlow> cutLinks) {
        /** The minimum cut as a person would say it. */
        public String bottleneck(PlacementProblem problem) {
            List<String> names = new ArrayList<>();
            for (int node : cutNodes) {
                names.add(problem.cluster().nodes().get(node).id().value());
            }
            for (LinkFlow cut : cutLinks) {
                names.add(cut.name(problem));
            }
            return String.join(", ", names);
        }
    }

    /** A link; ends are node numbers or {@link Links#COORDINATOR}; flow and capacity in tokens/s. */
    public record LinkFlow(int from, int to, double flow, double capacity) {
        /** {@code from>to}, with {@code source} and {@code sink} for the coordinator, as in an allocation. */
        public String name(PlacementProblem problem) {
            var all = problem.cluster().nodes();
            return (from == Links.COORDINATOR ? "source" : all.get(from).id().value()) + ">"
                    + (to == Links.COORDINATOR ? "sink" : all.get(to).id().value());
        }
    }

    public PlacementProblem problem() {
        return problem;
    }

    /** Maximum flow, tokens/s; 0: no pipeline passes every layer. */
    public double value(Layout layout) {
        int[] first = new int[nodes];
        int[] end = new int[nodes];
        for (int i = 0; i < nodes; i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
        return value(first, end);
    }

    /** Maximum flow of the ranges {@code [first[i], end[i])}, tokens/s; the arrays are only read. */
    public double value(int[] first, int[] end) {
        for (int i = 0; i < nodes; i++) {
            capacity[i] = problem.capacity(i, end[i] - first[i]);
        }
        return linksNeverBind ? overBoundaries(first, end) : overHubs(first, end, false);
    }

    /**
     * How many nodes must fail before no pipeline is left (Menger: disjoint pipelines); at most {@code enough}.
     */
    public int disjointPipelines(int[] first, int[] end, int enough) {
        for (int i = 0; i < nodes; i++) {
            capacity[i] = problem.capacity(i, end[i] - first[i]) > 0 ? 1 : 0;
        }
        // A link either exists or not here; only the full graph knows which.
        double disjoint = linksNeverBind ? overBoundaries(first, end) : overHubs(first, end, true);
        return (int) Math.min(enough, Math.round(disjoint));
    }

    /** Flow by node and link with the minimum cut, over the full graph. */
    public Detail detail(Layout layout) {
        List<int[]> pairs = pairs(problem, layout);
        arrays.reset(2 * nodes + 2);
        int source = 2 * nodes;
        int sink = source + 1;
        for (int i = 0; i < nodes; i++) {
            capacity[i] = problem.capacity(i, layout.layers(i));
            arrays.add(2 * i, 2 * i + 1, capacity[i]);
        }
        for (int[] pair : pairs) {
            int tail = pair[0] == Links.COORDINATOR ? source : 2 * pair[0] + 1;
            int head = pair[1] == Links.COORDINATOR ? sink : 2 * pair[1];
            arrays.add(tail, head, link(pair[0], pair[1]));
        }
        double value = arrays.maxFlow(source, sink);
        double[] nodeFlow = new double[nodes];
        List<Integer> cutNodes = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            nodeFlow[i] = arrays.flow(i);
            if (layout.holds(i) && arrays.reached(2 * i) && !arrays.reached(2 * i + 1)) {
                cutNodes.add(i);
            }
        }
        List<LinkFlow> links = new ArrayList<>();
        List<LinkFlow> cutLinks = new ArrayList<>();
        for (int p = 0; p < pairs.size(); p++) {
            int from = pairs.get(p)[0];
            int to = pairs.get(p)[1];
            LinkFlow flow = new LinkFlow(from, to, arrays.flow(nodes + p), link(from, to));
            if (flow.flow() > 0) {
                links.add(flow);
            }
            boolean tail = from == Links.COORDINATOR || arrays.reached(2 * from + 1);
            boolean head = to != Links.COORDINATOR && arrays.reached(2 * to);
            if (tail && !head) {
                cutLinks.add(flow);
            }
        }
        return new Detail(value, nodeFlow, links, cutNodes, cutLinks);
    }

    /** Every edge of the layout's graph as sender and receiver, links of no bandwidth too, in that order. */
    static List<int[]> pairs(PlacementProblem problem, Layout layout) {
        List<int[]> pairs = new ArrayList<>();
        for (int u = Links.COORDINATOR; u < problem.nodes(); u++) {
            if (u != Links.COORDINATOR && !layout.holds(u)) {
                continue;
            }
            if (u != Links.COORDINATOR && layout.end(u) == problem.layers()) {
                pairs.add(new int[] {u, Links.COORDINATOR});
            }
            for (int v = 0; v < problem.nodes(); v++) {
                if (v == u || !layout.holds(v)) {
                    continue;
                }
                boolean joined = u == Links.COORDINATOR
                        ? layout.first(v) == 0
                        : problem.connects(layout.end(u), layout.first(v), layout.end(v));
                if (joined) {
                    pairs.add(new int[] {u, v});
                }
            }
        }
        return pairs;
    }

    private double link(int from, int to) {
        return link[(from + 1) * (nodes + 1) + to + 1];
    }

    private boolean neverBind() {
        double[] most = new double[nodes];
        for (int i = 0; i < nodes; i++) {
            for (int k = 1; k <= problem.maxLayers(i); k++) {
                most[i] = Math.max(most[i], problem.capacity(i, k));
            }
        }
        for (int u = 0; u < nodes; u++) {
            if (link(Links.COORDINATOR, u) < most[u] || link(u, Links.COORDINATOR) < most[u]) {
                return false;
            }
            for (int v = 0; v < nodes; v++) {
                if (u != v && link(u, v) < Math.min(most[u], most[v])) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Nodes are arcs between layer boundaries: links do not bind, and no pipeline enters a node in its middle. */
    private double overBoundaries(int[] first, int[] end) {
        Arrays.fill(vertexAt, -1);
        vertexAt[0] = 0;
        vertexAt[layers] = 1;
        int count = 2;
        for (int i = 0; i < nodes; i++) {
            if (end[i] > first[i]) {
                if (vertexAt[first[i]] < 0) {
                    vertexAt[first[i]] = count++;
                }
                if (vertexAt[end[i]] < 0) {
                    vertexAt[end[i]] = count++;
                }
            }
        }
        arrays.reset(count);
        for (int i = 0; i < nodes; i++) {
            if (end[i] > first[i]) {
                arrays.add(vertexAt[first[i]], vertexAt[end[i]], capacity[i]);
            }
        }
        return arrays.maxFlow(0, 1);
    }

    /** Nodes are pairs of vertices; a boundary is a hub where no link binds, else a bundle of links. */
    private double overHubs(int[] first, int[] end, boolean unlimited) {
        listBoundaries(first, end);
        arrays.reset(2 * nodes + 2 + boundaryCount);
        int source = 2 * nodes;
        int sink = source + 1;
        for (int i = 0; i < nodes; i++) {
            if (end[i] == first[i]) {
                continue;
            }
            arrays.add(2 * i, 2 * i + 1, capacity[i]);
            if (first[i] == 0) {
                arrays.add(source, 2 * i, carried(Links.COORDINATOR, i, unlimited));
            }
            if (end[i] == layers) {
                arrays.add(2 * i + 1, sink, carried(i, Links.COORDINATOR, unlimited));
            }
        }
        for (int b = 0; b < boundaryCount; b++) {
            join(boundaries[b], source + 2 + b, first, end, unlimited);
        }
        return arrays.maxFlow(source, sink);
    }

    private double carried(int from, int to, boolean unlimited) {
        double carried = link(from, to);
        return unlimited && carried > 0 ? Double.POSITIVE_INFINITY : carried;
    }

    private void listBoundaries(int[] first, int[] end) {
        Arrays.fill(firstEnding, -1);
        boundaryCount = 0;
        for (int i = 0; i < nodes; i++) {
            if (end[i] > first[i] && end[i] < layers) {
                if (firstEnding[end[i]] < 0) {
                    boundaries[boundaryCount++] = end[i];
                }
                nextEnding[i] = firstEnding[end[i]];
                firstEnding[end[i]] = i;
            }
        }
    }

    private void join(int boundary, int hub, int[] first, int[] end, boolean unlimited) {
        boolean binds = binds(boundary, first, end, unlimited);
        for (int u = firstEnding[boundary]; u >= 0; u = nextEnding[u]) {
            if (!binds) {
                arrays.add(2 * u + 1, hub, Double.POSITIVE_INFINITY);
                continue;
            }
            for (int v = 0; v < nodes; v++) {
                if (end[v] > first[v] && problem.connects(boundary, first[v], end[v])) {
                    arrays.add(2 * u + 1, 2 * v, carried(u, v, unlimited));
                }
            }
        }
        if (!binds) {
            for (int v = 0; v < nodes; v++) {
                if (end[v] > first[v] && problem.connects(boundary, first[v], end[v])) {
                    arrays.add(hub, 2 * v, Double.POSITIVE_INFINITY);
                }
            }
        }
    }

    private boolean binds(int boundary, int[] first, int[] end, boolean unlimited) {
        for (int v = 0; v < nodes; v++) {
            if (end[v] == first[v] || !problem.connects(boundary, first[v], end[v])) {
                continue;
            }
            for (int u = firstEnding[boundary]; u >= 0; u = nextEnding[u]) {
                if (carried(u, v, unlimited) < Math.min(capacity[u], capacity[v])) {
                    return true;
                }
            }
        }
        return false;
    }
}
