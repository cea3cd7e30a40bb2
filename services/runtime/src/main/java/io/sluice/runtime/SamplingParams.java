package io.sluice.runtime;

/**
 * How the next token is drawn. Immutable.
 *
 * @param temperature divides the logits; 0 is greedy
 * @param topK only the {@code topK} likeliest tokens stay, 0: all
 * @param topP of those, the fewest likeliest whose probabilities reach {@code topP} stay, 1: all
 * @param seed of the request; the same seed, position and logits give the same token anywhere
 */
public record SamplingParams(double temperature, int topK, double topP, long seed) {
    /** The likeliest token, always. */
    public static final SamplingParams GREEDY = new SamplingParams(0, 0, 1, 0);

    public SamplingParams {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature " + temperature + " must be 0 (greedy) or above");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k " + topK + " must be 0 (all tokens) or above");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p " + topP + " must be above 0 and at most 1");
        }
    }

    /** Whether the likeliest token is taken without drawing. */
    public boolean greedy() {
        return temperature == 0 || topK == 1;
    }
}
