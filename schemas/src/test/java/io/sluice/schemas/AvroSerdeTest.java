package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ErrorReason;
import io.sluice.records.Token;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;

class AvroSerdeTest {
    private static final String TOPIC = Topics.TOKENS.name();
    private static final TopicSpec<ActivationBatch> ACTIVATIONS = Topics.activations(new WorkerId("w1"));

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final AvroSerializer<Token> serializer = new AvroSerializer<>(registry, Topics.TOKENS);
    private final AvroDeserializer<Token> deserializer = new AvroDeserializer<>(registry, Topics.TOKENS);

    @Test
    void shouldStartWithZeroAndTheBigEndianId() {
        byte[] value = serializer.serialize(TOPIC, SampleRecords.token());

        assertThat(value[0]).isZero();
        assertThat(ByteBuffer.wrap(value, 1, 4).getInt()).isEqualTo(serializer.schemaId());
        assertThat(registry.byId(serializer.schemaId()).getFullName()).isEqualTo("io.sluice.records.Token");
    }

    @Test
    void shouldKeepTombstones() {
        assertThat(serializer.serialize(TOPIC, null)).isNull();
        assertThat(deserializer.deserialize(TOPIC, null)).isNull();
    }

    @Test
    void shouldCarryPayloadsOfAnySizeAndPosition() {
        AvroSerde<ActivationBatch> serde = new AvroSerde<>(registry, ACTIVATIONS);
        SplittableRandom random = new SplittableRandom(7);
        for (int size : new int[] {0, 1, 2047, 2048, 2049, 16 << 10, 1 << 20}) {
            byte[] around = new byte[size + 5];
            random.nextBytes(around);
            ByteBuffer slice = ByteBuffer.wrap(around, 3, size);
            for (ByteBuffer payload : List.of(slice, slice.slice(), direct(slice))) {
                ActivationBatch batch = SampleRecords.activations(new byte[0]);
                batch.getChunks().getFirst().setPayload(payload);

                byte[] value = serde.serializer().serialize(ACTIVATIONS.name(), batch);
                ActivationBatch read = serde.deserializer().deserialize(ACTIVATIONS.name(), value);

                ByteBuffer got = read.getChunks().getFirst().getPayload();
                assertThat(got.remaining()).isEqualTo(size);
                assertThat(got).isEqualTo(slice);
                assertThat(payload.remaining())
                        .as("the record is left as it was")
                        .isEqualTo(size);
            }
        }
    }

    @Test
    void shouldWriteTheSameBytesFromManyThreads() {
        byte[] expected = serializer.serialize(TOPIC, SampleRecords.token());

        assertThat(IntStream.range(0, 2_000).parallel().mapToObj(i -> {
                    byte[] value = serializer.serialize(TOPIC, SampleRecords.token());
                    return Arrays.equals(value, expected)
                            && deserializer.deserialize(TOPIC, value).equals(SampleRecords.token());
                }))
                .doesNotContain(false);
    }

    @Test
    void shouldNameTheRecordTypeWhenAFieldIsMissingAndGoOn() {
        assertThatThrownBy(() -> serializer.serialize(TOPIC, new Token()))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining("Token")
                .hasMessageContaining("newBuilder");
        byte[] next = serializer.serialize(TOPIC, SampleRecords.token());
        assertThat(deserializer.deserialize(TOPIC, next)).isEqualTo(SampleRecords.token());
    }

    @Test
    void shouldRefuseValuesThatAreNotInTheWireFormat() {
        assertMalformed("{\"request_id\":\"a\"}".getBytes(), "first byte is 123");
        assertMalformed(new byte[0], "0 bytes");
        assertMalformed(new byte[] {0, 0, 0, 0}, "4 bytes");
    }

    @Test
    void shouldRefuseAnUnknownSchemaIdByThatReason() {
        assertThatThrownBy(() -> deserializer.deserialize(TOPIC, new byte[] {0, 0, 0, 3, 9, 1, 2}))
                .isInstanceOfSatisfying(RecordFormatException.class, e -> {
                    assertThat(e.reason()).isEqualTo(ErrorReason.UNKNOWN_SCHEMA);
                    assertThat(e).hasMessageContaining("schema id 777").hasMessageContaining(TOPIC);
                });
    }

    @Test
    void shouldRefuseAnotherTopicsRecord() {
        byte[] session = new AvroSerializer<>(registry, Topics.SESSIONS)
                .serialize(Topics.SESSIONS.name(), SampleRecords.session());

        assertMalformed(session, "is io.sluice.records.Session; expected io.sluice.records.Token");
    }

    @Test
    void shouldRefuseEveryTruncationAndTrailingBytes() {
        byte[] value = serializer.serialize(TOPIC, SampleRecords.token());

        for (int length = 0; length < value.length; length++) {
            assertMalformed(Arrays.copyOf(value, length), "");
        }
        assertMalformed(Arrays.copyOf(value, value.length + 1), "left over");
    }

    @Test
    void shouldAnswerGarbageWithARecordFormatExceptionAndNothingElse() {
        AvroSerde<ActivationBatch> serde = new AvroSerde<>(registry, ACTIVATIONS);
        byte[] valid = serde.serializer().serialize(ACTIVATIONS.name(), SampleRecords.activations(new byte[64]));
        SplittableRandom random = new SplittableRandom(11);
        int refused = 0;
        for (int round = 0; round < 5_000; round++) {
            byte[] bytes = valid.clone();
            int broken = 1 + random.nextInt(8);
            for (int i = 0; i < broken; i++) {
                bytes[5 + random.nextInt(bytes.length - 5)] = (byte) random.nextInt(256);
            }
            Throwable thrown = catchThrowable(() -> serde.deserializer().deserialize(ACTIVATIONS.name(), bytes));
            if (thrown != null) {
                assertThat(thrown).isInstanceOf(RecordFormatException.class);
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1_000);
    }

    @Test
    void shouldNotAllocateWhatACorruptLengthClaims() {
        byte[] value = new byte[20];
        ByteBuffer.wrap(value).put((byte) 0).putInt(serializer.schemaId());
        // Zig-zag varint of Integer.MAX_VALUE - 8 as the length of request_id.
        byte[] length = {(byte) 0xee, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x0f};
        System.arraycopy(length, 0, value, 5, length.length);

        assertMalformed(value, "");
    }

    @Test
    void shouldReadRecordsOfAnOlderSchemaWithDefaults() throws IOException {
        Schema older = without(Topics.TOKENS.schema(), "hops", "finish_reason");
        int id = registry.register(Topics.TOKENS.subject() + "-old", older);
        GenericData.Record record = new GenericData.Record(older);
        record.put("request_id", "r");
        record.put("attempt", 1);
        record.put("index", 0);
        record.put("token_id", 5);
        record.put("text", "x");
        record.put("worker", "w");
        record.put("emitted_ms", 9L);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(ByteBuffer.allocate(5).put((byte) 0).putInt(id).array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericData.Record>(older).write(record, encoder);
        encoder.flush();

        assertThat(deserializer.deserialize(TOPIC, out.toByteArray()))
                .isEqualTo(new Token("r", 1, 0, 5, "x", null, "w", 9L, List.of()));
    }

    private void assertMalformed(byte[] value, String message) {
        assertThatThrownBy(() -> deserializer.deserialize(TOPIC, value))
                .isInstanceOfSatisfying(RecordFormatException.class, e -> {
                    assertThat(e.reason()).isEqualTo(ErrorReason.MALFORMED_RECORD);
                    assertThat(e).hasMessageContaining(message).hasMessageContaining(TOPIC);
                });
    }

    private static ByteBuffer direct(ByteBuffer source) {
        return ByteBuffer.allocateDirect(source.remaining())
                .put(source.duplicate())
                .flip();
    }

    private static Schema without(Schema schema, String... names) {
        List<Schema.Field> kept = schema.getFields().stream()
                .filter(field -> !List.of(names).contains(field.name()))
                .map(field -> new Schema.Field(field, field.schema()))
                .toList();
        return Schema.createRecord(schema.getName(), schema.getDoc(), schema.getNamespace(), false, kept);
    }
}
