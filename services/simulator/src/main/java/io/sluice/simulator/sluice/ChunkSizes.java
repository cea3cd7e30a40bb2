package io.sluice.simulator.sluice;

import io.sluice.core.batching.PrefillChunking;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.simulator.Topology;
import java.util.ArrayList;
import java.util.List;

/** Prompt chunk sizes of nodes and pipelines by {@link PrefillChunking}. */
final class ChunkSizes {
    private ChunkSizes() {}

    /** The chunk a node gathers before it computes, tokens. */
    static int node(Topology topology, int node, SluiceSettings settings) {
        int usual = (int) Math.ceil(topology.problem().workload().meanPromptTokens());
        return PrefillChunking.chunkTokens(
                List.of(hop(topology, node, 0)), usual, settings.mostChunkSeconds(), settings.mostChunkTokens());
    }

    private static PrefillChunking.Hop hop(Topology topology, int node, double secondsPerToken) {
        LayerProfile profile = topology.layerProfile(node);
        return new PrefillChunking.Hop(
                topology.layout().layers(node), profile.prompt(), StageTime.passSeconds(profile), secondsPerToken);
    }

    /** Time of a prompt over a route of links on an idle cluster, seconds. */
    static double aloneSeconds(Topology topology, int[] route, int links, int promptTokens, int chunkTokens) {
        List<PrefillChunking.Hop> hops = new ArrayList<>();
        double latency = topology.latencySeconds(route[0]);
        for (int i = 1; i < links; i++) {
            double perToken = topology.bytesPerToken(route[i]) / topology.bytesPerSecond(route[i]);
            hops.add(hop(topology, topology.from(route[i]), perToken));
            latency += topology.latencySeconds(route[i]);
        }
        return latency + PrefillChunking.promptSeconds(hops, promptTokens, chunkTokens);
    }
}
