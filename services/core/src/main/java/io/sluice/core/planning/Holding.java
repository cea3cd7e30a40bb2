package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Which layers a worker serves and has in memory, as it announces them. Immutable.
 *
 * @param served layers new sessions are served with; empty: a spare, whose announced speeds are those of one layer
 * @param loaded layers in memory: those served, those that sessions under way still need, those being got ready
 * @param maxLayers how many layers it can hold at once with room for KV cache; 0: unknown, it keeps what it has
 * @param placementEpoch newest placement it has carried out; 0: none
 * @param drainingSessions sessions under way on layers it no longer serves to new ones
 */
public record Holding(
        Optional<LayerRange> served,
        List<LayerRange> loaded,
        int maxLayers,
        long placementEpoch,
        int drainingSessions) {
    private static final int MAX_RANGES = 10_000;

    public Holding {
        Objects.requireNonNull(served, "served");
        loaded = loaded.isEmpty()
                ? served.map(List::of).orElse(List.of())
                : loaded.stream().sorted().toList();
        if (maxLayers < 0 || placementEpoch < 0 || drainingSessions < 0 || loaded.size() > MAX_RANGES) {
            throw new IllegalArgumentException("max layers " + maxLayers + ", placement epoch " + placementEpoch
                    + " and draining sessions " + drainingSessions + " must not be negative, and " + loaded.size()
                    + " loaded ranges not be more than " + MAX_RANGES);
        }
    }

    /** A worker that serves {@code layers} and says nothing more. */
    public static Holding of(LayerRange layers) {
        return new Holding(Optional.of(layers), List.of(), 0, 0, 0);
    }

    /** Whether it follows no placements: a worker whose layers its command line gives has carried none out. */
    public boolean pinned() {
        return maxLayers == 0 || served.isPresent() && placementEpoch == 0;
    }

    /** Layers that would be in memory together with {@code more}. */
    public int layersWith(LayerRange more) {
        int count = more.size();
        int upTo = 0;
        for (LayerRange range : loaded) {
            for (int layer = Math.max(range.first(), upTo); layer < range.end(); layer++) {
                count += more.contains(layer) ? 0 : 1;
            }
            upTo = Math.max(upTo, range.end());
        }
        return count;
    }

    /** How many layers of {@code wanted} are not in memory. */
    public int missing(LayerRange wanted) {
        int missing = 0;
        for (int layer = wanted.first(); layer < wanted.end(); layer++) {
            int at = layer;
            missing += loaded.stream().anyMatch(range -> range.contains(at)) ? 0 : 1;
        }
        return missing;
    }
}
