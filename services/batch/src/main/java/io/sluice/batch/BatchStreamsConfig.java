package io.sluice.batch;

import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.streams.StreamsSettings;
import java.util.Map;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.streams.StreamsConfig;

/**
 * Kafka Streams settings of the batch service. Stateless. Results become visible after two commit intervals at most, its
 * own and the router's.
 */
final class BatchStreamsConfig {
    private static final int POLL_MS = 50;

    private BatchStreamsConfig() {}

    static Map<String, Object> of(BatchConfig config) {
        Map<String, Object> settings = StreamsSettings.of(
                config.kafka().bootstrap(), config.applicationId(), config.instanceId(), config.stateDirectory());
        settings.put(StreamsConfig.POLL_MS_CONFIG, POLL_MS);
        settings.put(
                StreamsConfig.topicPrefix(TopicConfig.MAX_MESSAGE_BYTES_CONFIG),
                Integer.toString(KafkaClients.MAX_RECORD_BYTES));
        settings.putAll(config.kafka().overrides());
        return settings;
    }
}
