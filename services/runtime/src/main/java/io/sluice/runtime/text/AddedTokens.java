package io.sluice.runtime.text;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;

/**
 * Finds tokens that are matched as whole strings before any splitting: the longest one at the leftmost place, as
 * Hugging Face's tokenizers do. Thread-safe.
 */
final class AddedTokens {
    private static final Pattern WORD = Pattern.compile("\\w", Pattern.UNICODE_CHARACTER_CLASS);

    private final Map<Character, List<AddedToken>> byFirst = new HashMap<>();

    AddedTokens(Collection<AddedToken> tokens) {
        for (AddedToken token : tokens) {
            if (!token.content().isEmpty()) {
                byFirst.computeIfAbsent(token.content().charAt(0), first -> new ArrayList<>())
                        .add(token);
            }
        }
        byFirst.values()
                .forEach(list -> list.sort((a, b) ->
                        Integer.compare(b.content().length(), a.content().length())));
    }

    /** Passes the tokens found and the texts between them on, in order. */
    void split(String text, Consumer<String> between, IntConsumer found) {
        int done = 0;
        int at = 0;
        while (at < text.length()) {
            AddedToken token = longestAt(text, at);
            if (token == null) {
                at++;
                continue;
            }
            int end = at + token.content().length();
            if (token.singleWord() && !standsAlone(text, at, end)) {
                at = end;
                continue;
            }
            int from = at;
            while (token.stripLeft() && from > done && isSpace(text.charAt(from - 1))) {
                from--;
            }
            while (token.stripRight() && end < text.length() && isSpace(text.charAt(end))) {
                end++;
            }
            if (from > done) {
                between.accept(text.substring(done, from));
            }
            found.accept(token.id());
            done = end;
            at = end;
        }
        if (done < text.length()) {
            between.accept(text.substring(done));
        }
    }

    private AddedToken longestAt(String text, int at) {
        for (AddedToken token : byFirst.getOrDefault(text.charAt(at), List.of())) {
            if (text.startsWith(token.content(), at)) {
                return token;
            }
        }
        return null;
    }

    private static boolean standsAlone(String text, int from, int end) {
        return (from == 0 || !isWord(text.codePointBefore(from)))
                && (end == text.length() || !isWord(text.codePointAt(end)));
    }

    /** {@code \w} of the Unicode Standard's annex on regular expressions. */
    private static boolean isWord(int codePoint) {
        return WORD.matcher(Character.toString(codePoint)).matches();
    }

    private static boolean isSpace(char character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == '\u0085';
    }
}
