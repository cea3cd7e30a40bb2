package io.sluice.launcher.demo;

import io.sluice.launcher.stack.RunningStack;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.IsolationLevel;

/** Plays a plan against a running stack and collects the allocations that were in force. */
public final class LoadRun {
    private static final Duration REGISTRY_TIMEOUT = Duration.ofSeconds(10);

    private LoadRun() {}

    /**
     * What came of it.
     *
     * @param allocations every allocation of the model still in the topic, by epoch
     */
    public record Result(LoadGenerator.Run run, Map<Long, Allocation> allocations) {}

    /** Plays {@code plan} to its end or the time-out. */
    public static Result play(
            RunningStack stack, LoadPlan plan, int maxInFlight, Duration timeout, LoadGenerator.Listener listener)
            throws InterruptedException {
        KafkaSettings settings = stack.settings();
        try (SchemaRegistry registry = new SchemaRegistry(settings.registryUrl(), REGISTRY_TIMEOUT);
                LoadGenerator generator = new LoadGenerator(settings, registry, InstantSource.system())) {
            LoadGenerator.Run run = generator.run(plan, maxInFlight, timeout, listener);
            return new Result(run, allocations(settings, registry, stack.model()));
        }
    }

    /** Every allocation of {@code model} that the topic still holds, by epoch. */
    public static Map<Long, Allocation> allocations(KafkaSettings settings, SchemaRegistry registry, String model) {
        Map<Long, Allocation> byEpoch = new TreeMap<>();
        try (TopicTail<Allocation> tail =
                TopicTail.fromBeginning(settings, registry, Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED)) {
            while (!tail.atEnd()) {
                for (Tailed<Allocation> tailed : tail.poll(Duration.ofMillis(200))) {
                    if (model.equals(tailed.value().getModel())) {
                        byEpoch.put(tailed.value().getEpoch(), tailed.value());
                    }
                }
            }
        }
        return byEpoch;
    }
}
