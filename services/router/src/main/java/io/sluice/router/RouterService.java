package io.sluice.router;

import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.streams.RunningStreams;
import io.sluice.schemas.RegistryUnavailableException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running router: waits for broker, topics and registry, starts the topology and keeps it going. Thread-safe.
 */
public final class RouterService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RouterService.class);
    private static final List<TopicSpec<?>> TOPICS = List.of(
            Topics.REQUESTS,
            Topics.TOKENS,
            Topics.COMPLETIONS,
            Topics.ERRORS,
            Topics.SESSIONS,
            Topics.REPORTS,
            Topics.HEARTBEATS,
            Topics.ALLOCATIONS);
    private static final Duration ADMIN_CLOSE_TIMEOUT = Duration.ofSeconds(1);

    private final SchemaRegistry registry;
    private final Admin admin;
    private final RunningStreams streams;
    private final MembershipListener listener;

    private RouterService(RouterConfig config, SchemaRegistry registry, Admin admin, int partitions) {
        this.registry = registry;
        this.admin = admin;
        ActivationTopics activationTopics =
                new ActivationTopics(() -> admin.listTopics().names().toCompletionStage(), System::nanoTime);
        Membership members =
                new Membership(MembershipListener.newName(), config.lease(), config.echo(), System.currentTimeMillis());
        this.streams = new RunningStreams(
                "router",
                RouterTopology.build(config, registry, partitions, activationTopics, members),
                RouterStreamsConfig.of(config));
        streams.measureLag(
                config.metrics(),
                "sluice.router.lag.records",
                "Records of requests, tokens and reports not yet read, the most of any partition");
        this.listener = MembershipListener.start(config.kafka(), registry, members);
    }

    /**
     * Starts a router and returns when it takes requests. Missing topics are created; what is waited for is logged.
     *
     * @throws io.sluice.messaging.BrokerUnavailableException when the broker does not answer in time
     * @throws RegistryUnavailableException when the registry does not answer in time
     * @throws IllegalStateException when existing topics do not fit or the topology does not start
     */
    public static RouterService start(RouterConfig config) {
        ensureTopics(config);
        return start(config, new SchemaRegistry(config.kafka().registryUrl(), config.startTimeout()));
    }

    /** Starts a router on a given registry, which is closed with it; its topics exist. */
    static RouterService start(RouterConfig config, SchemaRegistry registry) {
        Admin admin = Admin.create(KafkaClients.admin(config.kafka()));
        RouterService service;
        int partitions;
        try {
            partitions = partitions(admin, config.startTimeout());
            service = new RouterService(config, registry, admin, partitions);
        } catch (RuntimeException e) {
            admin.close(ADMIN_CLOSE_TIMEOUT);
            registry.close();
            throw e;
        }
        try {
            service.streams.start();
            publishSchemas(registry);
            service.streams.awaitRunning(config.startTimeout());
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
        LOG.info(
                "router ready instance={} models={} policy={} partitions={}",
                config.instanceId(),
                config.models().names(),
                config.policy(),
                partitions);
        return service;
    }

    /** A client in another language looks the schemas up before it, or anybody, has produced a record. */
    private static void publishSchemas(SchemaRegistry registry) {
        for (TopicSpec<?> topic : Topics.all()) {
            registry.register(topic.subject(), topic.schema());
        }
    }

    static void ensureTopics(RouterConfig config) {
        try (TopicAdmin topics = new TopicAdmin(config.kafka(), config.startTimeout())) {
            topics.ensure(TOPICS);
        }
    }

    /** Whether it takes requests now; false while it rebalances or after it has stopped. */
    public boolean isRunning() {
        return streams.isRunning();
    }

    /** Completes when the router has stopped, exceptionally when it could not go on. */
    public CompletableFuture<Void> stopped() {
        return streams.stopped();
    }

    @Override
    public void close() {
        streams.close();
        listener.close();
        admin.close(ADMIN_CLOSE_TIMEOUT);
        registry.close();
    }

    /** Requests, tokens and reports meet by partition, so their topics must have as many. */
    private static int partitions(Admin admin, Duration timeout) {
        String requests = Topics.REQUESTS.name();
        List<String> met = List.of(Topics.TOKENS.name(), Topics.REPORTS.name());
        List<String> all = List.of(requests, met.get(0), met.get(1));
        Map<String, TopicDescription> found;
        try {
            found = admin.describeTopics(all).allTopicNames().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("cannot describe topics " + all + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while describing topics", e);
        }
        int ofRequests = found.get(requests).partitions().size();
        for (String topic : met) {
            int count = found.get(topic).partitions().size();
            if (count != ofRequests) {
                throw new IllegalStateException("topic " + requests + " has " + ofRequests + " partitions and " + topic
                        + " has " + count + "; they must be equal: recreate one of them");
            }
        }
        return ofRequests;
    }
}
