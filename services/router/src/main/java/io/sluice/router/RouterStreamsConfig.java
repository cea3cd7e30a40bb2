package io.sluice.router;

import io.sluice.messaging.streams.StreamsSettings;
import java.util.Map;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/**
 * Kafka Streams settings of the router, set where the defaults cost latency or safety. Stateless.
 *
 * <p>Nothing between a request and its first activation waits for a commit. Clients write requests outside of
 * transactions, so a read-committed reader sees them when the broker has them; the chunk leaves at once, without
 * linger, on the sender's thread; and workers read uncommitted. When a crash undoes the transaction, the request is
 * dispatched again under the same attempt, and tokens that then come twice are dropped. Two things do wait, for at most
 * one interval: sessions, completions and errors, which are final when they are seen, and whatever lies behind a
 * request that the router itself has sent on to its own partition.
 */
final class RouterStreamsConfig {
    /** Streams looks at its punctuators between two polls only. */
    private static final int POLL_MS = 20;

    private static final int METADATA_MAX_AGE_MS = 30_000;
    private static final int BATCH_BYTES = 1 << 20;

    private RouterStreamsConfig() {}

    static Map<String, Object> of(RouterConfig config) {
        Map<String, Object> settings = StreamsSettings.of(
                config.kafka().bootstrap(), config.applicationId(), config.instanceId(), config.stateDirectory());
        settings.put(StreamsConfig.POLL_MS_CONFIG, POLL_MS);
        settings.put(StreamsConfig.PRODUCTION_EXCEPTION_HANDLER_CLASS_CONFIG, UnsendableRecords.class);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MIN_BYTES_CONFIG), 1);
        // A topic that is created while the router runs is noticed soon.
        settings.put(StreamsConfig.consumerPrefix(CommonClientConfigs.METADATA_MAX_AGE_CONFIG), METADATA_MAX_AGE_MS);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 0);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), BATCH_BYTES);
        settings.putAll(config.kafka().overrides());
        return settings;
    }
}
