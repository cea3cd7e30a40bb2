package io.sluice.core.planning;

import java.util.Objects;

/**
 * A worker's measured speed against the speed it announced; immutable.
 *
 * <p>Two measurements of different memory: a recent one that notices a change within a second, and a steady one whose
 * noise is far smaller, which is what counts until the recent one has contradicted it twice in a row.
 *
 * @param prefillTokensPerSecond announced, tokens/s
 * @param decodeTokensPerSecond announced, tokens/s
 * @param expectedSeconds recent work at the announced speeds, seconds, older work counting less
 * @param busySeconds time that work really took, seconds, weighted alike
 * @param prefillTokens recent prompt tokens, long memory
 * @param decodeTokens recent decode tokens, long memory
 * @param pending work too little to count by itself
 * @param steady the same sums with a longer memory
 */
public record CapacityEstimate(
        double prefillTokensPerSecond,
        double decodeTokensPerSecond,
        double expectedSeconds,
        double busySeconds,
        double prefillTokens,
        double decodeTokens,
        Pending pending,
        Steady steady) {

    /**
     * Work since the sums were last updated.
     *
     * @param expectedSeconds at the announced cost
     * @param busySeconds that it really took so far
     */
    public record Pending(double expectedSeconds, double busySeconds, double batches) {
        /** Nothing. */
        public static final Pending NONE = new Pending(0, 0, 0);
    }

    /**
     * Sums of a longer memory.
     *
     * @param expectedSeconds work at the announced speeds
     * @param busySeconds time it really took
     * @param contradictions how often in a row the recent measurement was far off
     */
    public record Steady(double expectedSeconds, double busySeconds, int contradictions) {
        public Steady {
            positive("steady expected seconds", expectedSeconds);
            positive("steady busy seconds", busySeconds);
        }
    }

    public CapacityEstimate {
        Objects.requireNonNull(pending, "pending");
        Objects.requireNonNull(steady, "steady");
        positive("announced prefill speed", prefillTokensPerSecond);
        positive("announced decode speed", decodeTokensPerSecond);
        positive("expected seconds", expectedSeconds);
        positive("busy seconds", busySeconds);
    }

    private static void positive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(what + " " + value + " must be positive and finite");
        }
    }

    /** The same measurements at another speed factor. */
    CapacityEstimate scaled(double factor) {
        return new CapacityEstimate(
                prefillTokensPerSecond,
                decodeTokensPerSecond,
                busySeconds * factor,
                busySeconds,
                prefillTokens,
                decodeTokens,
                pending,
                new Steady(steady.busySeconds() * factor, steady.busySeconds(), 0));
    }

    /** The same speeds with another recent mix. */
    CapacityEstimate withTokens(double prefill, double decode) {
        return new CapacityEstimate(
                prefillTokensPerSecond,
                decodeTokensPerSecond,
                expectedSeconds,
                busySeconds,
                prefill,
                decode,
                pending,
                steady);
    }

    /** Measured over announced speed; 0.5: half as fast as announced. */
    public double speedFactor() {
        return steady.expectedSeconds() / steady.busySeconds();
    }

    /** Tokens per busy second, prompt and decode tokens counted alike, under {@code mix}. */
    public double tokensPerSecond(TokenMix mix) {
        return speedFactor() * mix.tokensPerSecond(prefillTokensPerSecond, decodeTokensPerSecond);
    }
}
