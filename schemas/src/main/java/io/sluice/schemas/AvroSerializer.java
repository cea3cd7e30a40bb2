package io.sluice.schemas;

import java.io.IOException;
import java.util.Objects;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Writes records in Confluent's wire format: zero byte, schema id as four big-endian bytes, Avro binary. Registers the
 * schema when constructed. Copies each large {@code bytes} field exactly once. Thread-safe; a null record is a
 * tombstone and stays null.
 */
public final class AvroSerializer<T extends SpecificRecord> implements Serializer<T> {
    /** First byte of every value. */
    static final byte MAGIC = 0;
    /** Bytes before the Avro data. */
    static final int HEADER_BYTES = 5;

    private final String typeName;
    private final int schemaId;
    private final SpecificDatumWriter<T> writer;
    private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

    /**
     * @throws IncompatibleSchemaException when the subject holds a schema this one cannot read
     * @throws RegistryUnavailableException when the registry does not answer
     */
    public AvroSerializer(SchemaRegistry registry, TopicSpec<T> topic) {
        Objects.requireNonNull(registry, "registry");
        this.typeName = topic.type().getSimpleName();
        SpecificData data = customCoders(topic.type());
        this.writer = new SpecificDatumWriter<>(topic.schema(), data);
        this.schemaId = registry.register(topic.subject(), topic.schema());
    }

    /** The id in front of every value this serializer writes. */
    public int schemaId() {
        return schemaId;
    }

    /** @throws SerializationException when a field that must not be null is null; names the record type */
    @Override
    public byte[] serialize(String topic, T record) {
        if (record == null) {
            return null;
        }
        Scratch own = scratch.get();
        try {
            own.buffer.write(MAGIC);
            own.buffer.writeInt(schemaId);
            own.encoder = EncoderFactory.get().directBinaryEncoder(own.buffer, own.encoder);
            writer.write(record, own.encoder);
            own.encoder.flush();
            return own.buffer.toByteArray();
        } catch (IOException | AvroRuntimeException | ClassCastException | NullPointerException e) {
            throw new SerializationException(
                    "cannot write " + typeName + " to " + topic + ": " + e.getMessage() + "; build records with "
                            + typeName + ".newBuilder(), which checks every field",
                    e);
        } finally {
            own.buffer.reset();
        }
    }

    static SpecificData customCoders(Class<?> type) {
        AvroTrust.ensure();
        SpecificData data = new SpecificData(type.getClassLoader());
        data.setCustomCoders(true);
        return data;
    }

    private static final class Scratch {
        final GatherBuffer buffer = new GatherBuffer();
        BinaryEncoder encoder;
    }
}
