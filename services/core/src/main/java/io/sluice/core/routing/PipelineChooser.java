package io.sluice.core.routing;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Chooses pipelines over one allocation: walks from the source to the sink, at every vertex by
 * {@link InterleavedWeightedRoundRobin} (Helix, ASPLOS'25, section 5.2). A masked worker is not entered; a walk that
 * dead-ends goes back to the vertex before and takes the next best link, and only the links of the walk that succeeds
 * are charged. Under {@link RoutingPolicy#SLUICE} a vertex orders its links by what is in flight instead, see
 * {@link #loadSeconds}. A worker entered behind its first layer runs the rest of its layers only (partial inference).
 *
 * <p>Not thread-safe. A choice costs {@code O(edges log edges)}.
 */
public final class PipelineChooser {
    private static final String SOURCE = Allocation.SOURCE;

    private final Allocation allocation;
    private final RoutingPolicy policy;
    private final InFlight inFlight;
    private final Map<String, WorkerFlow> workers = new HashMap<>();
    private final Map<String, Vertex> vertices = new HashMap<>();

    /** The out-links of one vertex, in the allocation's order. */
    private record Vertex(List<String> targets, double[] flows, InterleavedWeightedRoundRobin split) {}

    /** A chooser that sees nothing in flight. */
    public PipelineChooser(Allocation allocation, RoutingPolicy policy) {
        this(allocation, policy, new InFlight());
    }

    /**
     * @param inFlight what runs; the caller keeps it up to date
     * @throws IllegalArgumentException when an edge names an unknown worker or skips layers
     */
    public PipelineChooser(Allocation allocation, RoutingPolicy policy, InFlight inFlight) {
        this.allocation = allocation;
        this.policy = policy;
        this.inFlight = inFlight;
        allocation.workers().forEach(worker -> workers.put(worker.worker().value(), worker));
        Map<String, List<EdgeFlow>> out = new HashMap<>();
        for (EdgeFlow edge : allocation.edges()) {
            checkEdge(edge);
            if (policy == RoutingPolicy.ROUND_ROBIN || edge.flow() > 0) {
                out.computeIfAbsent(edge.from(), from -> new ArrayList<>()).add(edge);
            }
        }
        out.forEach((from, edges) -> {
            double[] weights = edges.stream().mapToDouble(this::weight).toArray();
            List<String> targets = edges.stream().map(EdgeFlow::to).toList();
            vertices.put(from, new Vertex(targets, weights, new InterleavedWeightedRoundRobin(weights)));
        });
    }

    /** A chooser over a newer allocation that goes on where this one stands, so that a new epoch forgets no debt. */
    public PipelineChooser successor(Allocation newer) {
        PipelineChooser next = new PipelineChooser(newer, policy, inFlight);
        vertices.forEach((from, old) -> {
            Vertex vertex = next.vertices.get(from);
            for (int i = 0; vertex != null && i < old.targets.size(); i++) {
                int link = vertex.targets.indexOf(old.targets.get(i));
                if (link >= 0) {
                    vertex.split.carry(link, old.split.surplus(i));
                }
            }
        });
        return next;
    }

    public Allocation allocation() {
        return allocation;
    }

    /**
     * Chooses the pipeline of one session and charges its links.
     *
     * @param work tokens the session is expected to bring: prompt plus output
     * @param allowed workers that may be entered; pure, may be asked more than once
     * @return empty when no allowed walk reaches the sink
     */
    public Optional<Pipeline> choose(long work, Predicate<WorkerFlow> allowed) {
        Walk walk = new Walk(policy == RoutingPolicy.ROUND_ROBIN ? 1 : work, allowed);
        if (!walk.reachesSinkFrom(SOURCE)) {
            return Optional.empty();
        }
        walk.charge();
        return Optional.of(walk.pipeline());
    }

    /** Whether {@link #choose} would find a pipeline; charges nothing. */
    public boolean canChoose(Predicate<WorkerFlow> allowed) {
        return new Walk(1, allowed).reachesSinkFrom(SOURCE);
    }

    /**
     * Tokens in flight with {@code work} more, relative to flow: on the edge and on the worker it leads to, averaged. A
     * session counts until it ends, so where sessions take longer they pile up and fewer are sent; where all take equally
     * long the shares are those of the flows. Unlike the round robin nothing is remembered of what has ended, so a worker
     * that was full is not flooded once it has room.
     */
    private double loadSeconds(String from, Vertex vertex, int link, double work) {
        String to = vertex.targets.get(link);
        double onEdge = (inFlight.edge(from, to) + work) / vertex.flows[link];
        WorkerFlow worker = workers.get(to);
        if (worker == null || !(worker.flow() > 0)) {
            return onEdge;
        }
        return (onEdge + (inFlight.worker(to) + work) / worker.flow()) / 2;
    }

    private double weight(EdgeFlow edge) {
        return policy == RoutingPolicy.ROUND_ROBIN ? 1 : edge.flow();
    }

    private void checkEdge(EdgeFlow edge) {
        WorkerFlow from = workers.get(edge.from());
        WorkerFlow to = workers.get(edge.to());
        boolean fromSource = edge.from().equals(SOURCE);
        boolean toSink = edge.to().equals(Allocation.SINK);
        int end = fromSource ? 0 : from == null ? -1 : from.layers().end();
        boolean fits = toSink
                ? !fromSource && end == allocation.layerCount()
                : end >= 0 && to != null && to.layers().contains(end);
        if (!fits) {
            throw new IllegalArgumentException("edge " + edge.from() + ">" + edge.to() + " of the allocation of "
                    + allocation.model() + ", epoch " + allocation.epoch()
                    + " must join a worker's last layer to a worker that holds the next one");
        }
    }

    /** One depth-first search; layers grow along every edge, so it ends. */
    private final class Walk {
        private final double work;
        private final Predicate<WorkerFlow> allowed;
        private final Set<String> dead = new HashSet<>();
        private final List<String> from = new ArrayList<>();
        private final List<Integer> links = new ArrayList<>();

        Walk(double work, Predicate<WorkerFlow> allowed) {
            this.work = work;
            this.allowed = allowed;
        }

        boolean reachesSinkFrom(String name) {
            Vertex vertex = vertices.get(name);
            if (vertex == null) {
                dead.add(name);
                return false;
            }
            for (int link : order(name, vertex)) {
                String target = vertex.targets.get(link);
                if (isMasked(target)) {
                    continue;
                }
                from.add(name);
                links.add(link);
                if (target.equals(Allocation.SINK) || reachesSinkFrom(target)) {
                    return true;
                }
                from.removeLast();
                links.removeLast();
            }
            dead.add(name);
            return false;
        }

        private int[] order(String name, Vertex vertex) {
            if (policy != RoutingPolicy.SLUICE || vertex.targets.size() == 1) {
                return vertex.split.order(work);
            }
            double[] seconds = new double[vertex.targets.size()];
            for (int link = 0; link < seconds.length; link++) {
                seconds[link] = loadSeconds(name, vertex, link, work);
            }
            return IntStream.range(0, seconds.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer link) -> seconds[link]))
                    .mapToInt(Integer::intValue)
                    .toArray();
        }

        private boolean isMasked(String target) {
            return dead.contains(target) || (!target.equals(Allocation.SINK) && !allowed.test(workers.get(target)));
        }

        void charge() {
            for (int step = 0; step < links.size(); step++) {
                Vertex vertex = vertices.get(from.get(step));
                BitSet masked = new BitSet();
                for (int link = 0; link < vertex.targets.size(); link++) {
                    masked.set(link, isMasked(vertex.targets.get(link)));
                }
                vertex.split.charge(links.get(step), work, masked);
            }
        }

        Pipeline pipeline() {
            List<Stage> stages = new ArrayList<>();
            int entered = 0;
            for (String name : from.subList(1, from.size())) {
                WorkerFlow worker = workers.get(name);
                stages.add(new Stage(
                        new WorkerId(name),
                        new LayerRange(entered, worker.layers().end())));
                entered = worker.layers().end();
            }
            return new Pipeline(stages);
        }
    }
}
