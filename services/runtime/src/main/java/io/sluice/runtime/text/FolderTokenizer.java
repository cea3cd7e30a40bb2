package io.sluice.runtime.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluice.runtime.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the tokenizer of a Hugging Face model folder: {@code tokenizer.json}, and where there are
 * {@code tokenizer_config.json} (special tokens, chat template), {@code chat_template.jinja}, {@code
 * generation_config.json} and {@code config.json} (end tokens).
 *
 * <p>Byte-level BPE is done in plain Java, which is ready in a fraction of the time that the native library takes to
 * load; everything else goes to the library.
 */
public final class FolderTokenizer {
    private static final Logger LOG = LoggerFactory.getLogger(FolderTokenizer.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private FolderTokenizer() {}

    /** @throws ModelFormatException when a file is missing, damaged or contradicts itself */
    public static Tokenizer open(Path folder) {
        return open(folder, false);
    }

    static Tokenizer open(Path folder, boolean preferLibrary) {
        Path file = folder.resolve("tokenizer.json");
        JsonNode definition = read(file);
        if (!definition.isObject()) {
            String problem = Files.exists(file) ? ": holds no tokenizer" : ": no such file";
            throw new ModelFormatException(file + problem + "; a model folder needs it");
        }
        Map<String, Integer> ids = ids(definition);
        BytePairVocabulary.Roles roles = roles(folder, ids);
        if (!preferLibrary) {
            try {
                return new BytePairTokenizer(new TokenizerJson(definition).vocabulary(), roles);
            } catch (TokenizerJson.UnsupportedTokenizer e) {
                LOG.info("tokenizer={} implementation=native reason={}", file, e.getMessage());
            } catch (IllegalArgumentException e) {
                throw new ModelFormatException(file + ": " + e.getMessage(), e);
            }
        }
        int size = ids.values().stream().mapToInt(id -> id + 1).max().orElse(0);
        return LibraryTokenizer.open(file, size, roles);
    }

    private static BytePairVocabulary.Roles roles(Path folder, Map<String, Integer> ids) {
        JsonNode tokenizer = read(folder.resolve("tokenizer_config.json"));
        JsonNode generation = read(folder.resolve("generation_config.json"));
        JsonNode model = read(folder.resolve("config.json"));
        String bos = tokenText(tokenizer.path("bos_token"));
        String eos = tokenText(tokenizer.path("eos_token"));
        SortedSet<Integer> ends = new TreeSet<>();
        if (ids.containsKey(eos)) {
            ends.add(ids.get(eos));
        }
        addIds(generation.path("eos_token_id"), ends);
        addIds(model.path("eos_token_id"), ends);
        OptionalInt begin = ids.containsKey(bos)
                ? OptionalInt.of(ids.get(bos))
                : model.path("bos_token_id").isInt()
                                && tokenizer.path("bos_token").isMissingNode()
                        ? OptionalInt.of(model.path("bos_token_id").asInt())
                        : OptionalInt.empty();
        return new BytePairVocabulary.Roles(begin, ends, chatTemplate(folder, tokenizer, bos, eos));
    }

    private static Optional<ChatTemplate> chatTemplate(Path folder, JsonNode tokenizer, String bos, String eos) {
        JsonNode template = tokenizer.path("chat_template");
        // Newer folders keep it in a file of its own; some have several and name one of them default.
        Path file = folder.resolve("chat_template.jinja");
        String source = template.isTextual() ? template.asText() : null;
        for (JsonNode named : template) {
            if (named.path("name").asText().equals("default")) {
                source = named.path("template").asText();
            }
        }
        try {
            if (Files.isRegularFile(file)) {
                source = Files.readString(file);
            }
        } catch (IOException e) {
            throw new ModelFormatException(file + ": cannot be read: " + e.getMessage(), e);
        }
        return Optional.ofNullable(source).map(text -> new JinjaChatTemplate(text, bos, eos));
    }

    private static void addIds(JsonNode node, SortedSet<Integer> ids) {
        if (node.isInt()) {
            ids.add(node.asInt());
        }
        node.forEach(id -> addIds(id, ids));
    }

    /** A special token is given as its text or as an object around it. */
    private static String tokenText(JsonNode token) {
        return token.isObject() ? token.path("content").asText("") : token.isTextual() ? token.asText() : "";
    }

    private static Map<String, Integer> ids(JsonNode definition) {
        Map<String, Integer> ids = new HashMap<>();
        JsonNode vocabulary = definition.path("model").path("vocab");
        if (vocabulary.isArray()) {
            for (int id = 0; id < vocabulary.size(); id++) {
                ids.put(vocabulary.path(id).path(0).asText(), id);
            }
        } else {
            vocabulary
                    .properties()
                    .forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
        }
        for (JsonNode token : definition.path("added_tokens")) {
            ids.put(token.path("content").asText(), token.path("id").asInt());
        }
        return ids;
    }

    /** A file's content; a missing node when there is no such file. */
    private static JsonNode read(Path file) {
        if (!Files.isRegularFile(file)) {
            return MissingNode.getInstance();
        }
        try {
            return JSON.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(file + ": is not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelFormatException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
