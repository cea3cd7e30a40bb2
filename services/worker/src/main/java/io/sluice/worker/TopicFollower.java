package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a control topic of one partition: what is there at start, then what comes. When reading fails it starts over from
 * the beginning. Owned by one thread, apart from {@link #stop}.
 */
final class TopicFollower<T extends SpecificRecord> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TopicFollower.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration START_POLL = Duration.ofMillis(100);
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final KafkaSettings kafka;
    private final SchemaRegistry registry;
    private final TopicSpec<T> topic;
    private final WorkerId self;
    private final Predicate<Tailed<T>> wanted;
    private volatile TopicTail<T> tail;
    private volatile boolean closed;

    /** Hands over what has this worker's key, each record once even when reading starts over. */
    TopicFollower(KafkaSettings kafka, SchemaRegistry registry, TopicSpec<T> topic, WorkerId self) {
        this(kafka, registry, topic, self, new OwnOnce<>(self));
    }

    /**
     * Hands over what has a value and is wanted.
     *
     * @param wanted sees every record with a value, again when reading starts over
     */
    TopicFollower(
            KafkaSettings kafka,
            SchemaRegistry registry,
            TopicSpec<T> topic,
            WorkerId self,
            Predicate<Tailed<T>> wanted) {
        this.kafka = Objects.requireNonNull(kafka, "kafka");
        this.registry = Objects.requireNonNull(registry, "registry");
        this.topic = Objects.requireNonNull(topic, "topic");
        this.self = Objects.requireNonNull(self, "self");
        this.wanted = Objects.requireNonNull(wanted, "wanted");
        this.tail = open();
    }

    /** Hands over what is in the topic now; returns at its end. */
    void readToEnd(Consumer<T> sink) throws InterruptedException {
        while (!tail.atEnd()) {
            poll(START_POLL, sink);
            if (Thread.interrupted()) {
                throw new InterruptedException("stopped while reading " + topic.name());
            }
        }
    }

    /** Hands over what comes until {@link #stop}. */
    void run(Consumer<T> sink) {
        boolean warned = false;
        while (!closed) {
            try {
                poll(POLL, sink);
                warned = false;
            } catch (WakeupException e) {
                // closing, or a stray wake-up: look again
            } catch (RuntimeException e) {
                if (!warned) {
                    LOG.warn("worker={} topic={} state=unreadable reason={}", self, topic.name(), e.getMessage());
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

    private void poll(Duration timeout, Consumer<T> sink) {
        for (Tailed<T> record : tail.poll(timeout)) {
            if (record.value() != null && wanted.test(record)) {
                sink.accept(record.value());
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
                LOG.debug("worker={} topic={} state=unreadable reason={}", self, topic.name(), e.getMessage());
            }
        }
        return false;
    }

    private TopicTail<T> open() {
        return TopicTail.fromBeginning(kafka, registry, topic, IsolationLevel.READ_COMMITTED);
    }

    /** Records with a worker's key that are newer than those seen. */
    private static final class OwnOnce<T> implements Predicate<Tailed<T>> {
        private final String self;
        private long newestOffset = -1;

        OwnOnce(WorkerId self) {
            this.self = self.value();
        }

        @Override
        public boolean test(Tailed<T> record) {
            boolean newer = record.offset() > newestOffset;
            newestOffset = Math.max(newestOffset, record.offset());
            return newer && self.equals(record.key());
        }
    }
}
