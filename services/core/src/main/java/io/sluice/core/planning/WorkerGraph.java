package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * The graph max-flow runs on: workers with a capacity and the edges that tokens can take (Helix, ASPLOS'25, section 4).
 * Immutable; workers are ordered by first layer, then id, edges by from, then to.
 *
 * <p>Edges: source to w when w begins at layer 0; w to sink when w ends at the last layer; u to v when
 * {@code v.first <= u.end < v.end} (partial inference: a pipeline that comes from u runs {@code [u.end, v.end)} on v,
 * although v's capacity counts all its layers). Layer ends grow along every edge, so the graph has no cycle and every
 * path from source to sink passes every layer exactly once. Link latency appears nowhere; capacities are tokens/s with
 * prompt and decode tokens counted alike.
 */
public final class WorkerGraph {
    /** Size of a token id on the edges of source and sink, bytes. */
    public static final int TOKEN_ID_BYTES = 4;

    static final Comparator<Vertex> VERTEX_ORDER =
            Comparator.comparing((Vertex v) -> v.layers().first()).thenComparing(Vertex::worker);
    static final Comparator<Edge> EDGE_ORDER = Comparator.comparing(Edge::from).thenComparing(Edge::to);

    private final String model;
    private final long placementEpoch;
    private final int layerCount;
    private final List<Vertex> vertices;
    private final List<Edge> edges;

    private WorkerGraph(PlacementPlan plan, List<Vertex> vertices, List<Edge> edges) {
        this.model = plan.model();
        this.placementEpoch = plan.epoch();
        this.layerCount = plan.layerCount();
        this.vertices = List.copyOf(vertices);
        this.edges = List.copyOf(edges);
    }

    /**
     * A live worker.
     *
     * @param capacity tokens/s through the layers held
     * @param kvCapacityTokens KV cache capacity over the layers held, tokens
     * @param linkBytesPerSecond bandwidth of the worker's own network connection, bytes/s
     */
    public record Vertex(
            WorkerId worker,
            LayerRange layers,
            String region,
            double capacity,
            long kvCapacityTokens,
            double linkBytesPerSecond) {
        public Vertex {
            Objects.requireNonNull(worker, "worker");
            Objects.requireNonNull(layers, "layers");
            Objects.requireNonNull(region, "region");
            if (!(capacity >= 0) || Double.isInfinite(capacity)) {
                throw new IllegalArgumentException(
                        "worker " + worker + ": capacity " + capacity + " tokens/s must be finite and not negative");
            }
            if (!(linkBytesPerSecond > 0) || Double.isInfinite(linkBytesPerSecond)) {
                throw new IllegalArgumentException(
                        "worker " + worker + ": link " + linkBytesPerSecond + " bytes/s must be finite and positive");
            }
            if (kvCapacityTokens < 0) {
                throw new IllegalArgumentException(
                        "worker " + worker + ": KV capacity " + kvCapacityTokens + " tokens must not be negative");
            }
        }
    }

    /** A link; ends are worker ids, {@link Allocation#SOURCE} or {@link Allocation#SINK}; capacity in tokens/s. */
    public record Edge(String from, String to, double capacity) {}

    /** Bandwidth of a link as measured; ends as in {@link Edge}. */
    @FunctionalInterface
    public interface Bandwidth {
        /** Bytes per second from {@code from} to {@code to}; {@code declared} when nothing better is known. */
        double bytesPerSecond(String from, String to, double declared);

        /** Believes what the workers declare. */
        static Bandwidth declared() {
            return (from, to, declared) -> declared;
        }
    }

    /**
     * The graph of {@code live} workers under {@code plan}.
     *
     * @param live each with the layer range the plan gives it; others are the caller's to leave out
     */
    public static WorkerGraph build(PlacementPlan plan, List<Vertex> live, Bandwidth bandwidth) {
        List<Vertex> vertices = live.stream().sorted(VERTEX_ORDER).toList();
        List<Edge> edges = new ArrayList<>();
        double activationBytes = plan.activationBytesPerToken();
        for (Vertex u : vertices) {
            String name = u.worker().value();
            if (u.layers().first() == 0) {
                double bytes = bandwidth.bytesPerSecond(Allocation.SOURCE, name, u.linkBytesPerSecond());
                edges.add(new Edge(Allocation.SOURCE, name, bytes / TOKEN_ID_BYTES));
            }
            if (u.layers().end() == plan.layerCount()) {
                double bytes = bandwidth.bytesPerSecond(name, Allocation.SINK, u.linkBytesPerSecond());
                edges.add(new Edge(name, Allocation.SINK, bytes / TOKEN_ID_BYTES));
            }
            for (Vertex v : vertices) {
                if (connects(u.layers(), v.layers())) {
                    double declared = Math.min(u.linkBytesPerSecond(), v.linkBytesPerSecond());
                    double bytes = bandwidth.bytesPerSecond(name, v.worker().value(), declared);
                    edges.add(new Edge(name, v.worker().value(), bytes / activationBytes));
                }
            }
        }
        edges.sort(EDGE_ORDER);
        return new WorkerGraph(plan, vertices, edges);
    }

    /** A graph whose edges are known, for example those of a planned cluster. */
    public static WorkerGraph of(PlacementPlan plan, List<Vertex> workers, List<Edge> edges) {
        return new WorkerGraph(
                plan,
                workers.stream().sorted(VERTEX_ORDER).toList(),
                edges.stream().sorted(EDGE_ORDER).toList());
    }

    /** Whether a pipeline can go on from a worker that holds {@code u} to one that holds {@code v}. */
    static boolean connects(LayerRange u, LayerRange v) {
        return v.first() <= u.end() && u.end() < v.end();
    }

    /** Layers none of the live workers holds, as maximal ranges. */
    public List<LayerRange> uncoveredLayers() {
        return PlacementPlan.uncovered(
                layerCount, vertices.stream().map(Vertex::layers).toList());
    }

    public String model() {
        return model;
    }

    public long placementEpoch() {
        return placementEpoch;
    }

    public int layerCount() {
        return layerCount;
    }

    public List<Vertex> vertices() {
        return vertices;
    }

    public List<Edge> edges() {
        return edges;
    }
}
