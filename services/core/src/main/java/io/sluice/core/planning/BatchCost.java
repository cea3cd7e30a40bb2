package io.sluice.core.planning;

/**
 * What a batch costs on a device, as announced: {@code perBatch + p * perPrefillToken + d * perDecodeToken} for p
 * prompt and d decode tokens. A speed without it would depend on the batch a worker happens to run: decoding two
 * sessions takes about as long as decoding one. Immutable.
 *
 * @param perBatchMicros fixed time of a batch, microseconds
 * @param perPrefillTokenMicros time each prompt token adds, microseconds
 * @param perDecodeTokenMicros time each decode token adds, microseconds
 */
public record BatchCost(double perBatchMicros, double perPrefillTokenMicros, double perDecodeTokenMicros) {
    /** Nothing announced. */
    public static final BatchCost UNKNOWN = new BatchCost(0, 0, 0);

    private static final double MOST_MICROS = 1e12;

    public BatchCost {
        if (!(perBatchMicros >= 0)
                || !(perPrefillTokenMicros >= 0)
                || !(perDecodeTokenMicros >= 0)
                || perBatchMicros + perPrefillTokenMicros + perDecodeTokenMicros > MOST_MICROS) {
            throw new IllegalArgumentException("batch cost (" + perBatchMicros + ", " + perPrefillTokenMicros + ", "
                    + perDecodeTokenMicros + ") us must be numbers of 0 or more, together at most " + MOST_MICROS);
        }
    }

    /** Whether a worker announced it: every token costs something. */
    public boolean known() {
        return perPrefillTokenMicros > 0 && perDecodeTokenMicros > 0;
    }

    /** Seconds that {@code batches} with so many tokens in all should take. */
    public double seconds(double batches, double prefillTokens, double decodeTokens) {
        return (batches * perBatchMicros + prefillTokens * perPrefillTokenMicros + decodeTokens * perDecodeTokenMicros)
                / 1e6;
    }
}
