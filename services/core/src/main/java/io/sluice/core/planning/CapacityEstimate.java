package io.sluice.core.planning;

import java.util.Objects;

/**
 * A worker's measured speed against the speed it announced; immutable.
 *
 * @param prefillTokensPerSecond announced, tokens/s
 * @param decodeTokensPerSecond announced, tokens/s
 * @param expectedSeconds recent work at the announced speeds, seconds, older work counting less
 * @param busySeconds time that work really took, seconds, weighted alike
 * @param prefillTokens recent prompt tokens, long memory
 * @param decodeTokens recent decode tokens, long memory
 * @param pending work too little to count by itself
 */
public record CapacityEstimate(
        double prefillTokensPerSecond,
        double decodeTokensPerSecond,
        double expectedSeconds,
        double busySeconds,
        double prefillTokens,
        double decodeTokens,
        Pending pending) {

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

    public CapacityEstimate {
        Objects.requireNonNull(pending, "pending");
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

    /** The same speeds with another recent mix. */
    CapacityEstimate withTokens(double prefill, double decode) {
        return new CapacityEstimate(
                prefillTokensPerSecond, decodeTokensPerSecond, expectedSeconds, busySeconds, prefill, decode, pending);
    }

    /** Measured over announced speed; 0.5: half as fast as announced. */
    public double speedFactor() {
        return expectedSeconds / busySeconds;
    }

    /** Tokens per busy second, prompt and decode tokens counted alike, under {@code mix}. */
    public double tokensPerSecond(TokenMix mix) {
        return speedFactor() * mix.tokensPerSecond(prefillTokensPerSecond, decodeTokensPerSecond);
    }
}
