package io.sluice.core.planning;

/**
 * How many prompt and decode tokens pass, recently; only the proportion counts. One mix serves all workers of a model:
 * with a mix of its own, a worker that happened to see more prompts would look faster than its replica.
 */
public record TokenMix(double prefillTokens, double decodeTokens) {
    /** As many prompt tokens as decode tokens: what is assumed before anything was measured. */
    public static final TokenMix EVEN = new TokenMix(1, 1);

    public TokenMix {
        if (!(prefillTokens >= 0) || !(decodeTokens >= 0) || !(prefillTokens + decodeTokens > 0)) {
            throw new IllegalArgumentException("token mix of " + prefillTokens + " prompt and " + decodeTokens
                    + " decode tokens must be positive in sum and nowhere negative");
        }
    }

    /** Tokens/s of a device that does {@code prefill} prompt tokens/s or {@code decode} decode tokens/s. */
    public double tokensPerSecond(double prefill, double decode) {
        return (prefillTokens + decodeTokens) / (prefillTokens / prefill + decodeTokens / decode);
    }
}
