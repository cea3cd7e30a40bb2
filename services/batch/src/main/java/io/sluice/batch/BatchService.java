package io.sluice.batch;

import io.micrometer.core.instrument.Gauge;
import io.sluice.messaging.TopicAdmin;
import io.sluice.schemas.RegistryUnavailableException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running batch service: waits for broker, topics and registry, starts the topology and keeps it going. Thread-safe.
 */
public final class BatchService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BatchService.class);
    private static final List<TopicSpec<?>> TOPICS = List.of(
            Topics.REQUESTS, Topics.COMPLETIONS, Topics.ERRORS, Topics.BEST_EFFORT_JOBS, Topics.BEST_EFFORT_PROGRESS);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration REPORT = Duration.ofSeconds(3);
    private static final Duration RETRY_PAUSE = Duration.ofSeconds(1);
    private static final Duration FAILURE_WINDOW = Duration.ofMinutes(5);
    /** Beyond this many unexplained failures in the window the service stops instead of running in circles. */
    private static final int FAILURES_MAX = 5;

    private final SchemaRegistry registry;
    private final KafkaStreams streams;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final CompletableFuture<Void> running = new CompletableFuture<>();
    private final Deque<Long> failures = new ArrayDeque<>();
    private volatile Throwable lastFailure;

    private BatchService(BatchConfig config, SchemaRegistry registry) {
        this.registry = registry;
        Properties properties = new Properties();
        properties.putAll(BatchStreamsConfig.of(config));
        this.streams =
                new KafkaStreams(BatchTopology.build(config, registry, new BatchMetrics(config.metrics())), properties);
        streams.setUncaughtExceptionHandler(this::onFailure);
        streams.setStateListener(this::onState);
        Gauge.builder("sluice.batch.lag.records", streams, BatchService::lag)
                .description("Records of jobs, completions and errors not yet read, the most of any partition")
                .strongReference(true)
                .register(config.metrics());
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
            service.awaitRunning(config.startTimeout());
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
        LOG.info("batch service ready instance={} window={}", config.instanceId(), config.window());
        return service;
    }

    /** Whether it takes jobs now; false while it rebalances or after it has stopped. */
    public boolean isRunning() {
        return streams.state() == State.RUNNING;
    }

    /** Completes when the service has stopped, exceptionally when it could not go on. */
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    @Override
    public void close() {
        streams.close(CLOSE_TIMEOUT);
        registry.close();
        stopped.complete(null);
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
                            "the batch service did not get its partitions within " + timeout.toSeconds() + " s (state "
                                    + streams.state() + "); look at the broker's log",
                            lastFailure);
                }
                LOG.info("waiting for partitions and state of the batch service state={}", streams.state());
            } catch (ExecutionException e) {
                throw new IllegalStateException(
                        "the batch service stopped while it started: " + e.getCause(), e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while the batch service started", e);
            }
        }
    }

    private void onState(State now, State before) {
        LOG.info("batch service state from={} to={}", before, now);
        if (now == State.RUNNING) {
            running.complete(null);
        } else if (now == State.ERROR) {
            IllegalStateException end =
                    new IllegalStateException("the batch service cannot go on: " + lastFailure, lastFailure);
            running.completeExceptionally(end);
            stopped.completeExceptionally(end);
        }
    }

    /** Starts the failed thread again from its last commit; gives up when failures that time does not heal repeat. */
    private synchronized StreamThreadExceptionResponse onFailure(Throwable failure) {
        lastFailure = failure;
        if (heals(failure)) {
            LOG.warn("batch thread failed and starts again: {}", failure.toString());
            LockSupport.parkNanos(RETRY_PAUSE.toNanos());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        }
        long now = System.nanoTime();
        failures.addLast(now);
        while (now - failures.peekFirst() > FAILURE_WINDOW.toNanos()) {
            failures.removeFirst();
        }
        boolean again = failures.size() <= FAILURES_MAX;
        LOG.error("batch thread failed failures={} startsAgain={}", failures.size(), again, failure);
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
