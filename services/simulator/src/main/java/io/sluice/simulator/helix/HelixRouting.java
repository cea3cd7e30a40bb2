package io.sluice.simulator.helix;

import io.sluice.core.cluster.Links;
import io.sluice.core.routing.InterleavedWeightedRoundRobin;
import io.sluice.simulator.Request;
import io.sluice.simulator.Routing;
import io.sluice.simulator.Topology;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Helix's routes (ASPLOS'25, section 5): the whole route at admission, one interleaved weighted round-robin per vertex
 * with the flows as weights. Links below 5 % of their vertex's flow and nodes without room for the expected KV cache are
 * left out. As in Helix a link left out keeps its load and is given more afterwards. Where no route is left, a request of
 * a backlog is dropped and one that arrived by itself waits (the reference simulator stops there).
 */
final class HelixRouting implements Routing {
    private static final double LEAST_SHARE = 0.05;
    private static final BitSet NOBODY_CATCHES_UP = new BitSet();

    private final Topology topology;
    private final boolean online;
    private final KvExpectation kv;
    /** By vertex + 1: the links used and their round-robin. */
    private final int[][] used;

    private final InterleavedWeightedRoundRobin[] rounds;
    private final int[] indexInRound;
    private final int[] route;
    private int hops;

    HelixRouting(Topology topology, boolean online) {
        this.topology = topology;
        this.online = online;
        this.kv = online ? new KvExpectation(topology, 0.9, 0.6) : new KvExpectation(topology, 0.85, 1);
        int vertices = topology.nodes() + 1;
        this.used = new int[vertices][];
        this.rounds = new InterleavedWeightedRoundRobin[vertices];
        this.indexInRound = new int[topology.links()];
        this.route = new int[vertices];
        for (int vertex = Links.COORDINATOR; vertex < topology.nodes(); vertex++) {
            int[] links = usedLinks(topology, vertex);
            double[] weights = new double[links.length];
            for (int i = 0; i < links.length; i++) {
                weights[i] = topology.flow(links[i]);
                indexInRound[links[i]] = i;
            }
            used[vertex + 1] = links;
            rounds[vertex + 1] = new InterleavedWeightedRoundRobin(weights);
        }
        if (used[0].length == 0) {
            throw new IllegalArgumentException(
                    "cluster " + topology.problem().cluster().name()
                            + ": no flow leaves the coordinator, so policy helix has no routes");
        }
    }

    private static int[] usedLinks(Topology topology, int vertex) {
        double sum = 0;
        for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
            sum += topology.flow(link);
        }
        int[] links = new int[topology.endOut(vertex) - topology.firstOut(vertex)];
        int count = 0;
        for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
            if (topology.flow(link) > 0 && topology.flow(link) >= LEAST_SHARE * sum) {
                links[count++] = link;
            }
        }
        return Arrays.copyOf(links, count);
    }

    @Override
    public Decision admit(Request request, double nowSeconds) {
        int tokens = request.promptTokens();
        hops = 0;
        int at = Links.COORDINATOR;
        do {
            int link = choose(at, tokens);
            if (link < 0) {
                for (int hop = 0; hop < hops; hop++) {
                    charge(route[hop], -tokens);
                }
                return online ? Decision.WAIT : Decision.REJECT;
            }
            route[hops++] = link;
            at = topology.to(link);
        } while (at != Links.COORDINATOR);
        request.route(route, hops);
        reserve(request, 1);
        return Decision.START;
    }

    private int choose(int vertex, int tokens) {
        int[] links = used[vertex + 1];
        InterleavedWeightedRoundRobin round = rounds[vertex + 1];
        for (int index : round.order(tokens)) {
            if (open(topology.to(links[index]), tokens)) {
                round.charge(index, tokens, NOBODY_CATCHES_UP);
                return links[index];
            }
        }
        return -1;
    }

    private boolean open(int node, int tokens) {
        if (node == Links.COORDINATOR) {
            return true;
        }
        int layers = topology.layout().layers(node);
        return tokens <= topology.layerProfile(node).holding(layers).promptMaxTokens() && kv.fits(node, tokens);
    }

    private void charge(int link, double tokens) {
        rounds[topology.from(link) + 1].carry(indexInRound[link], tokens);
    }

    private void reserve(Request request, int sign) {
        int entry = 0;
        for (int hop = 0; hop < request.links() - 1; hop++) {
            int node = topology.to(request.link(hop));
            int end = topology.layout().end(node);
            kv.reserve(node, request.promptTokens(), end - entry, sign);
            entry = end;
        }
    }

    @Override
    public void decodeStarted(Request request, double nowSeconds) {
        for (int hop = 0; hop < request.links(); hop++) {
            charge(request.link(hop), 1);
        }
    }

    @Override
    public void requestFinished(Request request, double nowSeconds) {
        reserve(request, -1);
    }

    @Override
    public double kvExpectation() {
        return kv.bottleneck();
    }
}
