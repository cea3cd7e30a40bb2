package io.sluice.clusters;

import io.sluice.clusters.FileValue.Kind;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads YAML 1.2 (of which JSON is a part) into values that know their lines. Bounded: file size, depth, and the number
 * of values after aliases are followed, so that an alias bomb is refused. Tags are refused, as are keys given twice.
 */
final class YamlReader {
    static final long MAX_BYTES = 64L << 20;
    static final int MAX_DEPTH = 32;
    static final int MAX_VALUES = 4_000_000;

    private static final Pattern NUMBER =
            Pattern.compile("[-+]?(\\.[0-9]{1,40}|[0-9]{1,40}(\\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?");
    private static final Pattern BOOLEAN = Pattern.compile("true|True|TRUE|false|False|FALSE");
    private static final Pattern NULL = Pattern.compile("|~|null|Null|NULL");

    private final Problems problems;
    private final Iterator<Event> events;
    private final Map<Anchor, FileValue> anchors = new HashMap<>();
    private final Map<FileValue, Integer> sizes = new HashMap<>();
    private int values;

    private YamlReader(Problems problems, Iterator<Event> events) {
        this.problems = problems;
        this.events = events;
    }

    /**
     * The one document of the file.
     *
     * @throws ClusterFileException when it cannot be read or is not YAML; names file and line
     */
    static FileValue read(Path file) {
        String name = file.toString();
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new ClusterFileException(List.of(name + ": has " + size + " bytes; at most " + MAX_BYTES
                        + " are read, describe regions or" + " counts instead of single links and nodes"));
            }
            try (Reader reader = Files.newBufferedReader(file)) {
                return read(name, reader);
            }
        } catch (NoSuchFileException e) {
            throw new ClusterFileException(List.of(name + ": does not exist"));
        } catch (CharacterCodingException e) {
            throw new ClusterFileException(List.of(name + ": is not UTF-8 text"));
        } catch (IOException e) {
            throw new ClusterFileException(List.of(name + ": cannot be read: " + e.getMessage()));
        }
    }

    static FileValue read(String name, Reader source) {
        Problems problems = new Problems(name);
        LoadSettings settings = LoadSettings.builder()
                .setLabel(name)
                .setCodePointLimit((int) MAX_BYTES)
                .build();
        try {
            return new YamlReader(
                            problems, new Parse(settings).parseReader(source).iterator())
                    .document();
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            problems.add(line, "", "is not YAML: " + e.getProblem());
            throw problems.exception();
        } catch (YamlEngineException e) {
            if (e.getCause() instanceof CharacterCodingException) {
                throw new ClusterFileException(List.of(name + ": is not UTF-8 text"));
            }
            problems.add(1, "", "is not YAML: " + e.getMessage());
            throw problems.exception();
        }
    }

    private FileValue document() {
        FileValue document = null;
        while (events.hasNext()) {
            Event event = events.next();
            switch (event.getEventId()) {
                case StreamStart, StreamEnd, DocumentStart, DocumentEnd, Comment -> {}
                default -> {
                    if (document != null) {
                        throw problems.fail(
                                new FileValue(Kind.NULL, line(event), "", ""), "a second document; keep only one");
                    }
                    document = value(event, "", 0);
                }
            }
        }
        if (document == null) {
            throw problems.fail(new FileValue(Kind.NULL, 1, "", ""), "the file is empty");
        }
        return document;
    }

    private FileValue value(Event event, String path, int depth) {
        FileValue here = new FileValue(Kind.NULL, line(event), path, "");
        if (depth > MAX_DEPTH) {
            throw problems.fail(here, "nested deeper than " + MAX_DEPTH + " levels");
        }
        if (event instanceof AliasEvent alias) {
            FileValue known = anchors.get(alias.getAlias());
            if (known == null) {
                throw problems.fail(here, "alias *" + alias.getAlias() + " refers to itself or to nothing before it");
            }
            count(here, sizes.get(known));
            return known;
        }
        int before = values;
        count(here, 1);
        FileValue value =
                switch (event.getEventId()) {
                    case Scalar -> scalar((ScalarEvent) event, path);
                    case SequenceStart -> list(event, path, depth);
                    case MappingStart -> map(event, path, depth);
                    default -> throw problems.fail(here, "unexpected " + event.getEventId());
                };
        Optional<Anchor> anchor = ((NodeEvent) event).getAnchor();
        if (anchor.isPresent()) {
            anchors.put(anchor.get(), value);
            sizes.put(value, values - before);
        }
        return value;
    }

    private void count(FileValue here, int more) {
        values += more;
        if (values > MAX_VALUES) {
            throw problems.fail(here, "more than " + MAX_VALUES + " values once aliases are followed; write less");
        }
    }

    private FileValue list(Event start, String path, int depth) {
        FileValue list = new FileValue(Kind.LIST, line(start), path, "");
        for (Event event = events.next(); event.getEventId() != Event.ID.SequenceEnd; event = events.next()) {
            list.add(value(event, path + "[" + list.items().size() + "]", depth + 1));
        }
        return list;
    }

    private FileValue map(Event start, String path, int depth) {
        FileValue map = new FileValue(Kind.MAP, line(start), path, "");
        for (Event event = events.next(); event.getEventId() != Event.ID.MappingEnd; event = events.next()) {
            FileValue here = new FileValue(Kind.NULL, line(event), path, "");
            if (!(event instanceof ScalarEvent scalar)) {
                throw problems.fail(here, "a key must be a word");
            }
            String key = scalar.getValue();
            if (map.has(key)) {
                throw problems.fail(
                        here, "key '" + key + "' is given twice, first in line " + map.lineOfKey(key) + "; drop one");
            }
            map.put(key, here.line(), value(events.next(), map.pathOf(key), depth + 1));
        }
        return map;
    }

    private FileValue scalar(ScalarEvent event, String path) {
        String text = event.getValue();
        FileValue value = new FileValue(kind(event, text), line(event), path, text);
        if (event.getTag().isPresent()) {
            throw problems.fail(value, "tag " + event.getTag().get() + " is not read; drop it");
        }
        return value;
    }

    private static Kind kind(ScalarEvent event, String text) {
        if (!event.isPlain()) {
            return Kind.TEXT;
        }
        if (NULL.matcher(text).matches()) {
            return Kind.NULL;
        }
        if (BOOLEAN.matcher(text).matches()) {
            return Kind.BOOLEAN;
        }
        return NUMBER.matcher(text).matches() ? Kind.NUMBER : Kind.TEXT;
    }

    private static int line(Event event) {
        return event.getStartMark().map(Mark::getLine).orElse(0) + 1;
    }
}
