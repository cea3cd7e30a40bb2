package io.sluice.batch;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Settings of a batch service. Immutable; start from {@link #of} and change what differs.
 *
 * @param kafka broker and registry
 * @param metrics where meters go
 * @param stateDirectory folder of the service's own, for lock and checkpoint files; the state is in changelogs
 * @param applicationId name of the service's group: those with one name share the work, one of them does it
 * @param instanceId name of this one within the group; keep it over restarts
 * @param window most requests in flight, over all jobs
 * @param bounds of what is kept
 * @param startTimeout how long to wait for broker and registry
 */
public record BatchConfig(
        KafkaSettings kafka,
        MeterRegistry metrics,
        Path stateDirectory,
        String applicationId,
        String instanceId,
        int window,
        Bounds bounds,
        Duration startTimeout) {

    /**
     * What is kept at most.
     *
     * @param items of a job
     * @param lineBytes of an item's line, bytes of UTF-8
     * @param jobs that have not ended
     * @param bytes of all lines that have not ended
     * @param parts how long the parts of a job may take to arrive
     */
    public record Bounds(int items, int lineBytes, int jobs, long bytes, Duration parts) {
        public Bounds {
            positive("--max-items", items);
            positive("--max-line-bytes", lineBytes);
            positive("--max-jobs", jobs);
            positive("--max-bytes", bytes);
            positive("--parts-timeout, in ms,", parts.toMillis());
            if (items > MOST_ITEMS) {
                throw new IllegalArgumentException("--max-items " + items + " must be at most " + MOST_ITEMS);
            }
            if (lineBytes > MOST_LINE_BYTES) {
                throw new IllegalArgumentException(
                        "--max-line-bytes " + lineBytes + " must be at most " + MOST_LINE_BYTES);
            }
        }
    }

    private static final int MOST_ITEMS = 1_000_000;
    /** A request must fit into a record together with what else it says, and its dead letter, too. */
    private static final int MOST_LINE_BYTES = 4 << 20;

    public BatchConfig {
        Objects.requireNonNull(kafka, "kafka");
        Objects.requireNonNull(metrics, "metrics");
        Objects.requireNonNull(stateDirectory, "stateDirectory");
        Objects.requireNonNull(bounds, "bounds");
        if (applicationId.isBlank() || instanceId.isBlank()) {
            throw new IllegalArgumentException(
                    "application id '" + applicationId + "' and instance id '" + instanceId + "' must not be blank");
        }
        positive("--window", window);
        positive("start timeout, in ms,", startTimeout.toMillis());
    }

    /** The defaults. */
    public static BatchConfig of(KafkaSettings kafka, MeterRegistry metrics, Path stateDirectory) {
        return new BatchConfig(
                kafka,
                metrics,
                stateDirectory,
                "sluice-batch",
                "batch-1",
                32,
                new Bounds(50_000, 256 << 10, 1_000, 256 << 20, Duration.ofHours(1)),
                Duration.ofMinutes(2));
    }

    public BatchConfig withInstanceId(String value) {
        return new BatchConfig(kafka, metrics, stateDirectory, applicationId, value, window, bounds, startTimeout);
    }

    public BatchConfig withWindow(int value) {
        return new BatchConfig(kafka, metrics, stateDirectory, applicationId, instanceId, value, bounds, startTimeout);
    }

    public BatchConfig withBounds(Bounds value) {
        return new BatchConfig(kafka, metrics, stateDirectory, applicationId, instanceId, window, value, startTimeout);
    }

    public BatchConfig withStartTimeout(Duration value) {
        return new BatchConfig(kafka, metrics, stateDirectory, applicationId, instanceId, window, bounds, value);
    }

    private static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " " + value + " must be at least 1");
        }
    }
}
