package io.sluice.core;

import java.util.Objects;

/** A layer range on a worker. Immutable. */
public record Stage(WorkerId worker, LayerRange layers) {
    public Stage {
        Objects.requireNonNull(worker, "worker");
        Objects.requireNonNull(layers, "layers");
    }

    @Override
    public String toString() {
        return worker + layers.toString();
    }
}
