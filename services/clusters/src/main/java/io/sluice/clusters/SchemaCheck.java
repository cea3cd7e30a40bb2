package io.sluice.clusters;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.path.NodePath;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks a file against a JSON Schema (draft 2020-12) and says what is wrong in the schema's own words: the
 * {@code title} of a definition says what a value should be, its first {@code examples} how to write it. Thread-safe.
 */
final class SchemaCheck {
    private static final int MOST_NAMES = 16;

    private final String text;
    private final JsonNode tree;
    private final Schema schema;

    private SchemaCheck(String text, JsonNode tree) {
        this.text = text;
        this.tree = tree;
        this.schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(tree);
    }

    /** The schema in that resource of this package. */
    static SchemaCheck ofResource(String name) {
        try (InputStream in = SchemaCheck.class.getResourceAsStream(name)) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return new SchemaCheck(text, new ObjectMapper().readTree(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The schema itself. */
    String text() {
        return text;
    }

    /** Adds what is wrong with {@code file} to {@code problems}. */
    void check(FileValue file, Problems problems) {
        for (Error error : schema.validate(file.json())) {
            FileValue where = at(file, error.getInstanceLocation());
            describe(error, where, problems);
        }
    }

    private void describe(Error error, FileValue where, Problems problems) {
        JsonNode rule = rule(error);
        switch (error.getKeyword()) {
            case "additionalProperties", "unevaluatedProperties" -> unknownKey(error.getProperty(), where, problems);
            case "required" ->
                problems.add(
                        where, "needs the key '" + error.getProperty() + "'" + exampleOf(rule, error.getProperty()));
            case "minItems" -> problems.add(where, "needs at least " + rule.path("minItems") + " entries");
            case "maxItems" -> problems.add(where, "must have at most " + rule.path("maxItems") + " entries");
            case "minProperties" -> problems.add(where, "needs at least one entry");
            case "maxProperties" -> problems.add(where, "must have at most " + rule.path("maxProperties") + " entries");
            default -> problems.add(where, wrongValue(where, rule));
        }
    }

    private static String wrongValue(FileValue where, JsonNode rule) {
        String should = rule.path("title").asText("");
        if (should.isEmpty()) {
            should = "of the right type (" + rule.path("type") + ")";
        }
        JsonNode example = rule.path("examples").path(0);
        return where + " is not " + should
                + (example.isMissingNode()
                        ? ""
                        : "; write for example " + (example.isTextual() ? example.asText() : example));
    }

    private static String exampleOf(JsonNode rule, String key) {
        String title = rule.path("properties").path(key).path("description").asText("");
        return title.isEmpty() ? "" : ": " + title;
    }

    private void unknownKey(String key, FileValue where, Problems problems) {
        List<String> known = new ArrayList<>();
        FileValue parent = where;
        schemaKeys(parent, known);
        String nearest = nearest(key, known);
        problems.add(
                where.lineOfKey(key),
                where.path(),
                "unknown key '" + key + "'" + (nearest.isEmpty() ? "" : "; did you mean '" + nearest + "'?")
                        + (nearest.isEmpty() && !known.isEmpty()
                                ? "; known here: "
                                        + String.join(", ", known.subList(0, Math.min(MOST_NAMES, known.size())))
                                : ""));
    }

    /** Keys the schema allows where {@code where} stands. */
    private void schemaKeys(FileValue where, List<String> known) {
        JsonNode at = tree;
        for (String step : steps(where.path())) {
            at = resolve(at);
            if (step.startsWith("[")) {
                at = at.path("items");
            } else {
                JsonNode property = at.path("properties").path(step);
                at = property.isMissingNode() ? at.path("additionalProperties") : property;
            }
        }
        resolve(at).path("properties").fieldNames().forEachRemaining(known::add);
    }

    private JsonNode resolve(JsonNode at) {
        JsonNode here = at;
        while (here.has("$ref")) {
            here = tree.at(here.get("$ref").asText().substring(1));
        }
        return here;
    }

    private static List<String> steps(String path) {
        List<String> steps = new ArrayList<>();
        for (String part : path.split("\\.(?![^\\[]*\\])")) {
            int bracket = part.indexOf('[');
            String name = bracket < 0 ? part : part.substring(0, bracket);
            if (!name.isEmpty()) {
                steps.add(name);
            }
            for (int i = bracket; i >= 0; i = part.indexOf('[', i + 1)) {
                steps.add("[]");
            }
        }
        return steps;
    }

    /** The part of the schema that was broken, without the keyword itself. */
    private JsonNode rule(Error error) {
        NodePath path = error.getSchemaLocation().getFragment();
        JsonNode at = tree;
        for (int i = 0; i < path.getNameCount() - 1; i++) {
            Object step = path.getElement(i);
            at = at.isArray() ? at.path(Integer.parseInt(step.toString())) : at.path(step.toString());
        }
        return at;
    }

    private static FileValue at(FileValue file, NodePath path) {
        FileValue at = file;
        for (int i = 0; i < path.getNameCount(); i++) {
            Object step = path.getElement(i);
            at = at.kind() == FileValue.Kind.LIST
                    ? at.items().get(Integer.parseInt(step.toString()))
                    : at.get(step.toString());
        }
        return at;
    }

    /** The name among {@code known} that a slip of the pen turns into {@code word}; empty when none is near. */
    static String nearest(String word, List<String> known) {
        String best = "";
        int least = Math.min(word.length() - 1, Math.max(2, word.length() / 3)) + 1;
        for (String candidate : known) {
            int distance = distance(word, candidate);
            if (distance < least) {
                least = distance;
                best = candidate;
            }
        }
        return best;
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        if (a.length() > 100) {
            return Integer.MAX_VALUE;
        }
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
