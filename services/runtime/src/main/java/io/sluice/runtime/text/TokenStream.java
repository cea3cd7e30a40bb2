package io.sluice.runtime.text;

/**
 * Incremental detokenizer: the texts returned by the calls of {@link #append}, then {@link #finish}, joined, equal
 * {@link Tokenizer#decode} of the same ids. Not thread-safe; one per sequence.
 */
public interface TokenStream {

    /**
     * Takes the next token.
     *
     * @return the text it adds: empty while a UTF-8 character is incomplete, U+FFFD for bytes that can no longer become
     *     one
     * @throws IllegalArgumentException when the id is out of range
     */
    String append(int id);

    /** Ends the sequence and returns what is still held back: empty, or U+FFFD for an incomplete character. */
    String finish();
}
