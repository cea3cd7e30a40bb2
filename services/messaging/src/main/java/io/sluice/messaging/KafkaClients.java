package io.sluice.messaging;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka client settings per role. Values are set where Kafka's defaults cost latency or break big chunks; the maps are
 * fresh and may be changed by the caller.
 */
public final class KafkaClients {
    /** Largest record, bytes; the broker and the topics must allow it too. */
    public static final int MAX_RECORD_BYTES = 8 << 20;

    private static final int BATCH_BYTES = 1 << 20;
    /** The system's own: it grows with what is on the way, which on a long link is more than any fixed size that is allowed. */
    private static final int SOCKET_BUFFER_BYTES = -1;

    private static final int LATENCY_BUFFER_BYTES = 64 << 20;

    private KafkaClients() {}

    /**
     * For chunks and tokens: the leader's acknowledgement only, no lingering (Kafka 4 lingers 5 ms by default, per
     * hop), several requests in flight. A retry after a broker error may reorder or repeat records; readers drop
     * repetitions and notice gaps by position.
     */
    public static Map<String, Object> latencyProducer(KafkaSettings settings, String clientId) {
        Map<String, Object> properties = producer(settings, clientId);
        properties.put(ProducerConfig.ACKS_CONFIG, "1");
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, false);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, (long) LATENCY_BUFFER_BYTES);
        return withOverrides(properties, settings);
    }

    /**
     * For records nobody repeats (statuses, completions, errors): all replicas, no duplicates on retry, no lingering.
     */
    public static Map<String, Object> durableProducer(KafkaSettings settings, String clientId) {
        Map<String, Object> properties = producer(settings, clientId);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        return withOverrides(properties, settings);
    }

    /**
     * For readers that assign partitions themselves: no group, raw values, a fetch answers as soon as one byte is
     * there.
     */
    public static Map<String, Object> tailConsumer(KafkaSettings settings, String clientId) {
        Map<String, Object> properties = common(settings, clientId);
        properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
        properties.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, MAX_RECORD_BYTES);
        properties.put(ConsumerConfig.RECEIVE_BUFFER_CONFIG, SOCKET_BUFFER_BYTES);
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        return withOverrides(properties, settings);
    }

    /** For topic administration. */
    public static Map<String, Object> admin(KafkaSettings settings) {
        return withOverrides(common(settings, "sluice-admin"), settings);
    }

    private static Map<String, Object> producer(KafkaSettings settings, String clientId) {
        Map<String, Object> properties = common(settings, clientId);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
        properties.put(ProducerConfig.SEND_BUFFER_CONFIG, SOCKET_BUFFER_BYTES);
        return properties;
    }

    private static Map<String, Object> common(KafkaSettings settings, String clientId) {
        Map<String, Object> properties = new HashMap<>();
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap());
        properties.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId);
        // Nothing leaves for Kafka's client telemetry; ours is Prometheus.
        properties.put(AdminClientConfig.ENABLE_METRICS_PUSH_CONFIG, false);
        return properties;
    }

    private static Map<String, Object> withOverrides(Map<String, Object> properties, KafkaSettings settings) {
        properties.putAll(settings.overrides());
        return properties;
    }
}
