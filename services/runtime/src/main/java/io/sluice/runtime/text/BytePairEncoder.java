package io.sluice.runtime.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;

/**
 * Byte-level byte-pair encoding of one word (Sennrich et al. 2016, on bytes as in GPT-2): the pair of lowest rank
 * merges first, the leftmost one among equals. O(n log n) in the word's bytes, so unbroken input of any length is safe.
 * Thread-safe; encodings of short words are remembered up to a bound.
 */
final class BytePairEncoder {
    private static final int MAX_CACHED_WORDS = 1 << 14;
    private static final int MAX_CACHED_CHARACTERS = 48;

    private final int[] byteTokens;
    private final MergeTable merges;
    private final Map<String, Integer> wholeWords;
    private final Map<String, int[]> cache = new ConcurrentHashMap<>();

    /**
     * @param byteTokens token of each byte, -1: none (such a byte is dropped, as Hugging Face's encoder does)
     * @param wholeWords tokens, spelled in the byte alphabet, that a word may become without merges; may be empty
     */
    BytePairEncoder(int[] byteTokens, MergeTable merges, Map<String, Integer> wholeWords) {
        this.byteTokens = byteTokens;
        this.merges = merges;
        this.wholeWords = wholeWords;
    }

    void encode(String word, IntConsumer out) {
        int[] tokens = cache.get(word);
        if (tokens == null) {
            tokens = encode(word.getBytes(StandardCharsets.UTF_8));
            if (word.length() <= MAX_CACHED_CHARACTERS && cache.size() < MAX_CACHED_WORDS) {
                cache.put(word, tokens);
            }
        }
        for (int token : tokens) {
            out.accept(token);
        }
    }

    private int[] encode(byte[] bytes) {
        if (!wholeWords.isEmpty()) {
            Integer whole = wholeWords.get(ByteAlphabet.spell(bytes));
            if (whole != null) {
                return new int[] {whole};
            }
        }
        int[] tokens = new int[bytes.length];
        int count = 0;
        for (byte value : bytes) {
            int token = byteTokens[value & 0xFF];
            if (token >= 0) {
                tokens[count++] = token;
            }
        }
        return new Word(tokens, count).merge();
    }

    /** The symbols of a word as a linked list over positions, and the pairs that may merge by rank. */
    private final class Word {
        private final int[] tokens;
        private final int[] next;
        private final int[] previous;
        /** rank << 32 | left position; an entry is stale unless the pair there still has that rank. */
        private final PriorityQueue<Long> candidates = new PriorityQueue<>();

        Word(int[] tokens, int count) {
            this.tokens = Arrays.copyOf(tokens, count);
            next = new int[count];
            previous = new int[count];
            for (int i = 0; i < count; i++) {
                next[i] = i + 1 < count ? i + 1 : -1;
                previous[i] = i - 1;
            }
        }

        int[] merge() {
            for (int i = 0; i + 1 < tokens.length; i++) {
                offer(i);
            }
            for (Long candidate = candidates.poll(); candidate != null; candidate = candidates.poll()) {
                int left = candidate.intValue();
                int slot = pairAt(left);
                if (slot >= 0 && merges.rankAt(slot) == (int) (candidate >> 32)) {
                    join(left, merges.mergedAt(slot));
                }
            }
            int count = 0;
            for (int i = tokens.length == 0 ? -1 : 0; i >= 0; i = next[i]) {
                tokens[count++] = tokens[i];
            }
            return Arrays.copyOf(tokens, count);
        }

        private void join(int left, int token) {
            int right = next[left];
            tokens[left] = token;
            tokens[right] = -1;
            next[left] = next[right];
            if (next[left] >= 0) {
                previous[next[left]] = left;
            }
            offer(left);
            if (previous[left] >= 0) {
                offer(previous[left]);
            }
        }

        private void offer(int left) {
            int slot = pairAt(left);
            if (slot >= 0) {
                candidates.add((long) merges.rankAt(slot) << 32 | left);
            }
        }

        private int pairAt(int left) {
            return tokens[left] < 0 || next[left] < 0 ? -1 : merges.find(tokens[left], tokens[next[left]]);
        }
    }
}
