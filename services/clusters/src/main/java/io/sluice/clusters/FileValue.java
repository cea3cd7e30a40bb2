package io.sluice.clusters;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A value of a YAML or JSON file that knows where it stands. Not changed any more once the file is read. */
final class FileValue {
    /** What kind of value it is. */
    enum Kind {
        MAP,
        LIST,
        TEXT,
        NUMBER,
        BOOLEAN,
        NULL
    }

    /** A larger number is no number that anybody means. */
    private static final double MOST = 1e18;

    private final Kind kind;
    private final int line;
    private final String path;
    private final String text;
    private final Map<String, FileValue> entries = new LinkedHashMap<>();
    private final Map<String, Integer> keyLines = new LinkedHashMap<>();
    private final List<FileValue> items = new ArrayList<>();

    FileValue(Kind kind, int line, String path, String text) {
        this.kind = kind;
        this.line = line;
        this.path = path;
        this.text = text;
    }

    Kind kind() {
        return kind;
    }

    /** Line of its first character, from 1. */
    int line() {
        return line;
    }

    /** Where it is in the file, for example {@code nodes[3].memory}; empty for the whole file. */
    String path() {
        return path;
    }

    /** Path of an entry or item of this value. */
    String pathOf(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** As written; empty for maps and lists. */
    String text() {
        return text;
    }

    /** Entry {@code key}; null when there is none. */
    FileValue get(String key) {
        return entries.get(key);
    }

    boolean has(String key) {
        return entries.containsKey(key);
    }

    /** Line of a key of this map; its own line when there is no such key. */
    int lineOfKey(String key) {
        return keyLines.getOrDefault(key, line);
    }

    Map<String, FileValue> entries() {
        return Collections.unmodifiableMap(entries);
    }

    List<FileValue> items() {
        return Collections.unmodifiableList(items);
    }

    /** The number; only of {@link Kind#NUMBER}. */
    double number() {
        return new BigDecimal(text).doubleValue();
    }

    /** The whole number; only where the schema asked for an integer. */
    long whole() {
        return new BigDecimal(text).longValueExact();
    }

    boolean isTrue() {
        return kind == Kind.BOOLEAN && text.equalsIgnoreCase("true");
    }

    void put(String key, int keyLine, FileValue value) {
        entries.put(key, value);
        keyLines.put(key, keyLine);
    }

    void add(FileValue item) {
        items.add(item);
    }

    /** The same as JSON; a number beyond 1e18 as text, so that no schema lets it pass. */
    JsonNode json() {
        JsonNodeFactory make = JsonNodeFactory.instance;
        return switch (kind) {
            case MAP -> {
                ObjectNode map = make.objectNode();
                entries.forEach((key, value) -> map.set(key, value.json()));
                yield map;
            }
            case LIST -> {
                ArrayNode list = make.arrayNode();
                items.forEach(item -> list.add(item.json()));
                yield list;
            }
            case NUMBER -> {
                if (Math.abs(number()) > MOST) {
                    yield make.textNode(text);
                }
                yield text.matches("[-+]?[0-9]+") ? make.numberNode(Long.parseLong(text)) : make.numberNode(number());
            }
            case BOOLEAN -> make.booleanNode(isTrue());
            case NULL -> make.nullNode();
            case TEXT -> make.textNode(text);
        };
    }

    @Override
    public String toString() {
        return switch (kind) {
            case MAP -> "a mapping";
            case LIST -> "a list";
            case NULL -> "nothing";
            case TEXT, NUMBER, BOOLEAN -> "'" + (text.length() > 60 ? text.substring(0, 60) + "..." : text) + "'";
        };
    }
}
