package io.sluice.runtime;

import io.sluice.core.LayerRange;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;

/** A set of layers of one model, seen as maximal ranges in order. Immutable. */
public final class HeldLayers {
    /** No layer at all. */
    public static final HeldLayers NONE = new HeldLayers(new BitSet());

    private final BitSet layers;

    private HeldLayers(BitSet layers) {
        this.layers = layers;
    }

    /** The layers of these ranges, which may overlap. */
    public static HeldLayers of(Collection<LayerRange> ranges) {
        BitSet layers = new BitSet();
        ranges.forEach(range -> layers.set(range.first(), range.end()));
        return new HeldLayers(layers);
    }

    /** As {@link #of(Collection)}. */
    public static HeldLayers of(LayerRange... ranges) {
        return of(List.of(ranges));
    }

    public boolean contains(int layer) {
        return layer >= 0 && layers.get(layer);
    }

    /** Whether every layer of the range is in the set. */
    public boolean contains(LayerRange range) {
        return layers.nextClearBit(range.first()) >= range.end();
    }

    public HeldLayers plus(HeldLayers others) {
        BitSet union = (BitSet) layers.clone();
        union.or(others.layers);
        return new HeldLayers(union);
    }

    public HeldLayers minus(HeldLayers others) {
        BitSet rest = (BitSet) layers.clone();
        rest.andNot(others.layers);
        return new HeldLayers(rest);
    }

    /** Number of layers. */
    public int size() {
        return layers.cardinality();
    }

    public boolean isEmpty() {
        return layers.isEmpty();
    }

    /** Maximal ranges, in order. */
    public List<LayerRange> ranges() {
        List<LayerRange> ranges = new ArrayList<>();
        for (int first = layers.nextSetBit(0); first >= 0; ) {
            int end = layers.nextClearBit(first);
            ranges.add(new LayerRange(first, end));
            first = layers.nextSetBit(end);
        }
        return ranges;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HeldLayers held && layers.equals(held.layers);
    }

    @Override
    public int hashCode() {
        return layers.hashCode();
    }

    @Override
    public String toString() {
        return isEmpty()
                ? "none"
                : String.join(
                        " and ", ranges().stream().map(LayerRange::toString).toList());
    }
}
