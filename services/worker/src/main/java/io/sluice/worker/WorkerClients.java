package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The Kafka clients of a worker, none of which waits long for a broker that is gone. Stateless. */
final class WorkerClients {
    private static final int MAX_BLOCK_MILLIS = 5_000;
    private static final int DELIVERY_MILLIS = 30_000;
    private static final int REQUEST_MILLIS = 10_000;
    private static final int MAX_IN_FLIGHT = 64;
    private static final long HEARTBEAT_RECONNECT_MILLIS = 200;
    private static final long HEARTBEAT_BUFFER_BYTES = 1 << 20;
    private static final int HEARTBEAT_BATCH_BYTES = 16 << 10;
    /** A range of the log is short; what is fetched beyond it is for nothing. */
    private static final int LOG_FETCH_BYTES = 1 << 20;

    private static final int LOG_POLL_RECORDS = 5_000;

    private WorkerClients() {}

    /** For statuses, tokens, telemetry and errors. */
    static Producer<byte[], byte[]> durable(KafkaSettings kafka, WorkerId self) {
        return producer(KafkaClients.durableProducer(kafka, "worker-" + self + "-durable"));
    }

    /** For activations. */
    static Producer<byte[], byte[]> fast(KafkaSettings kafka, WorkerId self) {
        Map<String, Object> settings = KafkaClients.latencyProducer(kafka, "worker-" + self + "-activations");
        // A step must not wait for the acknowledgement of the former one. A retry may then reorder; receivers restore
        // order. On a long link a step's request is on its way for several steps.
        settings.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, MAX_IN_FLIGHT);
        return producer(settings);
    }

    /**
     * For heartbeats: nothing is repeated or kept for long, so that after an outage of the broker no old heartbeat
     * arrives in place of a new one.
     */
    static Producer<byte[], byte[]> heartbeats(KafkaSettings kafka, WorkerId self, MembershipSettings membership) {
        Map<String, Object> settings = KafkaClients.latencyProducer(kafka, "worker-" + self + "-heartbeats");
        int patience = Math.toIntExact(membership.lease().toMillis() / 2);
        settings.put(ProducerConfig.RETRIES_CONFIG, 0);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, patience);
        settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, patience);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, patience);
        settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, HEARTBEAT_RECONNECT_MILLIS);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, HEARTBEAT_BUFFER_BYTES);
        settings.put(ProducerConfig.BATCH_SIZE_CONFIG, HEARTBEAT_BATCH_BYTES);
        return producer(settings);
    }

    /** For the worker's own topic. */
    static Consumer<byte[], byte[]> consumer(KafkaSettings kafka, WorkerId self) {
        Map<String, Object> settings = KafkaClients.tailConsumer(kafka, "worker-" + self);
        // The router's transactions commit later than its chunks are worth waiting for; attempts and positions protect.
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
        return new KafkaConsumer<>(settings);
    }

    /** For reading topics again; an offset that is no longer there is an error. */
    static Consumer<byte[], byte[]> logConsumer(KafkaSettings kafka, WorkerId self) {
        Map<String, Object> settings = KafkaClients.tailConsumer(kafka, "worker-" + self + "-log");
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        settings.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, LOG_FETCH_BYTES);
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, LOG_POLL_RECORDS);
        return new KafkaConsumer<>(settings);
    }

    private static Producer<byte[], byte[]> producer(Map<String, Object> settings) {
        settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, MAX_BLOCK_MILLIS);
        settings.putIfAbsent(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, DELIVERY_MILLIS);
        settings.putIfAbsent(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_MILLIS);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }
}
