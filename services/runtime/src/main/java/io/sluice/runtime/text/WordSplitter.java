package io.sluice.runtime.text;

import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts text into the words that byte-pair encoding works on: each pattern in turn isolates its matches inside the
 * pieces that the ones before left, and what lies between matches stays a piece. Thread-safe.
 */
final class WordSplitter {
    private final List<Pattern> patterns;

    WordSplitter(List<String> patterns) {
        this.patterns = patterns.stream().map(WordSplitter::compile).toList();
    }

    /**
     * Compiles a pattern written for Oniguruma, the library of Hugging Face's tokenizers.
     *
     * @throws IllegalArgumentException when it uses a construct that Java's engine reads otherwise or not at all
     */
    static Pattern compile(String pattern) {
        if (pattern.matches("(?s).*(\\\\[hHXRGKkAzZBb]|\\(\\?<[^=!]|(?<!\\\\)\\$(?![^\\[]*\\])).*")) {
            throw new IllegalArgumentException("the pattern " + pattern + " has no exact counterpart in Java");
        }
        // Scripts are written \p{Han} there and \p{IsHan} here.
        String java = pattern.replaceAll("\\\\p\\{(?!Is)([A-Z][a-z]{2,})\\}", "\\\\p{Is$1}");
        return Pattern.compile(java, Pattern.UNICODE_CHARACTER_CLASS);
    }

    void split(String text, Consumer<String> words) {
        split(text, 0, words);
    }

    private void split(String text, int depth, Consumer<String> words) {
        if (depth == patterns.size()) {
            words.accept(text);
            return;
        }
        Matcher matcher = patterns.get(depth).matcher(text);
        int done = 0;
        while (matcher.find()) {
            if (matcher.end() == matcher.start()) {
                continue;
            }
            if (matcher.start() > done) {
                split(text.substring(done, matcher.start()), depth + 1, words);
            }
            split(matcher.group(), depth + 1, words);
            done = matcher.end();
        }
        if (done < text.length()) {
            split(text.substring(done), depth + 1, words);
        }
    }
}
