package io.sluice.runtime.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads the definition of a byte-level BPE tokenizer from Hugging Face's {@code tokenizer.json}. Only what can be
 * followed exactly is read; anything else is an {@link UnsupportedTokenizer} and left to the library.
 */
final class TokenizerJson {
    private static final int MAX_VOCABULARY = 1 << 24;

    /** The definition uses something that {@link BytePairTokenizer} does not do; the message names it. */
    static final class UnsupportedTokenizer extends Exception {
        private static final long serialVersionUID = 1L;

        UnsupportedTokenizer(String what) {
            super(what);
        }
    }

    private final JsonNode root;

    TokenizerJson(JsonNode root) {
        this.root = root;
    }

    /** @throws IllegalArgumentException when the file contradicts itself */
    BytePairVocabulary vocabulary() throws UnsupportedTokenizer {
        JsonNode model = root.path("model");
        requireByteLevelModel(model);
        requireByteLevelDecoder();
        List<String> patterns = new ArrayList<>();
        boolean prefixSpace = readPreTokenizer(patterns);
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        readPostProcessor(root.path("post_processor"), before, after);
        return new BytePairVocabulary(
                tokens(model.path("vocab")),
                merges(model.path("merges")),
                addedTokens(),
                patterns,
                normalization(),
                model.path("ignore_merges").asBoolean(),
                prefixSpace,
                before,
                after);
    }

    private static void requireByteLevelModel(JsonNode model) throws UnsupportedTokenizer {
        String type = model.path("type").asText("BPE");
        require(type.equals("BPE") && model.path("merges").isArray(), "model " + type);
        require(!model.path("byte_fallback").asBoolean(), "model.byte_fallback");
        require(model.path("dropout").asDouble() == 0, "model.dropout");
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            require(model.path(affix).asText("").isEmpty() || model.path(affix).isNull(), "model." + affix);
        }
    }

    private void requireByteLevelDecoder() throws UnsupportedTokenizer {
        List<JsonNode> decoders = steps(root.path("decoder"), "decoders");
        require(
                decoders.size() == 1
                        && decoders.getFirst().path("type").asText().equals("ByteLevel"),
                "decoder " + typeOf(root.path("decoder")));
    }

    /** Adds the patterns and returns whether a space is put before text. */
    private boolean readPreTokenizer(List<String> patterns) throws UnsupportedTokenizer {
        boolean byteLevel = false;
        boolean prefixSpace = false;
        List<JsonNode> steps = steps(root.path("pre_tokenizer"), "pretokenizers");
        for (JsonNode step : steps) {
            require(!byteLevel, "pre_tokenizer with steps after ByteLevel");
            switch (typeOf(step)) {
                case "ByteLevel" -> {
                    byteLevel = true;
                    prefixSpace = step.path("add_prefix_space").asBoolean(true);
                    require(!prefixSpace || steps.size() == 1, "pre_tokenizer ByteLevel with add_prefix_space");
                    if (step.path("use_regex").asBoolean(true)) {
                        patterns.add(WordPatterns.GPT2);
                    }
                }
                case "Digits" -> patterns.add(step.path("individual_digits").asBoolean() ? "\\p{N}" : "\\p{N}+");
                case "Split" -> patterns.add(splitPattern(step));
                default -> throw new UnsupportedTokenizer("pre_tokenizer " + typeOf(step));
            }
        }
        require(byteLevel, "pre_tokenizer without ByteLevel");
        return prefixSpace;
    }

    private static String splitPattern(JsonNode step) throws UnsupportedTokenizer {
        String behavior = step.path("behavior").asText();
        boolean invert = step.path("invert").asBoolean();
        // Removing what does not match is the same as isolating what does, for patterns that match everything.
        boolean isolates = behavior.equals("Isolated") || behavior.equals("Removed") && invert;
        require(isolates, "pre_tokenizer Split with behavior " + behavior);
        JsonNode pattern = step.path("pattern");
        String regex = pattern.has("Regex")
                ? pattern.path("Regex").asText()
                : Pattern.quote(pattern.path("String").asText());
        require(behavior.equals("Isolated") || regex.endsWith("|\\s+"), "pre_tokenizer Split that drops text");
        try {
            WordSplitter.compile(regex);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedTokenizer("pre_tokenizer Split pattern " + regex);
        }
        return regex;
    }

    private Optional<Normalizer.Form> normalization() throws UnsupportedTokenizer {
        List<JsonNode> steps = steps(root.path("normalizer"), "normalizers");
        if (steps.isEmpty()) {
            return Optional.empty();
        }
        String type = typeOf(steps.getFirst());
        boolean known = Arrays.stream(Normalizer.Form.values())
                .anyMatch(form -> form.name().equals(type));
        require(known && steps.size() == 1, "normalizer " + type);
        return Optional.of(Normalizer.Form.valueOf(type));
    }

    private static void readPostProcessor(JsonNode processor, List<Integer> before, List<Integer> after)
            throws UnsupportedTokenizer {
        for (JsonNode step : steps(processor, "processors")) {
            switch (typeOf(step)) {
                case "ByteLevel" -> {} // only moves offsets
                case "TemplateProcessing" -> readTemplate(step, before, after);
                default -> throw new UnsupportedTokenizer("post_processor " + typeOf(step));
            }
        }
    }

    private static void readTemplate(JsonNode step, List<Integer> before, List<Integer> after)
            throws UnsupportedTokenizer {
        List<Integer> around = before;
        for (JsonNode piece : step.path("single")) {
            if (piece.has("Sequence")) {
                require(around == before, "post_processor with the text twice");
                around = after;
                continue;
            }
            String name = piece.path("SpecialToken").path("id").asText();
            JsonNode ids = step.path("special_tokens").path(name).path("ids");
            require(ids.isArray(), "post_processor token " + name);
            for (JsonNode id : ids) {
                around.add(id.asInt());
            }
        }
    }

    private static List<String> tokens(JsonNode vocab) {
        int size = 0;
        for (JsonNode id : vocab) {
            if (!id.isInt() || id.asInt() < 0 || id.asInt() >= MAX_VOCABULARY) {
                throw new IllegalArgumentException("model.vocab has the impossible id " + id);
            }
            size = Math.max(size, id.asInt() + 1);
        }
        String[] tokens = new String[size];
        for (Iterator<Map.Entry<String, JsonNode>> entries = vocab.properties().iterator(); entries.hasNext(); ) {
            Map.Entry<String, JsonNode> entry = entries.next();
            tokens[entry.getValue().asInt()] = entry.getKey();
        }
        return Arrays.asList(tokens);
    }

    private static List<String> merges(JsonNode merges) {
        List<String> list = new ArrayList<>(merges.size());
        for (JsonNode merge : merges) {
            list.add(
                    merge.isArray()
                            ? merge.path(0).asText() + " " + merge.path(1).asText()
                            : merge.asText());
        }
        return list;
    }

    private List<AddedToken> addedTokens() {
        List<AddedToken> tokens = new ArrayList<>();
        for (JsonNode token : root.path("added_tokens")) {
            int id = token.path("id").asInt(-1);
            if (id < 0 || id >= MAX_VOCABULARY) {
                throw new IllegalArgumentException("added_tokens has the impossible id " + token.path("id"));
            }
            tokens.add(new AddedToken(
                    id,
                    token.path("content").asText(),
                    token.path("special").asBoolean(),
                    token.path("single_word").asBoolean(),
                    token.path("lstrip").asBoolean(),
                    token.path("rstrip").asBoolean(),
                    token.path("normalized").asBoolean()));
        }
        return tokens;
    }

    /** The steps of a sequence, the one step of anything else, none of null. */
    private static List<JsonNode> steps(JsonNode node, String key) {
        if (node.isMissingNode() || node.isNull()) {
            return List.of();
        }
        if (!typeOf(node).equals("Sequence")) {
            return List.of(node);
        }
        List<JsonNode> steps = new ArrayList<>();
        node.path(key).forEach(step -> steps.addAll(steps(step, key)));
        return steps;
    }

    private static String typeOf(JsonNode node) {
        return node.path("type").asText("none");
    }

    private static void require(boolean condition, String what) throws UnsupportedTokenizer {
        if (!condition) {
            throw new UnsupportedTokenizer(what);
        }
    }
}
