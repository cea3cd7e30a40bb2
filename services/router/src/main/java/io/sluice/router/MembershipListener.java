package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Heartbeat;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the heartbeats topic from now on into a {@link Membership}, on a thread of its own, and sends the router's own
 * heartbeat through the same topic on another one, so that a reader that is stuck is noticed as silence of the router
 * and not of the workers. Both outlive restarts of the broker and of the registry.
 */
final class MembershipListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MembershipListener.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration ECHO_EVERY = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofMillis(500);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    private final KafkaSettings settings;
    private final SchemaRegistry registry;
    private final Membership members;
    private final InstantSource clock;
    private final Thread reader;
    private final Thread echo;
    private volatile TopicTail<Heartbeat> tail;
    private volatile boolean closed;

    private MembershipListener(
            KafkaSettings settings, SchemaRegistry registry, Membership members, InstantSource clock) {
        this.settings = settings;
        this.registry = registry;
        this.members = members;
        this.clock = clock;
        this.reader = Thread.ofPlatform().daemon().name("router-members").unstarted(this::listen);
        this.echo = Thread.ofPlatform().daemon().name("router-echo").unstarted(this::echo);
    }

    /** A name that no other router, nor an earlier life of this one, has. */
    static WorkerId newName() {
        return new WorkerId("router-" + UUID.randomUUID().toString().substring(0, 13));
    }

    /** Begins to listen; the topic exists. */
    static MembershipListener start(KafkaSettings settings, SchemaRegistry registry, Membership members) {
        MembershipListener listener = new MembershipListener(settings, registry, members, InstantSource.system());
        listener.reader.start();
        listener.echo.start();
        return listener;
    }

    private void listen() {
        while (!closed) {
            try (TopicTail<Heartbeat> open =
                    TopicTail.fromEnd(settings, registry, Topics.HEARTBEATS, IsolationLevel.READ_UNCOMMITTED)) {
                tail = open;
                while (!closed) {
                    for (Tailed<Heartbeat> record : open.poll(POLL)) {
                        hear(record);
                    }
                }
            } catch (WakeupException e) {
                LOG.debug("listener of heartbeats woken");
            } catch (RuntimeException e) {
                LOG.warn("heartbeats not readable, tried again: {}", e.toString());
                LockSupport.parkNanos(RETRY.toNanos());
            } finally {
                tail = null;
            }
        }
    }

    private void hear(Tailed<Heartbeat> record) {
        if (record.value() == null) {
            return;
        }
        try {
            members.hear(HeartbeatCodec.decode(record.value()), clock.millis());
        } catch (IllegalArgumentException e) {
            LOG.warn("heartbeat dropped offset={} message={}", record.offset(), e.getMessage());
        }
    }

    private void echo() {
        long incarnation = clock.millis();
        long sequence = 0;
        AvroSerializer<Heartbeat> writer = null;
        byte[] key = members.self().value().getBytes(StandardCharsets.UTF_8);
        try (Producer<byte[], byte[]> producer =
                new KafkaProducer<>(producerSettings(), new ByteArraySerializer(), new ByteArraySerializer())) {
            while (!closed) {
                try {
                    if (writer == null) {
                        writer = new AvroSerializer<>(registry, Topics.HEARTBEATS);
                    }
                    Heartbeat beat = HeartbeatCodec.encode(members.echo(incarnation), sequence++, clock.millis());
                    producer.send(new ProducerRecord<>(
                            Topics.HEARTBEATS.name(), key, writer.serialize(Topics.HEARTBEATS.name(), beat)));
                } catch (RuntimeException e) {
                    // A missing echo is what the lease table is there to notice.
                    LOG.debug("echo not sent: {}", e.toString());
                }
                LockSupport.parkNanos(ECHO_EVERY.toNanos());
            }
        }
    }

    private Map<String, Object> producerSettings() {
        Map<String, Object> properties = new HashMap<>(
                KafkaClients.latencyProducer(settings, members.self().value()));
        // An echo that is late is of no use, and none may wait in front of the next.
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 1_000);
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 1_000);
        properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 1_000);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 1L << 20);
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, 1 << 14);
        properties.put(CommonClientConfigs.RECONNECT_BACKOFF_MAX_MS_CONFIG, 200L);
        return properties;
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(echo);
        TopicTail<Heartbeat> open = tail;
        if (open != null) {
            open.wakeup();
        }
        join(reader);
        join(echo);
    }

    private static void join(Thread thread) {
        try {
            if (!thread.join(CLOSE_TIMEOUT)) {
                LOG.warn("thread {} does not end", thread.getName());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
