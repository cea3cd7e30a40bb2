package io.sluice.core.slo;

/**
 * For how long one stage has had a session's prompt: the time in which any chunk of it waits here or is computed. A chunk that
 * ends at position e of a prompt of P has e/P of the stage's {@link StageBudget} for all of that time up to its own end, so what
 * earlier chunks have left is there for later ones, and a prompt that is late is seen before its last chunk. Not thread-safe.
 */
public final class PromptClock {
    private static final double NANOS_PER_MICRO = 1_000;

    private double spentNanos;
    private long endNanos = Long.MIN_VALUE;

    /** From when a chunk's time counts that was received then: the chunk before it must have been computed. */
    public long sinceNanos(long receivedNanos) {
        return Math.max(receivedNanos, endNanos);
    }

    /**
     * What a chunk may take, ns from {@link #sinceNanos}; not positive: there is no budget, or nothing of it is left.
     *
     * @param end position after the chunk's last one
     * @param promptTokens positions of the prompt
     */
    public double leftNanos(StageBudget budget, int end, int promptTokens) {
        double whole = budget.ttftMicros() * NANOS_PER_MICRO;
        return whole * Math.min(1, (double) end / promptTokens) - spentNanos;
    }

    /** A chunk that was received then has been computed. */
    public void computed(long receivedNanos, long atNanos) {
        spentNanos += Math.max(0, atNanos - sinceNanos(receivedNanos));
        endNanos = Math.max(endNanos, atNanos);
    }
}
