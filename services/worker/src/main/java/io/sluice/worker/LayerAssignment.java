package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.PlacementCodec;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Placement;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Optional;
import org.apache.kafka.common.IsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which layers this worker holds when its command line does not say: what the newest placement of the model says. */
final class LayerAssignment {
    private static final Logger LOG = LoggerFactory.getLogger(LayerAssignment.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final int REPORT_EVERY = 5;

    private LayerAssignment() {}

    /**
     * Waits for a placement that names the worker; gives up only when interrupted.
     *
     * @throws InterruptedException when the thread is interrupted
     */
    static LayerRange await(KafkaSettings kafka, SchemaRegistry registry, String model, WorkerId self)
            throws InterruptedException {
        try (TopicTail<Placement> placements =
                TopicTail.fromBeginning(kafka, registry, Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED)) {
            Optional<LayerRange> newest = Optional.empty();
            for (int polls = 0; ; polls++) {
                for (Tailed<Placement> record : placements.poll(POLL)) {
                    if (record.value() != null && record.value().getModel().equals(model)) {
                        newest = find(record.value(), self);
                    }
                }
                if (newest.isPresent() && placements.atEnd()) {
                    return newest.get();
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException("stopped while waiting for a placement");
                }
                if (polls % REPORT_EVERY == 0) {
                    LOG.info(
                            "worker={} model={} state=waiting missing=placement"
                                    + " hint=\"a placement that names this worker, or --layers\"",
                            self,
                            model);
                }
            }
        }
    }

    /** The worker's layers in a placement; empty when it is not named or the placement is nonsense. */
    static Optional<LayerRange> find(Placement record, WorkerId self) {
        PlacementPlan plan;
        try {
            plan = PlacementCodec.decode(record);
        } catch (IllegalArgumentException e) {
            LOG.warn("placement ignored reason={}", e.getMessage());
            return Optional.empty();
        }
        return plan.stages().stream()
                .filter(stage -> stage.worker().equals(self))
                .map(Stage::layers)
                .findFirst();
    }
}
