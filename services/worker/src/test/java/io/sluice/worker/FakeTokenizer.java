package io.sluice.worker;

import io.sluice.runtime.text.ChatTemplate;
import io.sluice.runtime.text.TokenStream;
import io.sluice.runtime.text.Tokenizer;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Every token is its number and a space; token 60 is half a character that shows at the end only. */
final class FakeTokenizer implements Tokenizer {
    static final int HALF = 60;

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
                half = id == HALF;
                return half ? "" : id + " ";
            }

            @Override
            public String finish() {
                return half ? "\uFFFD" : "";
            }
        };
    }
}
