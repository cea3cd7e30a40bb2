package io.sluice.runtime;

import io.sluice.core.LayerRange;
import java.util.Optional;

/**
 * A {@link StageRunner} whose layers grow and shrink while sessions run: load beside it, adopt, serve, retire. The
 * thread that owns the runner calls everything but {@link #load}, and no result changes by a bit.
 */
public interface ElasticStageRunner extends StageRunner {
    /**
     * Loads layers for this runner; embeddings and the head belong to the first and the last layer. For any thread,
     * beside a running batch, but not after {@link #close}; takes about as much memory as the layers' weights in fp32,
     * and twice that of one layer meanwhile. Nothing is left behind when it fails.
     *
     * @throws ModelFormatException when tensors are missing or have the wrong shape
     * @throws IllegalArgumentException when the model has no such layers
     * @throws IllegalStateException when there is no memory for them, or the thread is interrupted
     */
    ReadyLayers load(HeldLayers layers);

    /**
     * Takes loaded layers up: O(layers).
     *
     * @throws IllegalArgumentException when one of them is held already, or they belong to another runner
     */
    void adopt(ReadyLayers layers);

    /**
     * Sets the range that {@link #layers()}, {@link #reserve(int)} and the capacity speak of; empty: none. Slots at
     * hand keep theirs.
     *
     * @throws IllegalArgumentException when a layer of it is not held, or the KV budget is too small for it
     */
    void serve(Optional<LayerRange> layers);

    /**
     * Takes out of use what is neither to be kept, nor served, nor needed by a slot, and frees the KV cache of ranges
     * that are then no longer held.
     *
     * @return the layers taken out, which the caller closes; empty when there is nothing
     */
    Optional<ReadyLayers> retire(HeldLayers keep);
}
