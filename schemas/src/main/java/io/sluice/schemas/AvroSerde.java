package io.sluice.schemas;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** {@link AvroSerializer} and {@link AvroDeserializer} of one topic, for Kafka Streams. Thread-safe. */
public final class AvroSerde<T extends SpecificRecord> implements Serde<T> {
    private final AvroSerializer<T> serializer;
    private final AvroDeserializer<T> deserializer;

    /** Registers the schema; errors as {@link AvroSerializer#AvroSerializer}. */
    public AvroSerde(SchemaRegistry registry, TopicSpec<T> topic) {
        this.serializer = new AvroSerializer<>(registry, topic);
        this.deserializer = new AvroDeserializer<>(registry, topic);
    }

    @Override
    public Serializer<T> serializer() {
        return serializer;
    }

    @Override
    public Deserializer<T> deserializer() {
        return deserializer;
    }
}
