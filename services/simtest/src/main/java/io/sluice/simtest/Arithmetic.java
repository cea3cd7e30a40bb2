package io.sluice.simtest;

/**
 * The model: numbers instead of tensors, but with a transformer's dependencies. A layer's output at a position is a
 * hash of its input there and of all that its KV cache holds up to there, in order; so a cache in which a position is
 * missing, doubled, wrong or out of place gives another token. Stateless.
 */
final class Arithmetic {
    static final int VOCABULARY = 50_021;
    /** One sampled token in so many ends the generation. */
    private static final int END_ONE_IN = 47;

    private Arithmetic() {}

    static long mix(long a, long b) {
        long z = (a ^ (b * 0x9E3779B97F4A7C15L)) + 0x632BE59BD9B4E019L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** What the first layer takes for a token at a position. */
    static long embed(int token, int position) {
        return mix(token + 1L, position + 1L);
    }

    /** The token that follows {@code position}, for the last layer's output there. */
    static int sample(long hidden, long seed, int position) {
        return (int) Long.remainderUnsigned(mix(mix(hidden, seed), position), VOCABULARY);
    }

    static boolean endsSequence(int token) {
        return token % END_ONE_IN == 0;
    }

    /** What one machine would generate: computed in one go over all layers, with nothing of the rest of this module. */
    static int[] reference(int layers, int[] prompt, int maxTokens, long seed) {
        KvCache cache = new KvCache(0, layers, prompt.length + maxTokens);
        long hidden = 0;
        for (int position = 0; position < prompt.length; position++) {
            hidden = cache.append(embed(prompt[position], position));
        }
        int[] tokens = new int[maxTokens];
        for (int index = 0; index < maxTokens; index++) {
            int position = prompt.length + index;
            tokens[index] = sample(hidden, seed, position);
            if (endsSequence(tokens[index]) || index + 1 == maxTokens) {
                return java.util.Arrays.copyOf(tokens, index + 1);
            }
            hidden = cache.append(embed(tokens[index], position));
        }
        return tokens;
    }
}
