package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.weights.LlamaTensors;

/** Sessions of loaded layers by layer index, and the head beside the last one. One owner at a time. */
final class LayerSet implements ReadyLayers {
    private final RopeTables rope;
    private final TransformerLayer[] sessions;
    private LogitsHead head;

    /** An empty set for layers that share {@code rope}. */
    LayerSet(RopeTables rope, int layerCount) {
        this.rope = rope;
        this.sessions = new TransformerLayer[layerCount];
    }

    /** Loads layers, one after the other; nothing is left behind when it fails. */
    static LayerSet load(OnnxEngine engine, ModelWeights weights, RopeTables rope, HeldLayers layers) {
        LayerSet set = new LayerSet(rope, weights.config().layerCount());
        layers.ranges().forEach(range -> LlamaTensors.require(weights, range));
        try (WeightStaging first = new WeightStaging(engine, weights);
                WeightStaging second = new WeightStaging(engine, weights)) {
            for (LayerRange range : layers.ranges()) {
                for (int layer = range.first(); layer < range.end(); layer++) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw new IllegalStateException("interrupted while layer " + layer + " was to be loaded");
                    }
                    set.sessions[layer] = TransformerLayer.load(engine, weights, layer, rope, first, second);
                }
            }
            if (layers.contains(set.sessions.length - 1)) {
                set.head = new LogitsHead(engine, weights);
            }
            return set;
        } catch (RuntimeException | Error e) {
            set.close();
            throw e;
        }
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
        return bytes;
    }

    /** Moves all layers of {@code other}, which must be a set of the same runner and have none of these, into this. */
    void takeAll(LayerSet other) {
        HeldLayers mine = layers();
        HeldLayers theirs = other.layers();
        if (other.rope != rope) {
            throw new IllegalArgumentException("layers " + theirs + " were loaded by another runner");
        }
        if (!mine.minus(theirs).equals(mine)) {
            throw new IllegalArgumentException("layers " + theirs + " cannot be added to " + mine + ": held twice");
        }
        other.moveTo(this, theirs);
    }

    /** Moves layers of this set into a new one. */
    LayerSet remove(HeldLayers layers) {
        LayerSet removed = new LayerSet(rope, sessions.length);
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
    }

    @Override
    public void close() {
        if (free()) {
            NativeHeap.trim();
        }
    }

    /** As {@link #close}, but leaves it to the C library what becomes of the memory; false when there was nothing. */
    boolean free() {
        boolean any = head != null;
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
