package io.sluice.batch;

import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.streams.RunningStreams;
import io.sluice.schemas.RegistryUnavailableException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running batch service: waits for broker, topics and registry, starts the topology and keeps it going. Thread-safe.
 */
public final class BatchService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BatchService.class);
    private static final List<TopicSpec<?>> TOPICS = List.of(
            Topics.REQUESTS, Topics.COMPLETIONS, Topics.ERRORS, Topics.BEST_EFFORT_JOBS, Topics.BEST_EFFORT_PROGRESS);

    private final SchemaRegistry registry;
    private final RunningStreams streams;

    private BatchService(BatchConfig config, SchemaRegistry registry) {
        this.registry = registry;
        this.streams = new RunningStreams(
                "batch service",
                BatchTopology.build(config, registry, new BatchMetrics(config.metrics())),
                BatchStreamsConfig.of(config));
        streams.measureLag(
                config.metrics(),
                "sluice.batch.lag.records",
                "Records of jobs, completions and errors not yet read, the most of any partition");
    }

    /**
     * Starts a batch service and returns when it takes jobs. Missing topics are created; what is waited for is logged.
     *
     * @throws io.sluice.messaging.BrokerUnavailableException when the broker does not answer in time
     * @throws RegistryUnavailableException when the registry does not answer in time
     * @throws IllegalStateException when the topology does not start
     */
    public static BatchService start(BatchConfig config) {
        try (TopicAdmin topics = new TopicAdmin(config.kafka(), config.startTimeout())) {
            topics.ensure(TOPICS);
        }
        SchemaRegistry registry = new SchemaRegistry(config.kafka().registryUrl(), config.startTimeout());
        BatchService service;
        try {
            service = new BatchService(config, registry);
        } catch (RuntimeException e) {
            registry.close();
            throw e;
        }
        try {
            // For those who submit jobs before anybody has produced one.
            registry.register(Topics.BEST_EFFORT_JOBS.subject(), Topics.BEST_EFFORT_JOBS.schema());
            service.streams.start();
            service.streams.awaitRunning(config.startTimeout());
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
        LOG.info("batch service ready instance={} window={}", config.instanceId(), config.window());
        return service;
    }

    /** Whether it takes jobs now; false while it rebalances or after it has stopped. */
    public boolean isRunning() {
        return streams.isRunning();
    }

    /** Completes when the service has stopped, exceptionally when it could not go on. */
    public CompletableFuture<Void> stopped() {
        return streams.stopped();
    }

    @Override
    public void close() {
        streams.close();
        registry.close();
    }
}
