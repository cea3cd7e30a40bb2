package io.sluice.schemas;

import io.sluice.records.ErrorReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Reads records in Confluent's wire format, resolving the writer's schema to the compiled one. {@code bytes} fields
 * come back as heap {@link ByteBuffer}s of their own. Thread-safe; null bytes are a tombstone and give null.
 */
public final class AvroDeserializer<T extends SpecificRecord> implements Deserializer<T> {
    private static final byte[] NOTHING = {};

    private final SchemaRegistry registry;
    private final Schema compiled;
    private final String typeName;
    private final SpecificData data;
    private final Map<Integer, SpecificDatumReader<T>> readers = new ConcurrentHashMap<>();
    private final ThreadLocal<BinaryDecoder> decoders = new ThreadLocal<>();

    public AvroDeserializer(SchemaRegistry registry, TopicSpec<T> topic) {
        this.registry = Objects.requireNonNull(registry, "registry");
        this.compiled = topic.schema();
        this.typeName = topic.type().getSimpleName();
        this.data = AvroSerializer.customCoders(topic.type());
    }

    /**
     * @throws RecordFormatException when the bytes are not such a record: the record is bad, not the reader
     * @throws RegistryUnavailableException when the registry does not answer: nothing is known about the record
     */
    @Override
    public T deserialize(String topic, byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        if (bytes.length < AvroSerializer.HEADER_BYTES) {
            throw malformed(
                    topic,
                    "value has " + bytes.length + " bytes, fewer than the " + AvroSerializer.HEADER_BYTES
                            + " of magic byte and schema id",
                    null);
        }
        if (bytes[0] != AvroSerializer.MAGIC) {
            throw malformed(
                    topic,
                    "first byte is " + (bytes[0] & 0xff) + " instead of 0, so the value is not in"
                            + " Confluent's wire format; produce it with a schema-registry serializer",
                    null);
        }
        int id = ByteBuffer.wrap(bytes, 1, Integer.BYTES).getInt();
        SpecificDatumReader<T> reader = readers.get(id);
        if (reader == null) {
            reader = readerFor(topic, id);
        }
        return decode(topic, bytes, id, reader);
    }

    private T decode(String topic, byte[] bytes, int id, SpecificDatumReader<T> reader) {
        BinaryDecoder decoder = DecoderFactory.get()
                .binaryDecoder(
                        bytes, AvroSerializer.HEADER_BYTES, bytes.length - AvroSerializer.HEADER_BYTES, decoders.get());
        decoders.set(decoder);
        T record;
        try {
            record = reader.read(null, decoder);
            if (!decoder.isEnd()) {
                throw malformed(topic, "bytes are left over after the record of schema id " + id, null);
            }
        } catch (IOException
                | AvroRuntimeException
                | IndexOutOfBoundsException
                | NegativeArraySizeException
                | UnsupportedOperationException e) {
            throw malformed(
                    topic,
                    "the " + bytes.length + " bytes do not hold a record of schema id " + id + " ("
                            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()) + ")",
                    e);
        } finally {
            // The decoder must not keep the value alive until this thread's next record.
            DecoderFactory.get().binaryDecoder(NOTHING, decoder);
        }
        return record;
    }

    private SpecificDatumReader<T> readerFor(String topic, int id) {
        Schema written;
        try {
            written = registry.byId(id);
        } catch (UnknownSchemaException e) {
            throw new RecordFormatException(
                    ErrorReason.UNKNOWN_SCHEMA, typeName + " on " + topic + ": " + e.getMessage(), e);
        }
        if (written.getType() != Schema.Type.RECORD || !written.getFullName().equals(compiled.getFullName())) {
            throw malformed(
                    topic,
                    "schema id " + id + " is " + written.getFullName() + "; expected " + compiled.getFullName(),
                    null);
        }
        SpecificDatumReader<T> reader = new SpecificDatumReader<>(written, compiled, data);
        readers.putIfAbsent(id, reader);
        return readers.get(id);
    }

    private RecordFormatException malformed(String topic, String what, Throwable cause) {
        return new RecordFormatException(ErrorReason.MALFORMED_RECORD, typeName + " on " + topic + ": " + what, cause);
    }
}
