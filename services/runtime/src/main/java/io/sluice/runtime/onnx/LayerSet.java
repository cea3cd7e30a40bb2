package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.weights.LlamaTensors;

/**
 * Sessions of loaded layers by layer index, and the head beside the last one. May have a second set of the same, which
 * computes on its caller's thread. One owner at a time.
 */
final class LayerSet implements ReadyLayers {
    private final RopeTables rope;
    private final TransformerLayer[] sessions;
    /** Null: these layers run on one pool only. */
    private final LayerSet beside;

    private LogitsHead head;

    /** An empty set for layers that share {@code rope}; @param twice with a second set */
    LayerSet(RopeTables rope, int layerCount, boolean twice) {
        this.rope = rope;
        this.sessions = new TransformerLayer[layerCount];
        this.beside = twice ? new LayerSet(rope, layerCount, false) : null;
    }

    /** Loads layers, one after the other; nothing is left behind when it fails. */
    static LayerSet load(OnnxEngine engine, ModelWeights weights, RopeTables rope, HeldLayers layers, boolean twice) {
        LayerSet set = new LayerSet(rope, weights.config().layerCount(), twice);
        try {
            HeadBuffers buffers = new HeadBuffers(weights.config());
            set.fill(engine, weights, layers, buffers);
            if (twice) {
                set.beside.fill(engine.onCallersThread(), weights, layers, buffers);
            }
            return set;
        } catch (RuntimeException | Error e) {
            set.close();
            throw e;
        }
    }

    private void fill(OnnxEngine engine, ModelWeights weights, HeldLayers layers, HeadBuffers buffers) {
        layers.ranges().forEach(range -> LlamaTensors.require(weights, range));
        try (WeightStaging first = new WeightStaging(engine, weights);
                WeightStaging second = new WeightStaging(engine, weights)) {
            for (LayerRange range : layers.ranges()) {
                for (int layer = range.first(); layer < range.end(); layer++) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw new IllegalStateException("interrupted while layer " + layer + " was to be loaded");
                    }
                    sessions[layer] = TransformerLayer.load(engine, weights, layer, rope, first, second);
                }
            }
            if (layers.contains(sessions.length - 1)) {
                head = new LogitsHead(engine, weights, HeadParts.of(weights.config()), buffers);
            }
        }
    }

    /** The same layers for the thread that calls them; null: there are none. */
    LayerSet beside() {
        return beside;
    }

    @Override
    public HeldLayers layers() {
        HeldLayers held = HeldLayers.NONE;
        for (int layer = 0; layer < sessions.length; layer++) {
            if (sessions[layer] != null) {
                held = held.plus(HeldLayers.of(new LayerRange(layer, layer + 1)));
            }
        }
        return held;
    }

    TransformerLayer layer(int layer) {
        return sessions[layer];
    }

    /** Null unless the last layer is in the set. */
    LogitsHead head() {
        return head;
    }

    /** Bytes of weights that ONNX Runtime reads from our memory instead of a packed copy. */
    long keptBytes() {
        long bytes = head == null ? 0 : head.keptBytes();
        for (TransformerLayer session : sessions) {
            bytes += session == null ? 0 : session.keptBytes();
        }
        return bytes + (beside == null ? 0 : beside.keptBytes());
    }

    /** Moves all layers of {@code other}, which must be a set of the same runner and have none of these, into this. */
    void takeAll(LayerSet other) {
        HeldLayers mine = layers();
        HeldLayers theirs = other.layers();
        if (other.rope != rope || (other.beside == null) != (beside == null)) {
            throw new IllegalArgumentException("layers " + theirs + " were loaded by another runner");
        }
        if (!mine.minus(theirs).equals(mine)) {
            throw new IllegalArgumentException("layers " + theirs + " cannot be added to " + mine + ": held twice");
        }
        other.moveTo(this, theirs);
    }

    /** Moves layers of this set into a new one. */
    LayerSet remove(HeldLayers layers) {
        LayerSet removed = new LayerSet(rope, sessions.length, beside != null);
        moveTo(removed, layers);
        return removed;
    }

    private void moveTo(LayerSet target, HeldLayers layers) {
        for (LayerRange range : layers.ranges()) {
            for (int layer = range.first(); layer < range.end(); layer++) {
                target.sessions[layer] = sessions[layer];
                sessions[layer] = null;
            }
        }
        if (layers.contains(sessions.length - 1)) {
            target.head = head;
            head = null;
        }
        if (beside != null) {
            beside.moveTo(target.beside, layers);
        }
    }

    @Override
    public void close() {
        if (free()) {
            NativeHeap.trim();
        }
    }

    /** As {@link #close}, but leaves it to the C library what becomes of the memory; false when there was nothing. */
    boolean free() {
        boolean any = head != null | (beside != null && beside.free());
        for (int layer = 0; layer < sessions.length; layer++) {
            if (sessions[layer] != null) {
                sessions[layer].close();
                sessions[layer] = null;
                any = true;
            }
        }
        if (head != null) {
            head.close();
            head = null;
        }
        return any;
    }
}
