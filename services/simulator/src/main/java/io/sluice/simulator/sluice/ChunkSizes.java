package io.sluice.simulator.sluice;

import io.sluice.core.batching.PrefillChunking;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.simulator.Topology;
import java.util.List;

/** Prompt chunk sizes of nodes and pipelines by {@link PrefillChunking}. */
final class ChunkSizes {
    private ChunkSizes() {}

    /** The chunk a node gathers before it computes, tokens. */
    static int node(Topology topology, int node, SluiceSettings settings) {
        int usual = (int) Math.ceil(topology.problem().workload().meanPromptTokens());
        return PrefillChunking.chunkTokens(
                List.of(hop(topology, node)), usual, settings.mostChunkSeconds(), settings.mostChunkTokens());
    }

    private static PrefillChunking.Hop hop(Topology topology, int node) {
        LayerProfile profile = topology.layerProfile(node);
        return new PrefillChunking.Hop(
                topology.layout().layers(node), profile.prompt(), StageTime.passSeconds(profile), 0);
    }

    /** The chunk in which a prompt leaves the coordinator for a pipeline, tokens. */
    static int pipeline(Topology topology, List<Integer> nodes, SluiceSettings settings) {
        int least = settings.mostChunkTokens();
        for (int node : nodes) {
            least = Math.min(least, node(topology, node, settings));
        }
        return least;
    }
}
