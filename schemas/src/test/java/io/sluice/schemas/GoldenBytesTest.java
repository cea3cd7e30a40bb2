package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of a fixed record of every type are committed. A wanted change of a schema rewrites them with {@code
 * -Dgolden.update=true}; the diff then shows what moved on the wire.
 */
class GoldenBytesTest {
    private static final String PROPERTY = "golden.update";
    private static final int HEX_PER_LINE = 64;

    static List<SpecificRecord> records() {
        return SampleRecords.all();
    }

    @Test
    void shouldHaveASampleOfEveryTopicsRecord() {
        assertThat(SampleRecords.all())
                .extracting(SpecificRecord::getClass)
                .containsExactlyInAnyOrderElementsOf(
                        Fixtures.topics().stream().map(TopicSpec::type).collect(Collectors.toList()));
    }

    @ParameterizedTest
    @MethodSource("records")
    void shouldSetEveryFieldToMoreThanItsDefault(SpecificRecord record) {
        for (Schema.Field field : record.getSchema().getFields()) {
            if (field.hasDefaultValue()) {
                assertThat(record.get(field.pos()))
                        .as(field.name())
                        .isNotEqualTo(SpecificData.get().getDefaultValue(field));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("records")
    <T extends SpecificRecord> void shouldKeepBytesAndReadThemBack(T record) throws IOException {
        SchemaRegistry registry = SchemaRegistry.inMemory();
        TopicSpec<T> topic = Fixtures.topicOf(record);
        byte[] value = new AvroSerializer<>(registry, topic).serialize(topic.name(), record);
        String hex = HexFormat.of().formatHex(value, AvroSerializer.HEADER_BYTES, value.length);

        String committed = Fixtures.committed("golden", topic.type().getSimpleName() + ".hex", PROPERTY, lines(hex));

        assertThat(lines(hex)).isEqualTo(committed);
        assertThat(hex).isEqualTo(HexFormat.of().formatHex(avroOwnEncoding(record)));
        byte[] golden = HexFormat.of().parseHex(committed.replace("\n", ""));
        byte[] wire = Arrays.copyOf(value, AvroSerializer.HEADER_BYTES + golden.length);
        System.arraycopy(golden, 0, wire, AvroSerializer.HEADER_BYTES, golden.length);
        assertThat(new AvroDeserializer<>(registry, topic).deserialize(topic.name(), wire))
                .isEqualTo(record);
    }

    @ParameterizedTest
    @MethodSource("records")
    void shouldKeepTheJsonView(SpecificRecord record) throws IOException {
        String json = new ObjectMapper()
                        .writerWithDefaultPrettyPrinter()
                        .writeValueAsString(RecordJson.toTree(record))
                        .replace("\r\n", "\n")
                + "\n";

        assertThat(json)
                .isEqualTo(Fixtures.committed("golden", record.getClass().getSimpleName() + ".json", PROPERTY, json));
    }

    /** Avro's buffered encoder without our buffer and without custom coders. */
    private static <T extends SpecificRecord> byte[] avroOwnEncoding(T record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new SpecificDatumWriter<T>(record.getSchema()).write(record, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    private static String lines(String hex) {
        return hex.replaceAll("(.{1," + HEX_PER_LINE + "})", "$1\n");
    }
}
