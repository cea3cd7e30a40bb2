package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import io.sluice.worker.IntervalStats.Interval;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the worker's telemetry at its intervals, and about once a second draws the conclusions from what receivers report
 * of its links: offsets of clocks and, where they are chosen by link, element types. One thread of its own.
 */
final class TelemetryTimer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TelemetryTimer.class);
    private static final long LOOK_MILLIS = 1_000;

    private final WorkerId self;
    private final NetworkView network;
    private final LinkStats links;
    private final Optional<LinkPayloads> payloads;
    private final LongSupplier nanos;
    private final ScheduledExecutorService timer;
    private long batches;
    private double busySeconds;
    private long lookedNanos;

    /** @param payloads empty: every link has the same element type */
    TelemetryTimer(
            WorkerId self, NetworkView network, LinkStats links, Optional<LinkPayloads> payloads, LongSupplier nanos) {
        this.self = Objects.requireNonNull(self, "self");
        this.network = Objects.requireNonNull(network, "network");
        this.links = Objects.requireNonNull(links, "links");
        this.payloads = Objects.requireNonNull(payloads, "payloads");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.lookedNanos = nanos.getAsLong();
        this.timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name(self + "-telemetry").factory());
    }

    /** Begins to send. */
    void start(
            TelemetryPublisher telemetry,
            Producer<byte[], byte[]> producer,
            SchemaRegistry registry,
            Duration interval) {
        var devices = new RecordSender<>(
                producer, new AvroSerializer<>(registry, Topics.GPU_TELEMETRY), Topics.GPU_TELEMETRY);
        var seen = new RecordSender<>(
                producer, new AvroSerializer<>(registry, Topics.LINK_TELEMETRY), Topics.LINK_TELEMETRY);
        long millis = interval.toMillis();
        every(millis, () -> devices.send(self.value(), telemetry.device()));
        every(2 * millis, () -> telemetry.links().forEach(link -> seen.send(TelemetryPublisher.key(link), link)));
        every(LOOK_MILLIS, this::look);
    }

    /** Takes what the device did in an interval; called by the telemetry thread. */
    void worked(Interval interval) {
        batches += interval.batches();
        busySeconds += interval.busyMicros() / 1e6;
    }

    private void look() {
        long now = nanos.getAsLong();
        long nowMillis = now / 1_000_000;
        links.setOffsets(network.offsetsMicros(nowMillis));
        double elapsed = Math.max(1e-3, (now - lookedNanos) / 1e9);
        payloads.ifPresent(chosen -> chosen.look(network, batches, busySeconds, elapsed, nowMillis));
        lookedNanos = now;
        batches = 0;
        busySeconds = 0;
    }

    private void every(long millis, Runnable report) {
        // Not at a fixed rate: a process that was stopped would make up for what it missed with reports of no time at
        // all.
        timer.scheduleWithFixedDelay(
                () -> {
                    try {
                        report.run();
                    } catch (RuntimeException e) {
                        LOG.warn("worker={} telemetry=failed reason={}", self, e.toString());
                    }
                },
                millis,
                millis,
                TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
