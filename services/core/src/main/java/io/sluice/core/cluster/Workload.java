package io.sluice.core.cluster;

/**
 * What requests look like on average. Immutable.
 *
 * @param meanPromptTokens prompt tokens per request
 * @param meanOutputTokens generated tokens per request
 */
public record Workload(double meanPromptTokens, double meanOutputTokens) {
    /** The Azure LLM inference trace 2023, conversations, as filtered by Helix's artefact. */
    public static final Workload AZURE_CONVERSATION = new Workload(763.1, 232.4);

    public Workload {
        Numbers.positive("mean prompt tokens", meanPromptTokens);
        Numbers.positive("mean output tokens", meanOutputTokens);
    }

    /** Part of all tokens that are generated. */
    public double decodeShare() {
        return meanOutputTokens / (meanPromptTokens + meanOutputTokens);
    }
}
