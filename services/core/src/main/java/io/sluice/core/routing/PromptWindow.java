package io.sluice.core.routing;

/**
 * How many prompts may be computed at once. More than keep the pipelines busy only queue up in front of one another at
 * nodes and links, where they make decode steps wait; in the router they wait at no one's cost. A prompt of usual length
 * counts one, a longer one more, and a window that is empty takes any prompt. Not thread-safe.
 */
public final class PromptWindow {
    private final int mostPrompts;
    private final double usualTokens;
    private double used;
    private int prompts;

    /**
     * @param mostPrompts prompts of usual length at once
     * @param usualTokens length of a usual prompt; shorter ones count as half of one at least
     */
    public PromptWindow(int mostPrompts, double usualTokens) {
        if (mostPrompts < 1 || !(usualTokens > 0)) {
            throw new IllegalArgumentException(
                    "a window of " + mostPrompts + " prompts of " + usualTokens + " tokens: both must be positive");
        }
        this.mostPrompts = mostPrompts;
        this.usualTokens = usualTokens;
    }

    /** Whether a prompt may start now. */
    public boolean admits(int promptTokens) {
        return prompts == 0 || used + weight(promptTokens) <= mostPrompts + 1e-9;
    }

    /** A prompt starts. */
    public void started(int promptTokens) {
        used += weight(promptTokens);
        prompts++;
    }

    /** A prompt that had started has its first token, or has failed. */
    public void finished(int promptTokens) {
        if (prompts == 0) {
            throw new IllegalStateException("a prompt finished, but none had started");
        }
        prompts--;
        used = prompts == 0 ? 0 : used - weight(promptTokens);
    }

    /** Prompts now being computed. */
    public int prompts() {
        return prompts;
    }

    private double weight(int promptTokens) {
        return Math.max(0.5, promptTokens / usualTokens);
    }
}
