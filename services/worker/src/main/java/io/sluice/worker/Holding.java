package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.runtime.HeldLayers;
import java.util.Objects;
import java.util.Optional;

/**
 * What a worker holds and offers at one moment; what its status, telemetry and metrics say. Immutable.
 *
 * @param served layers new sessions may run; empty: a spare
 * @param held layers in memory, those being loaded included
 * @param epoch newest placement carried out; 0: none
 * @param drainingSessions sessions that run a layer which is not served
 * @param kvCapacityTokens KV cache over the layers served, of a spare over one layer, tokens
 * @param cost speed over the layers served, of a spare over one layer
 */
record Holding(
        Optional<LayerRange> served,
        HeldLayers held,
        long epoch,
        int drainingSessions,
        long kvCapacityTokens,
        CostModel cost) {
    Holding {
        Objects.requireNonNull(served, "served");
        Objects.requireNonNull(held, "held");
        Objects.requireNonNull(cost, "cost");
    }

    /** First layer served; 0 of a spare. */
    int firstLayer() {
        return served.map(LayerRange::first).orElse(0);
    }

    /** End of the layers served, exclusive; 0 of a spare. */
    int endLayer() {
        return served.map(LayerRange::end).orElse(0);
    }

    int layersServed() {
        return served.map(LayerRange::size).orElse(0);
    }
}
