package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.Incompatibility;
import org.apache.avro.SchemaFormatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every schema can read what its released version wrote (BACKWARD). A release rewrites the released versions with
 * {@code -Dreleased.update=true}; nothing else does.
 */
class SchemaCompatibilityTest {
    static List<TopicSpec<?>> topics() {
        return Fixtures.topics();
    }

    @ParameterizedTest
    @MethodSource("topics")
    void shouldReadWhatTheReleasedVersionWrote(TopicSpec<?> topic) throws IOException {
        Schema current = PortableSchema.of(topic.schema());
        Schema released = new Schema.Parser()
                .parse(Fixtures.committed(
                        "released",
                        topic.type().getSimpleName() + ".avsc",
                        "released.update",
                        SchemaFormatter.format("json/pretty", current) + "\n"));

        assertThat(incompatibilities(current, released))
                .as("changes of %s that break readers; give new fields defaults, keep names and types", topic.name())
                .isEmpty();
    }

    @Test
    void shouldNoticeANewFieldWithoutDefault() {
        Schema released = schema("{'name':'a','type':'int'}");

        assertThat(incompatibilities(schema("{'name':'a','type':'int'},{'name':'b','type':'int'}"), released))
                .singleElement()
                .asString()
                .contains("READER_FIELD_MISSING_DEFAULT_VALUE", "b");
    }

    @Test
    void shouldNoticeANarrowedTypeAndALostEnumSymbol() {
        String kind = "{'name':'k','type':{'type':'enum','name':'K','symbols':[%s]}}";

        assertThat(incompatibilities(schema("{'name':'a','type':'int'}"), schema("{'name':'a','type':'long'}")))
                .singleElement()
                .asString()
                .contains("TYPE_MISMATCH");
        assertThat(incompatibilities(schema(kind.formatted("'X'")), schema(kind.formatted("'X','Y'"))))
                .singleElement()
                .asString()
                .contains("MISSING_ENUM_SYMBOLS", "Y");
    }

    @Test
    void shouldAllowANewFieldWithDefaultAndADroppedField() {
        Schema released = schema("{'name':'a','type':'int'}");

        assertThat(incompatibilities(schema("{'name':'b','type':'int','default':0}"), released))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("topics")
    void shouldHoldNoJavaOnlyMarksInTheRegistry(TopicSpec<?> topic) {
        Schema portable = PortableSchema.of(topic.schema());

        assertThat(topic.schema().toString()).contains("avro.java.string");
        assertThat(portable.toString()).doesNotContain("avro.java.string");
        assertThat(portable.getFullName()).isEqualTo(topic.schema().getFullName());
    }

    private static List<String> incompatibilities(Schema reader, Schema writer) {
        return SchemaCompatibility.checkReaderWriterCompatibility(reader, writer)
                .getResult()
                .getIncompatibilities()
                .stream()
                .map(SchemaCompatibilityTest::describe)
                .collect(Collectors.toList());
    }

    private static String describe(Incompatibility change) {
        return change.getType() + " at " + change.getLocation() + ": " + change.getMessage();
    }

    private static Schema schema(String fields) {
        return new Schema.Parser()
                .parse("{'type':'record','name':'R','fields':[%s]}"
                        .formatted(fields)
                        .replace('\'', '"'));
    }
}
