package io.sluice.runtime;

import java.util.List;
import java.util.Objects;

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
 * @param ropeScaling stretching of the rotary embedding, {@link RopeScaling#NONE} for most models
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
        List<Integer> eosTokenIds,
        RopeScaling ropeScaling) {
    public ModelConfig {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(architecture, "architecture");
        Objects.requireNonNull(ropeScaling, "ropeScaling");
        eosTokenIds = List.copyOf(eosTokenIds);
        requirePositive("layerCount", layerCount);
        requirePositive("hiddenSize", hiddenSize);
        requirePositive("intermediateSize", intermediateSize);
        requirePositive("headCount", headCount);
        requirePositive("kvHeadCount", kvHeadCount);
        requirePositive("headDim", headDim);
        requirePositive("vocabSize", vocabSize);
        requirePositive("contextLength", contextLength);
        if (headCount % kvHeadCount != 0) {
            throw new IllegalArgumentException(
                    "headCount " + headCount + " must be a multiple of kvHeadCount " + kvHeadCount);
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("headDim " + headDim + " must be even for the rotary embedding");
        }
        if (!(normEpsilon > 0) || !(ropeTheta > 0)) {
            throw new IllegalArgumentException(
                    "normEpsilon " + normEpsilon + " and ropeTheta " + ropeTheta + " must be above 0");
        }
    }

    /** A shape without rotary scaling. */
    public ModelConfig(
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
        this(
                name,
                architecture,
                layerCount,
                hiddenSize,
                intermediateSize,
                headCount,
                kvHeadCount,
                headDim,
                vocabSize,
                contextLength,
                normEpsilon,
                ropeTheta,
                tiedEmbeddings,
                bosTokenId,
                eosTokenIds,
                RopeScaling.NONE);
    }

    /** KV cache bytes of one position in one layer, fp32 keys and values. */
    public long kvBytesPerTokenAndLayer() {
        return 2L * kvHeadCount * headDim * Float.BYTES;
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " " + value + " must be at least 1");
        }
    }
}
