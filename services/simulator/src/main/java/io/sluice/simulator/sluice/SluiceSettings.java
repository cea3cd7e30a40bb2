package io.sluice.simulator.sluice;

/**
 * What can be set of the policy. Immutable.
 *
 * @param mostChunkSeconds longest time a prompt chunk may hold a node
 * @param mostChunkTokens largest prompt chunk
 * @param mostRecordSeconds longest transfer of a prompt record on a link
 * @param mostRecordBytes largest record
 * @param recordBytes bytes every record takes beside its tokens
 * @param recordSeconds what a small record spends in the broker, beside the link's latency
 * @param promptsAtOnce prompts of usual length that may be computed at once to begin with
 * @param mostPromptsAtOnce as many as the window may grow to
 * @param highWater part of a node's KV cache that is filled
 * @param overtakingPerToken by how many later requests a prompt may be overtaken, per token of its length
 * @param decodeBatchesPerPrefill decode batches in a row while a prompt chunk waits
 */
public record SluiceSettings(
        double mostChunkSeconds,
        int mostChunkTokens,
        double mostRecordSeconds,
        long mostRecordBytes,
        int recordBytes,
        double recordSeconds,
        int promptsAtOnce,
        int mostPromptsAtOnce,
        double highWater,
        double overtakingPerToken,
        int decodeBatchesPerPrefill) {
    /** Up to this size a record's time in the broker hardly depends on the size, bytes. */
    public static final int SMALL_RECORD_BYTES = 65_536;
    /** Time in the broker of every byte beyond that: 3 ms for a record of 1 MB, seconds. */
    public static final double LARGE_RECORD_SECONDS_PER_BYTE = 2.7e-9;

    /** Overheads as measured on Sluice's own hops: about 0.5 ms for records of up to 64 KiB, 3 ms at 1 MB. */
    public static final SluiceSettings DEFAULT =
            new SluiceSettings(0.08, 256, 0.01, 1 << 20, 200, 0.0005, 12, 64, 0.95, 0.002, 1);

    public SluiceSettings {
        if (!(mostChunkSeconds > 0) || mostChunkTokens < 1 || !(mostRecordSeconds > 0) || mostRecordBytes < 1) {
            throw new IllegalArgumentException("chunks of " + mostChunkTokens + " tokens and " + mostChunkSeconds
                    + " s, records of " + mostRecordBytes + " bytes and " + mostRecordSeconds
                    + " s: all must be positive");
        }
        if (recordBytes < 0 || !(recordSeconds >= 0) || promptsAtOnce < 1 || decodeBatchesPerPrefill < 1) {
            throw new IllegalArgumentException("overheads of " + recordBytes + " bytes and " + recordSeconds
                    + " s must not be negative, " + promptsAtOnce + " prompts at once and " + decodeBatchesPerPrefill
                    + " decode batches in a row must be at least 1");
        }
        if (!(highWater > 0 && highWater <= 1) || !(overtakingPerToken >= 0)) {
            throw new IllegalArgumentException("high-water mark " + highWater + " must be in (0, 1], overtaking of "
                    + overtakingPerToken + " requests per token must not be negative");
        }
    }

    /** What a record of so many bytes spends in the broker, seconds; a larger message would go as several records. */
    double recordSeconds(long bytes) {
        long large = Math.max(0, Math.min(bytes, mostRecordBytes) - SMALL_RECORD_BYTES);
        return recordSeconds + large * LARGE_RECORD_SECONDS_PER_BYTE;
    }
}
