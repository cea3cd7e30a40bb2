package io.sluice.messaging.streams;

import io.sluice.messaging.KafkaClients;
import java.util.Map;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.RecordContext;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.TopicNameExtractor;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Parts that the graphs of the services are made of. Stateless. */
public final class GraphParts {
    /** Timestamps are for people here; a record without one is no reason to stop. */
    public static final TimestampExtractor LENIENT_TIME =
            (record, partitionTime) -> record.timestamp() >= 0 ? record.timestamp() : Math.max(0, partitionTime);

    /**
     * Entries are long and live short, a whole prompt for as long as a session: small segments and eager compaction keep
     * the changelog near the size of the store, so that a restart after a long run is as fast as after a short one.
     */
    private static final Map<String, String> CHANGELOG = Map.of(
            TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
            Integer.toString(KafkaClients.MAX_RECORD_BYTES),
            TopicConfig.SEGMENT_BYTES_CONFIG,
            Integer.toString(16 << 20),
            TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
            "0.2",
            TopicConfig.DELETE_RETENTION_MS_CONFIG,
            "60000");

    private GraphParts() {}

    /** A store in memory from ids to bytes, whose changelog stays small. */
    public static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
        return unlogged(name).withLoggingEnabled(CHANGELOG);
    }

    /** A store in memory from ids to bytes that is filled from a topic and has no changelog. */
    public static StoreBuilder<KeyValueStore<String, byte[]>> globalStore(String name) {
        return unlogged(name).withLoggingDisabled();
    }

    /** A sink's topic, named by a function, because a builder takes a topic that it reads for no sink's. */
    public static <T> TopicNameExtractor<byte[], T> topic(String name) {
        return (byte[] key, T value, RecordContext context) -> name;
    }

    private static StoreBuilder<KeyValueStore<String, byte[]>> unlogged(String name) {
        return Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), Serdes.String(), Serdes.ByteArray());
    }
}
