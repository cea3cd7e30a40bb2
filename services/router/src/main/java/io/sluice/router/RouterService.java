package io.sluice.router;

import io.micrometer.core.instrument.Gauge;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.TopicAdmin;
import io.sluice.schemas.RegistryUnavailableException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
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
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ADMIN_CLOSE_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration REPORT = Duration.ofSeconds(3);
    private static final Duration RETRY_PAUSE = Duration.ofSeconds(1);
    private static final Duration FAILURE_WINDOW = Duration.ofMinutes(5);
    /** Beyond this many unexplained failures in the window the router stops instead of running in circles. */
    private static final int FAILURES_MAX = 5;

    private final SchemaRegistry registry;
    private final Admin admin;
    private final KafkaStreams streams;
    private final MembershipListener listener;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final CompletableFuture<Void> running = new CompletableFuture<>();
    private final Deque<Long> failures = new ArrayDeque<>();
    private volatile Throwable lastFailure;

    private RouterService(RouterConfig config, SchemaRegistry registry, Admin admin, int partitions) {
        this.registry = registry;
        this.admin = admin;
        ActivationTopics activationTopics =
                new ActivationTopics(() -> admin.listTopics().names().toCompletionStage(), System::nanoTime);
        Properties properties = new Properties();
        properties.putAll(RouterStreamsConfig.of(config));
        Membership members =
                new Membership(MembershipListener.newName(), config.lease(), config.echo(), System.currentTimeMillis());
        this.streams = new KafkaStreams(
                RouterTopology.build(config, registry, partitions, activationTopics, members), properties);
        streams.setUncaughtExceptionHandler(this::onFailure);
        streams.setStateListener(this::onState);
        Gauge.builder("sluice.router.lag.records", streams, RouterService::lag)
                .description("Records of requests, tokens and reports not yet read, the most of any partition")
                .strongReference(true)
                .register(config.metrics());
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
            service.awaitRunning(config.startTimeout());
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
        return streams.state() == State.RUNNING;
    }

    /** Completes when the router has stopped, exceptionally when it could not go on. */
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    @Override
    public void close() {
        streams.close(CLOSE_TIMEOUT);
        listener.close();
        admin.close(ADMIN_CLOSE_TIMEOUT);
        registry.close();
        stopped.complete(null);
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

    private void awaitRunning(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            try {
                running.get(REPORT.toMillis(), TimeUnit.MILLISECONDS);
                return;
            } catch (TimeoutException e) {
                if (System.nanoTime() - deadline >= 0) {
                    throw new IllegalStateException(
                            "the router did not get its partitions within " + timeout.toSeconds() + " s (state "
                                    + streams.state() + "); look at the broker's log",
                            lastFailure);
                }
                LOG.info("waiting for partitions and state of the router state={}", streams.state());
            } catch (ExecutionException e) {
                throw new IllegalStateException("the router stopped while it started: " + e.getCause(), e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while the router started", e);
            }
        }
    }

    private void onState(State now, State before) {
        LOG.info("router state from={} to={}", before, now);
        if (now == State.RUNNING) {
            running.complete(null);
        } else if (now == State.ERROR) {
            IllegalStateException end =
                    new IllegalStateException("the router cannot go on: " + lastFailure, lastFailure);
            running.completeExceptionally(end);
            stopped.completeExceptionally(end);
        }
    }

    /** Starts the failed thread again from its last commit; gives up when failures that time does not heal repeat. */
    private synchronized StreamThreadExceptionResponse onFailure(Throwable failure) {
        lastFailure = failure;
        if (heals(failure)) {
            LOG.warn("router thread failed and starts again: {}", failure.toString());
            LockSupport.parkNanos(RETRY_PAUSE.toNanos());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        }
        long now = System.nanoTime();
        failures.addLast(now);
        while (now - failures.peekFirst() > FAILURE_WINDOW.toNanos()) {
            failures.removeFirst();
        }
        boolean again = failures.size() <= FAILURES_MAX;
        LOG.error("router thread failed failures={} startsAgain={}", failures.size(), again, failure);
        return again ? StreamThreadExceptionResponse.REPLACE_THREAD : StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }

    private static boolean heals(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof RegistryUnavailableException || cause instanceof RetriableException) {
                return true;
            }
        }
        return false;
    }

    private static double lag(KafkaStreams streams) {
        return streams.metrics().values().stream()
                .filter(metric -> metric.metricName().name().equals("records-lag-max"))
                .map(Metric::metricValue)
                .filter(Double.class::isInstance)
                .mapToDouble(value -> (Double) value)
                .filter(value -> !Double.isNaN(value))
                .max()
                .orElse(0);
    }
}
