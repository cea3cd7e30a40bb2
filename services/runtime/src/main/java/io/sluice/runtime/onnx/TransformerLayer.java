package io.sluice.runtime.onnx;

import io.sluice.runtime.ModelWeights;

/**
 * One transformer layer as two sessions: what ends with attention, and what follows it. Only attention mixes positions;
 * cut there, a layer can compute its products for many positions at once and attention for one after the other.
 */
record TransformerLayer(LayerSession attend, LayerSession feedForward) implements AutoCloseable {

    /**
     * Loads layer {@code layer}; {@code rope} must outlive it.
     *
     * @param first for the matrices before attention, the same for all layers
     * @param second for those after it
     */
    static TransformerLayer load(
            OnnxEngine engine,
            ModelWeights weights,
            int layer,
            RopeTables rope,
            WeightStaging first,
            WeightStaging second) {
        LayerSession attend = LayerSession.attend(engine, weights, layer, rope, first);
        try {
            return new TransformerLayer(attend, LayerSession.feedForward(engine, weights, layer, second));
        } catch (RuntimeException | Error e) {
            attend.close();
            throw e;
        }
    }

    /** Bytes of weights that ONNX Runtime reads from our memory instead of a packed copy. */
    long keptBytes() {
        return attend.keptBytes() + feedForward.keptBytes();
    }

    @Override
    public void close() {
        attend.close();
        feedForward.close();
    }
}
