package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Placement;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the placements topic: what is there at start, then what comes. When reading fails it starts over from the
 * beginning; older epochs say nothing new to anybody. Owned by one thread, apart from {@link #stop}.
 */
final class PlacementFollower implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PlacementFollower.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration START_POLL = Duration.ofMillis(100);
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final KafkaSettings kafka;
    private final SchemaRegistry registry;
    private final String model;
    private final WorkerId self;
    private volatile TopicTail<Placement> tail;
    private volatile boolean closed;
    private LayerOrder newest = LayerOrder.NONE;

    PlacementFollower(KafkaSettings kafka, SchemaRegistry registry, String model, WorkerId self) {
        this.kafka = Objects.requireNonNull(kafka, "kafka");
        this.registry = Objects.requireNonNull(registry, "registry");
        this.model = Objects.requireNonNull(model, "model");
        this.self = Objects.requireNonNull(self, "self");
        this.tail = open();
    }

    /** Reads to the end of the topic; what the newest placement says, {@link LayerOrder#NONE} when there is none. */
    LayerOrder newest() throws InterruptedException {
        while (!tail.atEnd()) {
            poll(START_POLL, order -> {});
            if (Thread.interrupted()) {
                throw new InterruptedException("stopped while reading placements");
            }
        }
        return newest;
    }

    /** Hands over what newer placements say until {@link #stop}; {@code sink} may block. */
    void run(Consumer<LayerOrder> sink) {
        boolean warned = false;
        while (!closed) {
            try {
                poll(POLL, sink);
                warned = false;
            } catch (WakeupException e) {
                // closing, or a stray wake-up: look again
            } catch (RuntimeException e) {
                if (!warned) {
                    LOG.warn("worker={} placements=unreadable reason={} retry=1s", self, e.getMessage());
                    warned = true;
                }
                if (!reopen()) {
                    return;
                }
            }
        }
    }

    /** Makes {@link #run} return; any thread. */
    void stop() {
        closed = true;
        tail.wakeup();
    }

    /** Closes what it reads from, when nobody runs it any more. */
    @Override
    public void close() {
        tail.close();
    }

    private void poll(Duration timeout, Consumer<LayerOrder> sink) {
        for (Tailed<Placement> record : tail.poll(timeout)) {
            Optional<LayerOrder> order = LayerOrder.of(record.value(), model, self);
            if (order.isPresent() && order.get().epoch() > newest.epoch()) {
                newest = order.get();
                sink.accept(newest);
            }
        }
    }

    /** False when it was stopped meanwhile. */
    private boolean reopen() {
        tail.close();
        while (!closed) {
            try {
                Thread.sleep(RETRY);
                tail = open();
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } catch (RuntimeException e) {
                LOG.debug("worker={} placements=unreadable reason={}", self, e.getMessage());
            }
        }
        return false;
    }

    private TopicTail<Placement> open() {
        return TopicTail.fromBeginning(kafka, registry, Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED);
    }
}
