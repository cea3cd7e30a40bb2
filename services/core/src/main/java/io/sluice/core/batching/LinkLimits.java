package io.sluice.core.batching;

/**
 * Bounds of one record on a link, so that nothing waits long behind it. Immutable.
 *
 * @param decodesPerRecord most decode steps in a record
 * @param promptTokensPerRecord most prompt positions in a record; longer chunks are cut
 * @param decodeRecordsPerPrompt after this many decode records in a row a waiting prompt record must go
 */
public record LinkLimits(int decodesPerRecord, int promptTokensPerRecord, int decodeRecordsPerPrompt) {
    public LinkLimits {
        requirePositive("decodesPerRecord", decodesPerRecord);
        requirePositive("promptTokensPerRecord", promptTokensPerRecord);
        requirePositive("decodeRecordsPerPrompt", decodeRecordsPerPrompt);
    }

    /**
     * Limits under which a record takes at most {@code mostSeconds} to send, never less than one position. That binds
     * decode steps too: of a large record on a slow link nothing arrives before all of it has been sent.
     *
     * @param bytesPerSecond bandwidth of the link
     * @param bytesPerToken what one position takes
     * @param mostSeconds longest transfer of a record
     * @param mostBytes largest record the transport takes
     */
    public static LinkLimits bounded(double bytesPerSecond, double bytesPerToken, double mostSeconds, long mostBytes) {
        if (!(bytesPerSecond > 0) || !(bytesPerToken > 0) || !(mostSeconds > 0) || mostBytes < 1) {
            throw new IllegalArgumentException("a link of " + bytesPerSecond + " bytes/s with " + bytesPerToken
                    + " bytes per token, " + mostSeconds + " s and " + mostBytes
                    + " bytes per record: all must be positive");
        }
        double bytes = Math.min(bytesPerSecond * mostSeconds, mostBytes);
        int tokens = (int) Math.clamp((long) (bytes / bytesPerToken), 1L, 1_000_000L);
        return new LinkLimits(tokens, tokens, 4);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
        }
    }
}
