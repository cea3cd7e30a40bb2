package io.sluice.clusters;

import io.sluice.core.cluster.CapacityModel;
import io.sluice.core.cluster.CapacityModel.Machine;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.ModelSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * What a machine can carry by the number of layers it holds, from its memory alone. Weights may take half the memory
 * (as in Helix, ASPLOS'25). Nine tenths of it are used in all (vLLM's default), 3 GB of that (at most a fifth of the
 * memory) for activations and the runtime, and what weights leave is KV cache in blocks of 16 tokens.
 */
final class CapacityTables {
    static final double WEIGHTS_SHARE = 0.5;
    static final double USED_SHARE = 0.9;
    static final double RESERVED_BYTES = 3e9;
    static final double RESERVED_SHARE_MAX = 0.2;
    static final int BLOCK_TOKENS = 16;

    private CapacityTables() {}

    /** Batch limits of a machine whatever it holds. */
    record BatchLimits(int promptMaxRequests, int promptMaxTokens, int decodeMaxRequests, long decodeMaxContextTokens) {
        static final BatchLimits DEFAULT = new BatchLimits(1, 2048, 300, 300_000);
    }

    /** Most layers whose weights fit; 0: not even one. */
    static int maxLayers(long memoryBytes, ModelSpec model) {
        return (int) Math.min(model.layerCount(), Math.floor(memoryBytes * WEIGHTS_SHARE / model.layerBytes()));
    }

    /** KV cache of a machine that holds {@code layers}, tokens in every layer. */
    static long kvTokensPerLayer(long memoryBytes, ModelSpec model, int layers) {
        double reserved = Math.min(RESERVED_BYTES, RESERVED_SHARE_MAX * memoryBytes);
        double free = memoryBytes * USED_SHARE - reserved - (double) layers * model.layerBytes();
        double tokens = free / ((double) layers * model.kvBytesPerTokenLayer());
        return Math.max(0, (long) (tokens / BLOCK_TOKENS) * BLOCK_TOKENS);
    }

    /** Entry k-1: KV cache with k layers held. */
    static List<Long> kvTokensPerLayer(long memoryBytes, ModelSpec model) {
        List<Long> tokens = new ArrayList<>();
        for (int k = 1; k <= maxLayers(memoryBytes, model); k++) {
            tokens.add(kvTokensPerLayer(memoryBytes, model, k));
        }
        return tokens;
    }

    /** Rows for one type of {@code capacities}. */
    static List<Held> held(CapacityModel capacities, Machine machine, BatchLimits limits) {
        List<Held> rows = new ArrayList<>();
        for (int k = 1; k <= machine.kvTokensPerLayer().size(); k++) {
            rows.add(new Held(
                    k,
                    capacities.tokensPerSecond(machine.type(), k),
                    machine.kvTokensPerLayer().get(k - 1),
                    limits.promptMaxRequests(),
                    limits.promptMaxTokens(),
                    limits.decodeMaxRequests(),
                    limits.decodeMaxContextTokens()));
        }
        return rows;
    }
}
