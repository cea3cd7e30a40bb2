package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

/** Every type and field says what it is; every number says its unit, or that it has none ("No unit"). */
class SchemaDocumentationTest {
    @Test
    void shouldDocumentEveryTypeAndField() {
        List<String> undocumented = new ArrayList<>();
        namedTypes().values().forEach(type -> {
            if (blank(type.getDoc())) {
                undocumented.add(type.getName());
            }
            for (Schema.Field field : fields(type)) {
                if (blank(field.doc())) {
                    undocumented.add(type.getName() + "." + field.name());
                }
            }
        });

        assertThat(namedTypes()).hasSizeGreaterThan(Fixtures.topics().size());
        assertThat(undocumented).isEmpty();
    }

    @Test
    void shouldGiveEveryNumberAUnit() {
        List<String> unitless = new ArrayList<>();
        namedTypes().values().forEach(type -> {
            for (Schema.Field field : fields(type)) {
                if (numeric(field.schema()) && !namesUnit(field.doc())) {
                    unitless.add(type.getName() + "." + field.name() + ": " + field.doc());
                }
            }
        });

        assertThat(unitless).isEmpty();
    }

    @Test
    void shouldNameTopicAndKeyInEveryTopicsSchema() {
        for (TopicSpec<?> topic : Fixtures.topics()) {
            String name = Topics.isActivations(topic.name()) ? "sluice.activations.<worker>.v1" : topic.name();
            assertThat(topic.schema().getDoc()).contains("Topic " + name + ", key: " + topic.keyMeaning());
        }
    }

    @Test
    void shouldGiveEveryEnumADefaultSoThatOldReadersSurviveNewSymbols() {
        assertThat(namedTypes().values().stream().filter(type -> type.getType() == Schema.Type.ENUM))
                .isNotEmpty()
                .allSatisfy(type ->
                        assertThat(type.getEnumDefault()).as(type.getName()).isNotNull());
    }

    private static boolean namesUnit(String doc) {
        return doc.contains("Unit: ") || doc.contains("No unit");
    }

    private static boolean blank(String doc) {
        return doc == null || doc.isBlank();
    }

    private static List<Schema.Field> fields(Schema type) {
        return type.getType() == Schema.Type.RECORD ? type.getFields() : List.of();
    }

    private static boolean numeric(Schema schema) {
        return switch (schema.getType()) {
            case INT, LONG, FLOAT, DOUBLE -> true;
            case UNION -> schema.getTypes().stream().anyMatch(SchemaDocumentationTest::numeric);
            case ARRAY -> numeric(schema.getElementType());
            default -> false;
        };
    }

    private static Map<String, Schema> namedTypes() {
        Map<String, Schema> found = new LinkedHashMap<>();
        Fixtures.topics().forEach(topic -> collect(topic.schema(), found));
        return found;
    }

    private static void collect(Schema schema, Map<String, Schema> found) {
        switch (schema.getType()) {
            case UNION -> schema.getTypes().forEach(member -> collect(member, found));
            case ARRAY -> collect(schema.getElementType(), found);
            case ENUM -> found.put(schema.getFullName(), schema);
            case RECORD -> {
                if (found.put(schema.getFullName(), schema) == null) {
                    schema.getFields().forEach(field -> collect(field.schema(), found));
                }
            }
            default -> {}
        }
    }
}
