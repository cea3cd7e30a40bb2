package io.sluice.core.cluster;

/**
 * What placement must know of a model. Immutable.
 *
 * @param name served model
 * @param layerCount transformer layers
 * @param hiddenSize hidden size, elements
 * @param activationBytes bytes per hidden element between stages
 * @param tokenBytes bytes of a token id on the links of the coordinator
 * @param layerBytes parameters of one layer, bytes
 * @param kvBytesPerTokenLayer KV cache of one token in one layer, bytes
 */
public record ModelSpec(
        String name,
        int layerCount,
        int hiddenSize,
        int activationBytes,
        int tokenBytes,
        long layerBytes,
        long kvBytesPerTokenLayer) {
    public ModelSpec {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException("a model needs a name");
        }
        if (layerCount < 1 || layerCount > 10_000 || hiddenSize < 1 || activationBytes < 1 || tokenBytes < 1) {
            throw new IllegalArgumentException(
                    "model " + name + ": layers " + layerCount + " (1 to 10000), hidden size "
                            + hiddenSize + ", activation bytes " + activationBytes + " and token bytes " + tokenBytes
                            + " must be at least 1");
        }
        if (layerBytes < 1 || kvBytesPerTokenLayer < 1) {
            throw new IllegalArgumentException("model " + name + ": layer size " + layerBytes + " bytes and KV cache "
                    + kvBytesPerTokenLayer + " bytes per token and layer must be at least 1");
        }
    }

    /** Bytes one token's activation takes between two stages. */
    public long activationBytesPerToken() {
        return (long) hiddenSize * activationBytes;
    }
}
