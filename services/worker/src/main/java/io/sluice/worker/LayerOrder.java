package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.Placement;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one placement says of this worker. Immutable.
 *
 * @param epoch of the placement
 * @param layers to serve to new sessions; empty: none, the worker is a spare
 */
record LayerOrder(long epoch, Optional<LayerRange> layers) {
    private static final Logger LOG = LoggerFactory.getLogger(LayerOrder.class);

    /** Nothing has been said yet. */
    static final LayerOrder NONE = new LayerOrder(0, Optional.empty());

    LayerOrder {
        Objects.requireNonNull(layers, "layers");
    }

    /** The order in a placement of the model; empty when it is another model's, or nonsense, which is logged. */
    static Optional<LayerOrder> of(Placement record, String model, WorkerId self) {
        if (record == null || !record.getModel().equals(model)) {
            return Optional.empty();
        }
        try {
            PlacementPlan plan = PlacementCodec.decode(record);
            return Optional.of(new LayerOrder(plan.epoch(), plan.stageOf(self).map(Stage::layers)));
        } catch (IllegalArgumentException e) {
            LOG.warn("placement ignored reason={}", e.getMessage());
            return Optional.empty();
        }
    }
}
