package io.sluice.core.cluster;

import java.util.List;
import java.util.Objects;

/**
 * How a machine type runs one layer of a model, and what it can carry by the number of layers it holds. Immutable.
 *
 * @param prompt seconds per layer by prompt tokens in the batch
 * @param decode seconds per layer by decode steps in the batch
 * @param held row k-1 is for k layers held; its length is the largest number of layers that fit
 */
public record LayerProfile(Curve prompt, Curve decode, List<Held> held) {
    public LayerProfile {
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(decode, "decode");
        held = List.copyOf(held);
        for (int k = 1; k <= held.size(); k++) {
            if (held.get(k - 1).layers() != k) {
                throw new IllegalArgumentException("row " + k + " of a layer profile is for "
                        + held.get(k - 1).layers() + " layers; rows must" + " count 1, 2, 3, ...");
            }
        }
    }

    /**
     * A machine that holds {@code layers} layers.
     *
     * @param tokensPerSecond typical throughput, prompt and decode tokens counted alike (Helix, ASPLOS'25, section 4)
     * @param kvTokensPerLayer KV cache, tokens in every layer held
     * @param promptMaxRequests most prompts in a batch
     * @param promptMaxTokens most prompt tokens in a batch
     * @param decodeMaxRequests most decode steps in a batch
     * @param decodeMaxContextTokens most context tokens of the decode steps in a batch
     */
    public record Held(
            int layers,
            double tokensPerSecond,
            long kvTokensPerLayer,
            int promptMaxRequests,
            int promptMaxTokens,
            int decodeMaxRequests,
            long decodeMaxContextTokens) {
        public Held {
            Numbers.notNegative(layers + " layers: tokens/s", tokensPerSecond);
            if (layers < 1 || kvTokensPerLayer < 0) {
                throw new IllegalArgumentException(layers + " layers with KV cache of " + kvTokensPerLayer
                        + " tokens: at least one layer and no negative cache");
            }
            if (promptMaxRequests < 1 || promptMaxTokens < 1 || decodeMaxRequests < 1 || decodeMaxContextTokens < 1) {
                throw new IllegalArgumentException(layers + " layers: batch limits must be at least 1");
            }
        }
    }

    /** Most layers that fit. */
    public int maxLayers() {
        return held.size();
    }

    /** The row for {@code layers} held; beyond the last row its limits count (a placement forced more onto it). */
    public Held holding(int layers) {
        return held.get(Math.min(layers, held.size()) - 1);
    }
}
