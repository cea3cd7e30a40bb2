package io.sluice.simulator.sluice;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Links;
import io.sluice.core.planning.Allocation;
import io.sluice.core.routing.Dispatcher;
import io.sluice.core.routing.OutputForecast;
import io.sluice.core.routing.PromptWindow;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.simulator.Request;
import io.sluice.simulator.Routing;
import io.sluice.simulator.Topology;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Admission and routes by the router's {@link Dispatcher} and {@link PromptWindow}; sessions are counted by an
 * {@link OutputForecast}, which the live router cannot do, because its workers reserve the most a session may take.
 */
final class SluiceRouting implements Routing {
    private static final double PRIOR_SESSIONS = 20;
    private static final int KV_BLOCK_TOKENS = 16;

    private final Topology topology;
    private final Dispatcher dispatcher;
    private final PromptWindow window;
    private final OutputForecast forecast;
    private final Map<WorkerId, Integer> index;
    private final int[] chunkByNode;
    private final int[] route;
    private final Map<Integer, Started> started = new HashMap<>();
    private final Map<String, Long> capacity = new HashMap<>();

    /**
     * A prompt on its way.
     *
     * @param aloneSeconds what it would take on an idle cluster
     */
    private record Started(int chunkTokens, double atSeconds, double aloneSeconds) {}

    SluiceRouting(Topology topology, SluiceSettings settings) {
        this.topology = topology;
        var workload = topology.problem().workload();
        this.dispatcher = new Dispatcher(topology.problem().model().name(), RoutingPolicy.SLUICE, settings.highWater());
        this.window =
                new PromptWindow(settings.promptsAtOnce(), settings.mostPromptsAtOnce(), workload.meanPromptTokens());
        this.forecast = new OutputForecast(workload.meanOutputTokens(), PRIOR_SESSIONS);
        this.index = topology.problem().cluster().indexById();
        this.route = new int[topology.nodes() + 1];
        this.chunkByNode = new int[topology.nodes()];
        for (int node = 0; node < chunkByNode.length; node++) {
            if (topology.layout().holds(node)) {
                chunkByNode[node] = ChunkSizes.node(topology, node, settings);
                capacity.put(topology.name(node), topology.kvTokensPerLayer(node));
            }
        }
        dispatcher.accept(allocation(topology));
    }

    @Override
    public Decision admit(Request request, double nowSeconds) {
        if (!window.admits(request.promptTokens())) {
            return Decision.WAIT;
        }
        int kvTokens = forecast.kvTokens(request.promptTokens());
        SessionId session = SluicePolicy.session(request);
        Route found = dispatcher.route(session, kvTokens, kvTokens, Set.of(), worker -> true);
        return switch (found) {
            case Route.Routed routed -> {
                start(request, routed.pipeline(), nowSeconds);
                yield Decision.START;
            }
            case Route.Blocked blocked -> blocked.cause() == Route.Cause.KV_BUSY ? Decision.WAIT : Decision.REJECT;
        };
    }

    private void start(Request request, Pipeline pipeline, double nowSeconds) {
        int from = Links.COORDINATOR;
        int hops = 0;
        int chunk = Integer.MAX_VALUE;
        for (Stage stage : pipeline.stages()) {
            int to = index.get(stage.worker());
            route[hops++] = link(from, to);
            chunk = Math.min(chunk, chunkByNode[to]);
            from = to;
        }
        route[hops++] = link(from, Links.COORDINATOR);
        request.route(route, hops);
        double alone = ChunkSizes.aloneSeconds(topology, route, hops, request.promptTokens(), chunk);
        started.put(request.number(), new Started(chunk, nowSeconds, alone));
        window.started(request.promptTokens());
    }

    private int link(int from, int to) {
        for (int link = topology.firstOut(from); link < topology.endOut(from); link++) {
            if (topology.to(link) == to) {
                return link;
            }
        }
        throw new IllegalStateException("no link from " + topology.name(from) + " to " + topology.name(to));
    }

    @Override
    public int chunkTokens(Request request, int position) {
        return Math.min(started.get(request.number()).chunkTokens(), request.promptTokens() - position);
    }

    @Override
    public void decodeStarted(Request request, double nowSeconds) {
        int generated = request.outputTokensDone();
        if (generated % KV_BLOCK_TOKENS == 0) {
            dispatcher.grow(SluicePolicy.session(request), request.promptTokens() + generated + KV_BLOCK_TOKENS);
        }
    }

    @Override
    public void promptFinished(Request request, double nowSeconds) {
        Started prompt = started.remove(request.number());
        window.kvHeld(kvExpectation());
        window.finished(request.promptTokens(), nowSeconds - prompt.atSeconds(), prompt.aloneSeconds());
    }

    @Override
    public void requestFinished(Request request, double nowSeconds) {
        dispatcher.release(SluicePolicy.session(request));
        forecast.ended(request.outputTokens());
    }

    @Override
    public double kvExpectation() {
        double fullest = 0;
        for (Map.Entry<WorkerId, Integer> node : index.entrySet()) {
            Long tokens = capacity.get(node.getKey().value());
            if (tokens != null && tokens > 0) {
                fullest = Math.max(fullest, (double) dispatcher.reserved(node.getKey()) / tokens);
            }
        }
        return fullest;
    }

    /** The topology and its flows as the allocation a live router would get. */
    static Allocation allocation(Topology topology) {
        List<Allocation.WorkerFlow> workers = new ArrayList<>();
        List<Allocation.EdgeFlow> edges = new ArrayList<>();
        double[] through = new double[topology.nodes()];
        for (int link = 0; link < topology.links(); link++) {
            if (topology.to(link) != Links.COORDINATOR) {
                through[topology.to(link)] += topology.flow(link);
            }
            edges.add(new Allocation.EdgeFlow(
                    topology.from(link) == Links.COORDINATOR ? Allocation.SOURCE : topology.name(topology.from(link)),
                    topology.to(link) == Links.COORDINATOR ? Allocation.SINK : topology.name(topology.to(link)),
                    topology.bytesPerSecond(link) / topology.bytesPerToken(link),
                    topology.flow(link)));
        }
        for (int node = 0; node < topology.nodes(); node++) {
            if (topology.layout().holds(node)) {
                var layout = topology.layout();
                var described = topology.problem().cluster().nodes().get(node);
                workers.add(new Allocation.WorkerFlow(
                        described.id(),
                        new LayerRange(layout.first(node), layout.end(node)),
                        described.region(),
                        topology.problem().capacity(node, layout.layers(node)),
                        through[node],
                        topology.kvTokensPerLayer(node)));
            }
        }
        return new Allocation(
                topology.problem().model().name(),
                1,
                1,
                topology.problem().layers(),
                workers,
                edges,
                topology.maxFlow(),
                topology.maxFlow(),
                List.of());
    }
}
