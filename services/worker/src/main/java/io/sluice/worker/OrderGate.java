package io.sluice.worker;

import java.util.Objects;
import java.util.function.Consumer;

/** Holds placements back while the worker drains, so that it loads nothing for a future it does not have. Thread-safe. */
final class OrderGate {
    private final Standing standing;
    private final Consumer<LayerOrder> sink;
    private LayerOrder held;

    OrderGate(Standing standing, Consumer<LayerOrder> sink) {
        this.standing = Objects.requireNonNull(standing, "standing");
        this.sink = Objects.requireNonNull(sink, "sink");
    }

    /** A placement says this. */
    synchronized void offer(LayerOrder order) {
        if (standing.drains()) {
            held = order;
        } else {
            held = null;
            sink.accept(order);
        }
    }

    /** The drain was called off: the newest one held back is carried out after all. */
    synchronized void release() {
        if (held != null) {
            offer(held);
        }
    }
}
