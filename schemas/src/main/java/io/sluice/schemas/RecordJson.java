package io.sluice.schemas;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificRecord;

/**
 * Plain JSON of a record, for people and programs: field names of the schema in its order, enums as their symbols,
 * bytes as base64, unions as their bare value, NaN and infinities as strings. Not Avro's own JSON encoding, which wraps
 * unions. Thread-safe.
 */
public final class RecordJson {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private RecordJson() {}

    /** The record as a tree. */
    public static ObjectNode toTree(SpecificRecord record) {
        return object(record);
    }

    /** The record on one line. */
    public static String toJson(SpecificRecord record) {
        return object(record).toString();
    }

    private static ObjectNode object(IndexedRecord record) {
        ObjectNode node = JSON.objectNode();
        for (Schema.Field field : record.getSchema().getFields()) {
            node.set(field.name(), value(record.get(field.pos())));
        }
        return node;
    }

    private static JsonNode value(Object value) {
        return switch (value) {
            case null -> JSON.nullNode();
            case IndexedRecord record -> object(record);
            case Collection<?> items -> {
                ArrayNode array = JSON.arrayNode(items.size());
                items.forEach(item -> array.add(value(item)));
                yield array;
            }
            case Map<?, ?> map -> {
                ObjectNode node = JSON.objectNode();
                map.forEach((key, item) -> node.set(key.toString(), value(item)));
                yield node;
            }
            case ByteBuffer bytes -> {
                byte[] copy = new byte[bytes.remaining()];
                bytes.duplicate().get(copy);
                yield JSON.binaryNode(copy);
            }
            case Boolean flag -> JSON.booleanNode(flag);
            case Integer number -> JSON.numberNode(number);
            case Long number -> JSON.numberNode(number);
            case Float number -> Float.isFinite(number) ? JSON.numberNode(number) : JSON.textNode(number.toString());
            case Double number -> Double.isFinite(number) ? JSON.numberNode(number) : JSON.textNode(number.toString());
            default -> JSON.textNode(value.toString());
        };
    }
}
