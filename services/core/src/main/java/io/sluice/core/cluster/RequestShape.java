package io.sluice.core.cluster;

/**
 * Lengths of one request. Immutable.
 *
 * @param promptTokens prompt, tokens
 * @param outputTokens tokens generated
 */
public record RequestShape(int promptTokens, int outputTokens) {
    public RequestShape {
        if (promptTokens < 1 || outputTokens < 1) {
            throw new IllegalArgumentException("a request of " + promptTokens + " prompt and " + outputTokens
                    + " output tokens; both must be at least 1");
        }
    }
}
