package io.sluice.messaging;

import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a whole topic without a consumer group: every partition, from the beginning or from now on, decoded. Records
 * that cannot be read are logged, counted and passed over. Not thread-safe, but {@link #wakeup()} may come from any
 * thread.
 */
public final class TopicTail<T extends SpecificRecord> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TopicTail.class);

    private final Consumer<byte[], byte[]> consumer;
    private final AvroDeserializer<T> deserializer;
    private final String topic;
    private final List<TopicPartition> partitions;
    private long malformed;

    private TopicTail(Consumer<byte[], byte[]> consumer, AvroDeserializer<T> deserializer, String topic) {
        this.consumer = consumer;
        this.deserializer = deserializer;
        this.topic = topic;
        List<PartitionInfo> found = consumer.partitionsFor(topic);
        if (found == null || found.isEmpty()) {
            throw new IllegalStateException("topic " + topic + " does not exist; start the stack first");
        }
        this.partitions = found.stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
    }

    /** Everything the topic still holds, then what comes. Fails when the topic does not exist. */
    public static <T extends SpecificRecord> TopicTail<T> fromBeginning(
            KafkaSettings settings, SchemaRegistry registry, TopicSpec<T> topic, IsolationLevel isolation) {
        TopicTail<T> tail = open(settings, registry, topic, isolation);
        tail.consumer.seekToBeginning(tail.partitions);
        return tail;
    }

    /**
     * What comes after this call has returned; nothing produced later is missed. Fails when the topic does not exist.
     */
    public static <T extends SpecificRecord> TopicTail<T> fromEnd(
            KafkaSettings settings, SchemaRegistry registry, TopicSpec<T> topic, IsolationLevel isolation) {
        TopicTail<T> tail = open(settings, registry, topic, isolation);
        tail.consumer.seekToEnd(tail.partitions);
        // Seeking is lazy; asking for the position fixes it now.
        tail.partitions.forEach(tail.consumer::position);
        return tail;
    }

    /** Waits at most this long for records; empty when none came. Order holds within a partition. */
    public List<Tailed<T>> poll(Duration timeout) {
        List<Tailed<T>> records = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(timeout)) {
            try {
                records.add(new Tailed<>(
                        record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8),
                        deserializer.deserialize(topic, record.value()),
                        record.partition(),
                        record.offset(),
                        record.timestamp()));
            } catch (RecordFormatException e) {
                malformed++;
                LOG.warn(
                        "record passed over partition={} offset={} reason={} message={}",
                        record.partition(),
                        record.offset(),
                        e.reason(),
                        e.getMessage());
            }
        }
        return records;
    }

    /** Whether everything that was in the topic when this was called has been polled. */
    public boolean atEnd() {
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        return partitions.stream().allMatch(partition -> consumer.position(partition) >= ends.get(partition));
    }

    /** Records that could not be read so far. */
    public long malformed() {
        return malformed;
    }

    /** Makes a waiting {@link #poll} throw Kafka's {@code WakeupException}. */
    public void wakeup() {
        consumer.wakeup();
    }

    @Override
    public void close() {
        consumer.close();
    }

    private static <T extends SpecificRecord> TopicTail<T> open(
            KafkaSettings settings, SchemaRegistry registry, TopicSpec<T> topic, IsolationLevel isolation) {
        Objects.requireNonNull(isolation, "isolation");
        Map<String, Object> properties = KafkaClients.tailConsumer(settings, "tail-" + topic.name());
        properties.put(
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation.toString().toLowerCase(Locale.ROOT));
        Consumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties);
        try {
            return new TopicTail<>(consumer, new AvroDeserializer<>(registry, topic), topic.name());
        } catch (RuntimeException e) {
            consumer.close();
            throw e;
        }
    }
}
