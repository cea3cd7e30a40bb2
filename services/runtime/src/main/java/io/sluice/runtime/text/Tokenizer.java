package io.sluice.runtime.text;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;

/**
 * Turns text into token ids of one model and back. Implementations are thread-safe; a {@link TokenStream} is not.
 *
 * <p>Ids are in {@code [0, vocabSize)}.
 */
public interface Tokenizer extends AutoCloseable {

    /**
     * Encodes text. A beginning-of-sequence token is added only when the tokenizer's own post-processor says so; the
     * text of a special token inside {@code text} becomes that token.
     */
    int[] encode(String text);

    /** As {@link #encode(String)}, but adds nothing around the text: for text that a chat template has rendered. */
    int[] encodeRendered(String text);

    /**
     * Decodes ids; special tokens give no text. Bytes that form no UTF-8 character become U+FFFD.
     *
     * @throws IllegalArgumentException when an id is out of range
     */
    String decode(int[] ids);

    /** Entries of the vocabulary, special tokens included; the model's embedding may have more rows. */
    int vocabSize();

    /** Token that begins a sequence, if the model has one. */
    OptionalInt bos();

    /** Tokens that end a generation, ascending; may be empty. */
    SortedSet<Integer> eos();

    /** A new incremental detokenizer. */
    TokenStream stream();

    /** The model's chat template, if it carries one. */
    Optional<ChatTemplate> chatTemplate();

    @Override
    default void close() {}
}
