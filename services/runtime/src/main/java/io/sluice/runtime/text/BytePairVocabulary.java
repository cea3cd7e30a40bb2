package io.sluice.runtime.text;

import java.text.Normalizer;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * All that defines a byte-level BPE tokenizer, whichever file it came from. Immutable.
 *
 * @param tokens token of each id, spelled in GPT-2's byte alphabet; null where an id has none
 * @param merges pairs of tokens in order of rank, one string each: left, one space, right
 * @param added tokens matched as strings; they override {@code tokens} of the same id
 * @param patterns regular expressions that cut text into words, each working on what the ones before left
 * @param normalization applied to the text between added tokens
 * @param wholeWords whether a word that is a token is taken as it is, without merges
 * @param prefixSpace whether a space is put before text that does not begin with one
 * @param before ids put before encoded text
 * @param after ids put after it
 */
public record BytePairVocabulary(
        List<String> tokens,
        List<String> merges,
        List<AddedToken> added,
        List<String> patterns,
        Optional<Normalizer.Form> normalization,
        boolean wholeWords,
        boolean prefixSpace,
        List<Integer> before,
        List<Integer> after) {
    public BytePairVocabulary {
        tokens = Collections.unmodifiableList(tokens);
        merges = Collections.unmodifiableList(merges);
        added = List.copyOf(added);
        patterns = List.copyOf(patterns);
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /**
     * What a model says of its vocabulary besides the encoding itself.
     *
     * @param bos token that begins a sequence
     * @param eos tokens that end a generation
     */
    public record Roles(OptionalInt bos, SortedSet<Integer> eos, Optional<ChatTemplate> chatTemplate) {
        public Roles {
            eos = Collections.unmodifiableSortedSet(new TreeSet<>(eos));
        }
    }
}
