package io.sluice.core.batching;

/**
 * Bounds of one batch. Immutable.
 *
 * @param maxChunks most chunks (= sessions) in a batch
 * @param maxPrefillTokens most prompt tokens in a batch; a single longer chunk still runs, alone
 * @param decodeBatchesPerPrefill after this many decode batches in a row a waiting prompt chunk must go
 */
public record BatchLimits(int maxChunks, int maxPrefillTokens, int decodeBatchesPerPrefill) {
    public BatchLimits {
        requirePositive("maxChunks", maxChunks);
        requirePositive("maxPrefillTokens", maxPrefillTokens);
        requirePositive("decodeBatchesPerPrefill", decodeBatchesPerPrefill);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
        }
    }
}
