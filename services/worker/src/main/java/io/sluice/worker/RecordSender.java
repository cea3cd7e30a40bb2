package io.sluice.worker;

import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.TopicSpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends records nobody waits for (telemetry, statuses, errors) to one topic. A failure is logged once until it works
 * again. Thread-safe.
 */
final class RecordSender<T extends SpecificRecord> {
    private static final Logger LOG = LoggerFactory.getLogger(RecordSender.class);

    private final Producer<byte[], byte[]> producer;
    private final AvroSerializer<T> serializer;
    private final String topic;
    private final AtomicBoolean failing = new AtomicBoolean();

    RecordSender(Producer<byte[], byte[]> producer, AvroSerializer<T> serializer, TopicSpec<T> topic) {
        this.producer = Objects.requireNonNull(producer, "producer");
        this.serializer = Objects.requireNonNull(serializer, "serializer");
        this.topic = topic.name();
    }

    void send(String key, T record) {
        try {
            byte[] value = serializer.serialize(topic, record);
            producer.send(
                    new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value),
                    (metadata, failure) -> sent(failure));
        } catch (KafkaException e) {
            sent(e);
        }
    }

    /** Sends and waits until the record is delivered, at most for so long; false when it was not. */
    boolean sendAndWait(String key, T record, Duration timeout) {
        try {
            byte[] value = serializer.serialize(topic, record);
            producer.send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value))
                    .get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            sent(e);
            return false;
        }
    }

    private void sent(Exception failure) {
        if (failure == null) {
            failing.set(false);
        } else if (!failing.getAndSet(true)) {
            LOG.warn("records not delivered topic={} reason={}", topic, failure.getMessage());
        }
    }
}
