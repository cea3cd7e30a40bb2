package io.sluice.simtest;

import io.sluice.core.LayerRange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Layers in a worker's memory: the range that new sessions get first, then others that old ones keep. Not thread-safe. */
final class HeldRanges {
    private final List<LayerRange> ranges = new ArrayList<>();

    HeldRanges(LayerRange served) {
        ranges.add(served);
    }

    /** New sessions get these layers from now on. */
    void serve(LayerRange layers) {
        ranges.remove(layers);
        ranges.addFirst(layers);
    }

    /** Lets go of all ranges that are not served and that nobody needs. */
    void keep(Predicate<LayerRange> needed) {
        ranges.subList(1, ranges.size()).removeIf(needed.negate());
    }

    boolean holds(LayerRange layers) {
        return ranges.stream().anyMatch(range -> contains(range, layers));
    }

    boolean holds(int layer) {
        return ranges.stream().anyMatch(range -> range.contains(layer));
    }

    static boolean contains(LayerRange range, LayerRange layers) {
        return layers.first() >= range.first() && layers.end() <= range.end();
    }

    @Override
    public String toString() {
        return ranges.toString();
    }
}
