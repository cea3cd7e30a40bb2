package io.sluice.core.batching;

/**
 * How long anything may stand in front of a decode step at a stage and on a link; what live workers and the simulator
 * share. Immutable.
 *
 * @param mostChunkSeconds longest time a prompt chunk may hold a stage
 * @param mostChunkTokens largest prompt chunk
 * @param mostRecordSeconds longest transfer of a record on a link
 * @param overtakingPerToken by how many later prompts a prompt may be overtaken, per token of its length
 * @param decodeBatchesPerPrefill decode batches in a row while a prompt chunk waits
 */
public record SchedulingBounds(
        double mostChunkSeconds,
        int mostChunkTokens,
        double mostRecordSeconds,
        double overtakingPerToken,
        int decodeBatchesPerPrefill) {
    /** What the simulated figures were seen with. */
    public static final SchedulingBounds DEFAULT = new SchedulingBounds(0.08, 256, 0.01, 0.002, 1);

    public SchedulingBounds {
        if (!(mostChunkSeconds > 0) || mostChunkTokens < 1 || !(mostRecordSeconds > 0)) {
            throw new IllegalArgumentException("chunks of " + mostChunkTokens + " tokens and " + mostChunkSeconds
                    + " s, records of " + mostRecordSeconds + " s: all must be positive");
        }
        if (!(overtakingPerToken >= 0) || decodeBatchesPerPrefill < 1) {
            throw new IllegalArgumentException("overtaking of " + overtakingPerToken
                    + " prompts per token must not be negative, " + decodeBatchesPerPrefill
                    + " decode batches in a row must be at least 1");
        }
    }

    /**
     * Rank of a prompt's chunks in {@link BatchScheduler} and {@link LinkQueue}: grows with arrival and with length, so
     * that short prompts go first and nobody is overtaken for ever.
     *
     * @param arrival number of the prompt in order of arrival
     */
    public double rank(long arrival, int promptTokens) {
        return arrival + overtakingPerToken * promptTokens;
    }
}
