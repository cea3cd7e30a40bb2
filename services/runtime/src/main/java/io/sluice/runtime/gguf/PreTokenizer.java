package io.sluice.runtime.gguf;

import io.sluice.runtime.text.WordPatterns;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The ways to cut text into words that GGUF files name in {@code tokenizer.ggml.pre}, as llama.cpp's llama-vocab.cpp
 * has them; a last pattern for trailing white space is left off there where the rest of a text is a word anyway.
 *
 * @param patterns each works on what the ones before left
 * @param wholeWords whether a word that is a token is taken without merges
 * @param beginsSequence whether a beginning-of-sequence token is put first when the file does not say
 */
record PreTokenizer(List<String> patterns, boolean wholeWords, boolean beginsSequence) {
    private static final PreTokenizer GPT2 = plain(WordPatterns.GPT2);
    private static final PreTokenizer DIGITS_THEN_GPT2 = plain("\\p{N}", WordPatterns.GPT2);
    private static final PreTokenizer LLAMA3 = new PreTokenizer(List.of(WordPatterns.LLAMA3), true, true);
    private static final PreTokenizer LLAMA3_BY_MERGES = plain(WordPatterns.LLAMA3);
    private static final PreTokenizer QWEN2 = plain(WordPatterns.QWEN2);
    /** The model's own pattern; llama.cpp's rendering of it cuts combining marks off their letters. */
    private static final PreTokenizer TEKKEN = new PreTokenizer(List.of(WordPatterns.TEKKEN), true, true);

    private static final PreTokenizer DEFAULT =
            plain("[\\p{P}\\$\\+<=>\\^~\\|]+", WordPatterns.GPT2, "\\p{N}+", "[0-9][0-9][0-9]");

    private static final PreTokenizer DEEPSEEK_CODER =
            plain("[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", "\\p{N}");

    private static final Map<String, PreTokenizer> BY_NAME = Map.ofEntries(
            Map.entry("default", DEFAULT),
            Map.entry("gpt-2", GPT2),
            Map.entry("phi-2", GPT2),
            Map.entry("mpt", GPT2),
            Map.entry("olmo", GPT2),
            Map.entry("gigachat", GPT2),
            Map.entry("smollm", DIGITS_THEN_GPT2),
            Map.entry("starcoder", DIGITS_THEN_GPT2),
            Map.entry("refact", DIGITS_THEN_GPT2),
            Map.entry("command-r", DIGITS_THEN_GPT2),
            Map.entry("codeshell", DIGITS_THEN_GPT2),
            Map.entry("exaone", DIGITS_THEN_GPT2),
            Map.entry("minerva-7b", DIGITS_THEN_GPT2),
            Map.entry("llama-bpe", LLAMA3),
            Map.entry("llama3", LLAMA3),
            Map.entry("llama-v3", LLAMA3),
            Map.entry("falcon3", LLAMA3),
            Map.entry("pixtral", LLAMA3),
            Map.entry("smaug-bpe", LLAMA3_BY_MERGES),
            Map.entry("dbrx", LLAMA3_BY_MERGES),
            Map.entry("qwen2", QWEN2),
            Map.entry("deepseek-r1-qwen", QWEN2),
            Map.entry("megrez", QWEN2),
            Map.entry("stablelm2", QWEN2),
            Map.entry("deepseek-coder", DEEPSEEK_CODER),
            Map.entry("tekken", TEKKEN));

    static Optional<PreTokenizer> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    static String names() {
        return String.join(", ", new TreeMap<>(BY_NAME).keySet());
    }

    private static PreTokenizer plain(String... patterns) {
        return new PreTokenizer(List.of(patterns), false, false);
    }
}
