package io.sluice.clusters;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.sluice.clusters.FileValue.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Reads JSON into values that know their lines; bounded as {@link YamlReader} is. */
final class JsonReader {
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(YamlReader.MAX_DEPTH)
                    .maxDocumentLength(YamlReader.MAX_BYTES)
                    .maxNumberLength(40)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private JsonReader() {}

    /**
     * The one document of the file.
     *
     * @throws ClusterFileException when it cannot be read or is not JSON; names file and line
     */
    static FileValue read(Path file) {
        Problems problems = new Problems(file.toString());
        try (JsonParser parser = JSON.createParser(Files.readString(file))) {
            if (parser.nextToken() == null) {
                throw problems.fail(new FileValue(Kind.NULL, 1, "", ""), "the file is empty");
            }
            FileValue document = value(parser, "");
            if (parser.nextToken() != null) {
                throw problems.fail(new FileValue(Kind.NULL, line(parser), "", ""), "a second document; keep only one");
            }
            return document;
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            problems.add(line, "", "is not JSON: " + e.getOriginalMessage());
            throw problems.exception();
        } catch (NoSuchFileException e) {
            throw new ClusterFileException(List.of(file + ": does not exist"));
        } catch (IOException e) {
            throw new ClusterFileException(List.of(file + ": cannot be read: " + e.getMessage()));
        }
    }

    private static FileValue value(JsonParser parser, String path) throws IOException {
        int line = line(parser);
        switch (parser.currentToken()) {
            case START_OBJECT -> {
                FileValue map = new FileValue(Kind.MAP, line, path, "");
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    int keyLine = line(parser);
                    parser.nextToken();
                    map.put(key, keyLine, value(parser, map.pathOf(key)));
                }
                return map;
            }
            case START_ARRAY -> {
                FileValue list = new FileValue(Kind.LIST, line, path, "");
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(parser, path + "[" + list.items().size() + "]"));
                }
                return list;
            }
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
                return new FileValue(Kind.NUMBER, line, path, parser.getText());
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                return new FileValue(Kind.BOOLEAN, line, path, parser.getText());
            }
            case VALUE_NULL -> {
                return new FileValue(Kind.NULL, line, path, "");
            }
            default -> {
                return new FileValue(Kind.TEXT, line, path, parser.getText());
            }
        }
    }

    private static int line(JsonParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }
}
