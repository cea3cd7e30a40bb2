package io.sluice.messaging.streams;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.Metric;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A topology that is kept going: a thread that fails starts again from its last commit, until failures that time does not
 * heal repeat. Thread-safe.
 */
public final class RunningStreams implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunningStreams.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration REPORT = Duration.ofSeconds(3);
    private static final Duration RETRY_PAUSE = Duration.ofSeconds(1);

    private final String name;
    private final KafkaStreams streams;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final CompletableFuture<Void> running = new CompletableFuture<>();
    private final ThreadRestarts restarts = new ThreadRestarts();
    private volatile Throwable lastFailure;

    /**
     * Takes a topology, which runs once it is started.
     *
     * @param name of the service, as it stands in a sentence: "router"
     * @param settings see {@link StreamsSettings}
     */
    public RunningStreams(String name, Topology topology, Map<String, Object> settings) {
        this.name = name;
        Properties properties = new Properties();
        properties.putAll(settings);
        streams = new KafkaStreams(topology, properties);
        streams.setUncaughtExceptionHandler(this::onFailure);
        streams.setStateListener(this::onState);
    }

    /** Registers a gauge of records not yet read, the most of any partition. */
    public void measureLag(MeterRegistry meters, String gauge, String description) {
        Gauge.builder(gauge, streams, RunningStreams::lag)
                .description(description)
                .strongReference(true)
                .register(meters);
    }

    /** Starts the threads and returns at once. */
    public void start() {
        streams.start();
    }

    /**
     * Returns when all partitions are there and their state is restored; what is waited for is logged.
     *
     * @throws IllegalStateException when that takes longer than {@code timeout}, or the service stops instead
     */
    public void awaitRunning(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            try {
                running.get(REPORT.toMillis(), TimeUnit.MILLISECONDS);
                return;
            } catch (TimeoutException e) {
                if (System.nanoTime() - deadline >= 0) {
                    throw new IllegalStateException(
                            "the " + name + " did not get its partitions within " + timeout.toSeconds() + " s (state "
                                    + streams.state() + "); look at the broker's log",
                            lastFailure);
                }
                LOG.info("waiting for partitions and state of the {} state={}", name, streams.state());
            } catch (ExecutionException e) {
                throw new IllegalStateException(
                        "the " + name + " stopped while it started: " + e.getCause(), e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while the " + name + " started", e);
            }
        }
    }

    /** Whether records are taken now; false while it rebalances or after it has stopped. */
    public boolean isRunning() {
        return streams.state() == State.RUNNING;
    }

    /** Completes when the service has stopped, exceptionally when it could not go on. */
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    /** Stops the threads and waits for them, 10 s at most. */
    @Override
    public void close() {
        streams.close(CLOSE_TIMEOUT);
        stopped.complete(null);
    }

    private void onState(State now, State before) {
        LOG.info("{} state from={} to={}", name, before, now);
        if (now == State.RUNNING) {
            running.complete(null);
        } else if (now == State.ERROR) {
            IllegalStateException end =
                    new IllegalStateException("the " + name + " cannot go on: " + lastFailure, lastFailure);
            running.completeExceptionally(end);
            stopped.completeExceptionally(end);
        }
    }

    private synchronized StreamThreadExceptionResponse onFailure(Throwable failure) {
        lastFailure = failure;
        if (ThreadRestarts.heals(failure)) {
            LOG.warn("{} thread failed and starts again: {}", name, failure.toString());
            LockSupport.parkNanos(RETRY_PAUSE.toNanos());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        }
        boolean again = restarts.again(System.nanoTime());
        LOG.error("{} thread failed failures={} startsAgain={}", name, restarts.count(), again, failure);
        return again ? StreamThreadExceptionResponse.REPLACE_THREAD : StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
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
