package io.sluice.messaging;

import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Builds and sends dead letters and refusals. Copies of a bad record are bounded: {@value #KEY_BYTES_MAX} bytes of the
 * key, {@value #VALUE_BYTES_MAX} of the value, {@value #MESSAGE_CHARS_MAX} characters of the message. Thread-safe.
 */
public final class ErrorPublisher {
    /** Bytes kept of a refused record's key. */
    public static final int KEY_BYTES_MAX = 1 << 10;
    /** Bytes kept of a refused record's value. */
    public static final int VALUE_BYTES_MAX = 256 << 10;
    /** Characters kept of a message. */
    public static final int MESSAGE_CHARS_MAX = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(ErrorPublisher.class);

    private final Producer<byte[], byte[]> producer;
    private final AvroSerializer<ErrorRecord> serializer;
    private final String service;
    private final InstantSource clock;

    /**
     * @param producer not closed by this class
     * @param service name of the refusing service, for example {@code worker w1}
     */
    public ErrorPublisher(
            Producer<byte[], byte[]> producer,
            AvroSerializer<ErrorRecord> serializer,
            String service,
            InstantSource clock) {
        this.producer = Objects.requireNonNull(producer, "producer");
        this.serializer = Objects.requireNonNull(serializer, "serializer");
        this.service = Objects.requireNonNull(service, "service");
        this.clock = Objects.requireNonNull(clock, "clock");
    }

    /** Sends the dead letter of a record that could not be read. */
    public Future<RecordMetadata> publish(ConsumerRecord<byte[], byte[]> origin, RecordFormatException cause) {
        return publish(origin, cause.reason(), cause.getMessage());
    }

    /** Sends the dead letter of a record that could not be used. */
    public Future<RecordMetadata> publish(ConsumerRecord<byte[], byte[]> origin, ErrorReason reason, String message) {
        return send(deadLetter(origin, reason, message, service, clock.millis()));
    }

    /** Sends the refusal of a request. */
    public Future<RecordMetadata> publish(String requestId, ErrorReason reason, String message) {
        return send(refusal(requestId, reason, message, service, clock.millis()));
    }

    /**
     * The dead letter of a record, for those who send it themselves.
     *
     * @param atMillis when it was refused, milliseconds since the Unix epoch
     */
    public static ErrorRecord deadLetter(
            ConsumerRecord<byte[], byte[]> origin, ErrorReason reason, String message, String service, long atMillis) {
        return ErrorRecord.newBuilder()
                .setReason(reason)
                .setMessage(bounded(message))
                .setService(service)
                .setOriginTopic(origin.topic())
                .setOriginPartition(origin.partition())
                .setOriginOffset(origin.offset())
                .setOriginKey(bounded(origin.key(), KEY_BYTES_MAX))
                .setOriginValue(bounded(origin.value(), VALUE_BYTES_MAX))
                .setOriginValueBytes(origin.value() == null ? 0 : origin.value().length)
                .setAtMs(atMillis)
                .build();
    }

    /** The refusal of a request whose id is known, for those who send it themselves. */
    public static ErrorRecord refusal(
            String requestId, ErrorReason reason, String message, String service, long atMillis) {
        return ErrorRecord.newBuilder()
                .setRequestId(Objects.requireNonNull(requestId, "requestId"))
                .setReason(reason)
                .setMessage(bounded(message))
                .setService(service)
                .setAtMs(atMillis)
                .build();
    }

    /** The key of an error: the request id where known, else {@code topic-partition-offset} of the refused record. */
    public static String key(ErrorRecord error) {
        return error.getRequestId() != null
                ? error.getRequestId()
                : error.getOriginTopic() + "-" + error.getOriginPartition() + "-" + error.getOriginOffset();
    }

    private Future<RecordMetadata> send(ErrorRecord error) {
        String topic = Topics.ERRORS.name();
        String key = key(error);
        if (error.getOriginTopic() != null) {
            LOG.warn("dead letter key={} reason={} message={}", key, error.getReason(), error.getMessage());
        } else {
            LOG.debug("refused key={} reason={} message={}", key, error.getReason(), error.getMessage());
        }
        CompletableFuture<RecordMetadata> sent = new CompletableFuture<>();
        producer.send(
                new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), serializer.serialize(topic, error)),
                (metadata, failure) -> {
                    if (failure == null) {
                        sent.complete(metadata);
                    } else {
                        LOG.error("error record not sent key={} reason={}", key, error.getReason(), failure);
                        sent.completeExceptionally(failure);
                    }
                });
        return sent;
    }

    private static ByteBuffer bounded(byte[] bytes, int max) {
        return bytes == null ? null : ByteBuffer.wrap(bytes.length <= max ? bytes : Arrays.copyOf(bytes, max));
    }

    private static String bounded(String message) {
        String text = message == null ? "no message" : message;
        return text.length() <= MESSAGE_CHARS_MAX ? text : text.substring(0, MESSAGE_CHARS_MAX);
    }
}
