package io.sluice.runtime.gguf;

import io.sluice.runtime.text.AddedToken;
import io.sluice.runtime.text.BytePairTokenizer;
import io.sluice.runtime.text.BytePairVocabulary;
import io.sluice.runtime.text.ChatTemplate;
import io.sluice.runtime.text.JinjaChatTemplate;
import io.sluice.runtime.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Builds a tokenizer from the {@code tokenizer.ggml.*} metadata of a GGUF file; byte-level BPE only. */
final class GgufTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final int MOST_TOKENS = 1 << 24;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    /** Texts of tokens that end a turn or a text, in whatever model; llama.cpp goes by these as well. */
    private static final Set<String> END_TEXTS = Set.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "</s>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>");

    private GgufTokenizer() {}

    static Tokenizer read(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        String model = metadata.required(PREFIX + "model", metadata.string(PREFIX + "model"));
        if (!model.equals("gpt2")) {
            throw metadata.error("carries the tokenizer model '" + model
                    + "', supported is 'gpt2' (byte-level BPE); serve the model's Hugging Face folder instead");
        }
        String pre = metadata.string(PREFIX + "pre").orElse("default");
        PreTokenizer splitting = PreTokenizer.named(pre)
                .orElseThrow(() -> metadata.error("names the pre-tokenizer '" + pre
                        + "' (tokenizer.ggml.pre); supported are " + PreTokenizer.names()));
        List<String> tokens = tokens(metadata);
        BytePairVocabulary vocabulary = new BytePairVocabulary(
                tokens,
                metadata.required(PREFIX + "merges", metadata.strings(PREFIX + "merges")),
                addedTokens(metadata, tokens),
                splitting.patterns(),
                Optional.empty(),
                splitting.wholeWords(),
                false,
                added(metadata, "add_bos_token", "bos_token_id", splitting.beginsSequence()),
                added(metadata, "add_eos_token", "eos_token_id", false));
        BytePairVocabulary.Roles roles = new BytePairVocabulary.Roles(
                tokenId(metadata, "bos_token_id"), endTokens(metadata), chatTemplate(metadata, tokens));
        try {
            return new BytePairTokenizer(vocabulary, roles);
        } catch (IllegalArgumentException e) {
            throw metadata.error("carries a damaged tokenizer: " + e.getMessage());
        }
    }

    /** Tokens that end a generation: those the file names, and those whose text says so. */
    static SortedSet<Integer> endTokens(GgufMetadata metadata) {
        SortedSet<Integer> ends = new TreeSet<>();
        for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            tokenId(metadata, key).ifPresent(ends::add);
        }
        List<String> tokens = tokens(metadata);
        for (int id = 0; id < tokens.size(); id++) {
            if (END_TEXTS.contains(tokens.get(id))) {
                ends.add(id);
            }
        }
        return ends;
    }

    private static List<String> tokens(GgufMetadata metadata) {
        List<String> tokens = metadata.required(PREFIX + "tokens", metadata.strings(PREFIX + "tokens"));
        if (tokens.isEmpty() || tokens.size() > MOST_TOKENS) {
            throw metadata.error("has " + tokens.size() + " tokens in 'tokenizer.ggml.tokens'");
        }
        return tokens;
    }

    private static List<AddedToken> addedTokens(GgufMetadata metadata, List<String> tokens) {
        long[] types = metadata.integers(PREFIX + "token_type").orElse(new long[tokens.size()]);
        if (types.length != tokens.size()) {
            throw metadata.error("has " + tokens.size() + " tokens but " + types.length + " token types");
        }
        List<AddedToken> added = new ArrayList<>();
        for (int id = 0; id < types.length; id++) {
            String text = tokens.get(id);
            if (types[id] == CONTROL || types[id] == UNKNOWN || END_TEXTS.contains(text)) {
                added.add(AddedToken.control(id, text));
            } else if (types[id] == USER_DEFINED) {
                added.add(AddedToken.text(id, text));
            }
        }
        return added;
    }

    private static List<Integer> added(GgufMetadata metadata, String flag, String idKey, boolean otherwise) {
        if (!metadata.flag(PREFIX + flag).orElse(otherwise)) {
            return List.of();
        }
        OptionalInt id = tokenId(metadata, idKey);
        if (id.isEmpty() && metadata.has(PREFIX + flag)) {
            throw metadata.error("says tokenizer.ggml." + flag + " but has no tokenizer.ggml." + idKey);
        }
        return id.isEmpty() ? List.of() : List.of(id.getAsInt());
    }

    private static OptionalInt tokenId(GgufMetadata metadata, String key) {
        int last = tokens(metadata).size() - 1;
        return metadata.integer(PREFIX + key, 0, last).stream()
                .mapToInt(Integer::intValue)
                .findFirst();
    }

    private static Optional<ChatTemplate> chatTemplate(GgufMetadata metadata, List<String> tokens) {
        return metadata.string("tokenizer.chat_template")
                .map(source -> new JinjaChatTemplate(
                        source, text(metadata, tokens, "bos_token_id"), text(metadata, tokens, "eos_token_id")));
    }

    private static String text(GgufMetadata metadata, List<String> tokens, String key) {
        OptionalInt id = tokenId(metadata, key);
        return id.isEmpty() ? "" : tokens.get(id.getAsInt());
    }
}
