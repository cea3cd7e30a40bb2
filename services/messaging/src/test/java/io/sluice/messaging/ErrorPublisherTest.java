package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class ErrorPublisherTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_795_000_000_000L);

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final AvroDeserializer<ErrorRecord> reader = new AvroDeserializer<>(registry, Topics.ERRORS);
    private final MockProducer<byte[], byte[]> producer =
            new MockProducer<>(true, null, new ByteArraySerializer(), new ByteArraySerializer());
    private final ErrorPublisher publisher = new ErrorPublisher(
            producer, new AvroSerializer<>(registry, Topics.ERRORS), "worker w1", InstantSource.fixed(NOW));

    @Test
    void shouldKeepOriginReasonAndMessageOfABadRecord() throws Exception {
        publisher
                .publish(
                        new ConsumerRecord<>("t", 2, 41, new byte[] {1}, new byte[] {2, 3}),
                        new RecordFormatException(ErrorReason.UNKNOWN_SCHEMA, "schema id 9 is not in the registry"))
                .get();

        ProducerRecord<byte[], byte[]> sent = producer.history().getFirst();
        assertThat(sent.topic()).isEqualTo(Topics.ERRORS.name());
        assertThat(new String(sent.key(), StandardCharsets.UTF_8)).isEqualTo("t-2-41");
        ErrorRecord error = reader.deserialize(sent.topic(), sent.value());
        assertThat(error.getReason()).isEqualTo(ErrorReason.UNKNOWN_SCHEMA);
        assertThat(error.getMessage()).isEqualTo("schema id 9 is not in the registry");
        assertThat(error.getService()).isEqualTo("worker w1");
        assertThat(error.getOriginTopic()).isEqualTo("t");
        assertThat(error.getOriginPartition()).isEqualTo(2);
        assertThat(error.getOriginOffset()).isEqualTo(41);
        assertThat(error.getOriginKey().array()).containsExactly(1);
        assertThat(error.getOriginValue().array()).containsExactly(2, 3);
        assertThat(error.getAtMs()).isEqualTo(NOW.toEpochMilli());
    }

    @Test
    void shouldBoundTheCopiesAndKeepTheFullSize() {
        byte[] key = filled(ErrorPublisher.KEY_BYTES_MAX + 1);
        byte[] value = filled(ErrorPublisher.VALUE_BYTES_MAX + 1);

        ErrorRecord error = ErrorPublisher.deadLetter(
                new ConsumerRecord<>("t", 0, 0, key, value),
                ErrorReason.MALFORMED_RECORD,
                "x".repeat(ErrorPublisher.MESSAGE_CHARS_MAX + 1),
                "router",
                1);

        assertThat(error.getOriginKey().remaining()).isEqualTo(ErrorPublisher.KEY_BYTES_MAX);
        assertThat(error.getOriginValue().remaining()).isEqualTo(ErrorPublisher.VALUE_BYTES_MAX);
        assertThat(error.getOriginValueBytes()).isEqualTo(value.length);
        assertThat(error.getMessage()).hasSize(ErrorPublisher.MESSAGE_CHARS_MAX);
    }

    @Test
    void shouldAcceptRecordsWithoutKeyOrValue() {
        ErrorRecord error = ErrorPublisher.deadLetter(
                new ConsumerRecord<>("t", 0, 3, null, null), ErrorReason.MALFORMED_RECORD, null, "router", 1);

        assertThat(error.getOriginKey()).isNull();
        assertThat(error.getOriginValue()).isNull();
        assertThat(error.getOriginValueBytes()).isZero();
        assertThat(error.getMessage()).isNotBlank();
    }

    @Test
    void shouldKeyARefusalByItsRequest() {
        publisher.publish("req-1", ErrorReason.QUEUE_FULL, "queue holds 64 requests; try again later");

        ProducerRecord<byte[], byte[]> sent = producer.history().getFirst();
        assertThat(new String(sent.key(), StandardCharsets.UTF_8)).isEqualTo("req-1");
        ErrorRecord error = reader.deserialize(sent.topic(), sent.value());
        assertThat(error.getRequestId()).isEqualTo("req-1");
        assertThat(error.getOriginTopic()).isNull();
        assertThat(error.getOriginPartition()).isEqualTo(-1);
        assertThat(error.getOriginOffset()).isEqualTo(-1);
    }

    private static byte[] filled(int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 'a');
        return bytes;
    }
}
