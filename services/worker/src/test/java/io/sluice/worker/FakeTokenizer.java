package io.sluice.worker;

import io.sluice.runtime.text.ChatTemplate;
import io.sluice.runtime.text.TokenStream;
import io.sluice.runtime.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Every token is its number and a space; token 60 is the first half of a character, which the next token completes to
 * "½".
 */
final class FakeTokenizer implements Tokenizer {
    static final int HALF = 60;

    /** The whole text of these tokens. */
    static String text(List<Integer> ids) {
        TokenStream stream = new FakeTokenizer().stream();
        StringBuilder text = new StringBuilder();
        ids.forEach(id -> text.append(stream.append(id)));
        return text + stream.finish();
    }

    @Override
    public int[] encode(String text) {
        return Arrays.stream(text.trim().split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    @Override
    public int[] encodeRendered(String text) {
        return encode(text);
    }

    @Override
    public String decode(int[] ids) {
        return Arrays.stream(ids).mapToObj(id -> id + " ").collect(Collectors.joining());
    }

    @Override
    public int vocabSize() {
        return FakeStageRunner.VOCAB;
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    @Override
    public SortedSet<Integer> eos() {
        return new TreeSet<>();
    }

    @Override
    public Optional<ChatTemplate> chatTemplate() {
        return Optional.empty();
    }

    @Override
    public TokenStream stream() {
        return new TokenStream() {
            private boolean half;

            @Override
            public String append(int id) {
                String completed = half ? "\u00BD" : "";
                half = id == HALF;
                return half ? completed : completed + id + " ";
            }

            @Override
            public String finish() {
                return half ? "\uFFFD" : "";
            }
        };
    }
}
