package io.sluice.runtime;

import java.util.List;

/**
 * Shape of a Llama-family model. Immutable.
 *
 * @param name served name
 * @param architecture for example LlamaForCausalLM
 * @param layerCount transformer layers
 * @param hiddenSize elements per position between layers
 * @param intermediateSize width of the feed-forward layer
 * @param headCount query heads
 * @param kvHeadCount key/value heads
 * @param headDim elements per head
 * @param vocabSize entries of the vocabulary
 * @param contextLength most positions of a sequence
 * @param normEpsilon of RMSNorm
 * @param ropeTheta base of the rotary embedding
 * @param tiedEmbeddings whether the head is the embedding matrix
 * @param bosTokenId -1: none
 * @param eosTokenIds end-of-sequence tokens, may be empty
 */
public record ModelConfig(
        String name,
        String architecture,
        int layerCount,
        int hiddenSize,
        int intermediateSize,
        int headCount,
        int kvHeadCount,
        int headDim,
        int vocabSize,
        int contextLength,
        float normEpsilon,
        double ropeTheta,
        boolean tiedEmbeddings,
        int bosTokenId,
        List<Integer> eosTokenIds) {
    public ModelConfig {
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    /** KV cache bytes of one position in one layer, fp32 keys and values. */
    public long kvBytesPerTokenAndLayer() {
        return 2L * kvHeadCount * headDim * Float.BYTES;
    }
}
