package io.sluice.launcher.stack;

import io.sluice.core.Stage;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.ProportionalPlacement;
import io.sluice.launcher.UserException;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.PlacementCodec;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Placement;
import io.sluice.runtime.ModelConfig;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;

/** Makes a static placement and publishes it. Stateless. */
public final class Placements {
    private static final Duration POLL = Duration.ofMillis(100);

    private Placements() {}

    /** A placement and how it was made. */
    public record Made(PlacementPlan plan, String method) {}

    /**
     * The layers that the workers name, else layers in proportion to memory.
     *
     * @throws UserException when no placement is possible
     */
    public static Made make(StackConfig config, ModelConfig model, long epoch) {
        int bytes = config.activations().beforeMeasuring().bytes();
        try {
            if (config.workers().getFirst().layers().isPresent()) {
                List<Stage> stages = config.workers().stream()
                        .map(worker -> new Stage(worker.id(), worker.layers().orElseThrow()))
                        .sorted(Comparator.comparing(Stage::layers).thenComparing(Stage::worker))
                        .toList();
                PlacementPlan plan = new PlacementPlan(
                        config.modelName(), epoch, model.layerCount(), model.hiddenSize(), bytes, stages);
                if (!plan.uncoveredLayers().isEmpty()) {
                    throw new UserException("no worker holds the layers " + plan.uncoveredLayers() + " of "
                            + config.modelName() + " (" + model.layerCount()
                            + " layers): correct \"layers\" in the workers file");
                }
                return new Made(plan, "static");
            }
            ProportionalPlacement.Model shape = new ProportionalPlacement.Model(
                    config.modelName(), model.layerCount(), model.hiddenSize(), bytes, 0);
            List<ProportionalPlacement.Candidate> candidates = config.workers().stream()
                    .map(worker -> new ProportionalPlacement.Candidate(
                            worker.id(), worker.placementMemoryBytes(), worker.layerTokensPerSecond()))
                    .toList();
            return new Made(
                    ProportionalPlacement.plan(shape, epoch, candidates, config.stages()), "proportional to memory");
        } catch (IllegalArgumentException e) {
            throw new UserException("the workers cannot be placed: " + e.getMessage(), e);
        }
    }

    /** Epoch of the newest placement of a model in the topic; 0: none. */
    public static long newestEpoch(KafkaSettings settings, SchemaRegistry registry, String model) {
        long newest = 0;
        try (TopicTail<Placement> tail =
                TopicTail.fromBeginning(settings, registry, Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED)) {
            while (!tail.atEnd()) {
                for (Tailed<Placement> tailed : tail.poll(POLL)) {
                    if (tailed.value() != null && model.equals(tailed.value().getModel())) {
                        newest = Math.max(newest, tailed.value().getEpoch());
                    }
                }
            }
        }
        return newest;
    }

    /** Publishes a placement; returns when the broker has it. */
    public static void publish(KafkaSettings settings, SchemaRegistry registry, Made made, long nowMillis) {
        Placement record = PlacementCodec.encode(made.plan(), made.method(), nowMillis);
        try (KafkaProducer<String, Placement> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-placement"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.PLACEMENTS))) {
            producer.send(new ProducerRecord<>(Topics.PLACEMENTS.name(), record.getModel(), record))
                    .get();
        } catch (ExecutionException e) {
            throw new UserException(
                    "the placement could not be published: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserException("interrupted while the placement was published", e);
        }
    }
}
