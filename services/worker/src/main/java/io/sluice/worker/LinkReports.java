package io.sluice.worker;

import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicTail;
import io.sluice.records.LinkTelemetry;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what receivers report of their links, from now on. Nothing waits for it: where it cannot read, links stay
 * unmeasured, and it tries again. Owned by one thread, apart from {@link #stop}.
 */
final class LinkReports {
    private static final Logger LOG = LoggerFactory.getLogger(LinkReports.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final long RETRY_SECONDS = 2;

    private final KafkaSettings kafka;
    private final SchemaRegistry registry;
    private final Consumer<LinkTelemetry> sink;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile TopicTail<LinkTelemetry> tail;

    LinkReports(KafkaSettings kafka, SchemaRegistry registry, Consumer<LinkTelemetry> sink) {
        this.kafka = Objects.requireNonNull(kafka, "kafka");
        this.registry = Objects.requireNonNull(registry, "registry");
        this.sink = Objects.requireNonNull(sink, "sink");
    }

    /** Hands over what comes until {@link #stop}. */
    void run() {
        try {
            boolean again = true;
            while (again) {
                again = !readUntilStopped() && !closed.await(RETRY_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Makes {@link #run} return; any thread. */
    void stop() {
        closed.countDown();
        TopicTail<LinkTelemetry> open = tail;
        if (open != null) {
            open.wakeup();
        }
    }

    /** False when reading failed. */
    private boolean readUntilStopped() {
        try (TopicTail<LinkTelemetry> opened =
                TopicTail.fromEnd(kafka, registry, Topics.LINK_TELEMETRY, IsolationLevel.READ_UNCOMMITTED)) {
            tail = opened;
            while (closed.getCount() > 0) {
                opened.poll(POLL).forEach(report -> {
                    if (report.value() != null) {
                        sink.accept(report.value());
                    }
                });
            }
            return true;
        } catch (WakeupException e) {
            return closed.getCount() == 0;
        } catch (RuntimeException e) {
            LOG.info("links=unmeasured reason={}", e.toString());
            return false;
        } finally {
            tail = null;
        }
    }
}
