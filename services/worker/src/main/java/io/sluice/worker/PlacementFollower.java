package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.Placement;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads what placements say to this worker: the newest at start, then newer ones. Epochs tell new from old, also when
 * reading starts over. Owned by one thread, apart from {@link #stop}.
 */
final class PlacementFollower implements AutoCloseable {
    private final TopicFollower<Placement> placements;
    private final String model;
    private final WorkerId self;
    private LayerOrder newest = LayerOrder.NONE;

    PlacementFollower(KafkaSettings kafka, SchemaRegistry registry, String model, WorkerId self) {
        this.model = Objects.requireNonNull(model, "model");
        this.self = Objects.requireNonNull(self, "self");
        this.placements = new TopicFollower<>(kafka, registry, Topics.PLACEMENTS, self, record -> true);
    }

    /** Reads to the end of the topic; what the newest placement says, {@link LayerOrder#NONE} when there is none. */
    LayerOrder newest() throws InterruptedException {
        placements.readToEnd(placement -> take(placement, order -> {}));
        return newest;
    }

    /** Hands over what newer placements say until {@link #stop}; {@code sink} may block. */
    void run(Consumer<LayerOrder> sink) {
        placements.run(placement -> take(placement, sink));
    }

    /** Makes {@link #run} return; any thread. */
    void stop() {
        placements.stop();
    }

    /** Closes what it reads from, when nobody runs it any more. */
    @Override
    public void close() {
        placements.close();
    }

    private void take(Placement placement, Consumer<LayerOrder> sink) {
        Optional<LayerOrder> order = LayerOrder.of(placement, model, self);
        if (order.isPresent() && order.get().epoch() > newest.epoch()) {
            newest = order.get();
            sink.accept(newest);
        }
    }
}
