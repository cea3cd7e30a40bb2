package io.sluice.core.batching;

/**
 * Bounds of one batch. Immutable.
 *
 * @param maxChunks most chunks (= sessions) in a batch
 * @param maxPrefillTokens most prompt tokens in a batch while few wait; a single longer chunk still runs, alone
 * @param decodeBatchesPerPrefill after this many decode batches in a row a waiting prompt chunk must go
 * @param prefillGrowth up to so many times {@code maxPrefillTokens} go in a batch where prompts pile up
 * @param gatheredDecodes so many decode steps always make a batch; fewer wait for more where prompts pile up
 * @param prefillBatchesPerDecode so many prompt batches at most go while a decode step waits for more
 */
public record BatchLimits(
        int maxChunks,
        int maxPrefillTokens,
        int decodeBatchesPerPrefill,
        int prefillGrowth,
        int gatheredDecodes,
        int prefillBatchesPerDecode) {
    /** Prompt batches grow to so many times their usual size; beyond that simulated throughput no longer did. */
    public static final int PREFILL_GROWTH = 4;
    /** Enough decode steps for a pass over the weights to be worth its time among waiting prompts. */
    public static final int GATHERED_DECODES = 16;
    /** Prompt batches that may go while a step waits for others; a third one gained nothing. */
    public static final int PREFILL_BATCHES_PER_DECODE = 2;

    public BatchLimits {
        requirePositive("maxChunks", maxChunks);
        requirePositive("maxPrefillTokens", maxPrefillTokens);
        requirePositive("decodeBatchesPerPrefill", decodeBatchesPerPrefill);
        requirePositive("prefillGrowth", prefillGrowth);
        requirePositive("gatheredDecodes", gatheredDecodes);
        requirePositive("prefillBatchesPerDecode", prefillBatchesPerDecode);
    }

    /** Limits that are the same however much waits: no decode step waits for others. */
    public BatchLimits(int maxChunks, int maxPrefillTokens, int decodeBatchesPerPrefill) {
        this(maxChunks, maxPrefillTokens, decodeBatchesPerPrefill, 1, 1, 1);
    }

    /**
     * The limits that live workers and the simulator share: batches follow what waits.
     *
     * @param mostPrefillTokens prompt batches never grow beyond this, nor beyond {@link #PREFILL_GROWTH}
     */
    public static BatchLimits adaptive(
            int maxChunks, int maxPrefillTokens, int decodeBatchesPerPrefill, int mostPrefillTokens) {
        requirePositive("maxPrefillTokens", maxPrefillTokens);
        return new BatchLimits(
                maxChunks,
                maxPrefillTokens,
                decodeBatchesPerPrefill,
                Math.clamp(mostPrefillTokens / maxPrefillTokens, 1, PREFILL_GROWTH),
                GATHERED_DECODES,
                PREFILL_BATCHES_PER_DECODE);
    }

    BatchLimits withMaxChunks(int chunks) {
        return new BatchLimits(
                chunks,
                maxPrefillTokens,
                decodeBatchesPerPrefill,
                prefillGrowth,
                gatheredDecodes,
                prefillBatchesPerDecode);
    }

    BatchLimits withMaxPrefillTokens(int tokens) {
        return new BatchLimits(
                maxChunks, tokens, decodeBatchesPerPrefill, prefillGrowth, gatheredDecodes, prefillBatchesPerDecode);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
        }
    }
}
