package io.sluice.core.routing;

/**
 * How many prompts may be computed at once. Fewer than the pipelines can overlap leave them idle; more only queue up in
 * front of one another at nodes and links, where they make decode steps wait, while in the router they wait at no one's
 * cost. So the window follows what prompts tell: while they take less than {@link #wantedSlowness} times what they would
 * take alone it grows by one per window of prompts, else it shrinks as slowly (additive both ways: TCP Vegas, SIGCOMM'94).
 * Where the KV cache is full, decode steps are what a cluster serves, and {@link #SLOWNESS} is wanted; where much of it
 * stays free, outputs are short and prompts are the work, so that up to {@link #MOST_SLOWNESS} they may queue up. A
 * prompt of usual length counts one, a longer one more, and a window that is empty takes any prompt. Not thread-safe.
 */
public final class PromptWindow {
    /** Time of a prompt by its time alone at which the window keeps its size where the KV cache is full. */
    public static final double SLOWNESS = 2.5;
    /** The same where at most 0.4 of the KV cache is held. */
    public static final double MOST_SLOWNESS = 3.5;

    private static final double FREE_KV = 0.4;
    private static final double FULL_KV = 0.6;
    private static final double LEAST = 4;
    private static final double NEWEST_WEIGHT = 0.1;

    private final double mostPrompts;
    private double limit;
    private double usualTokens;
    private double slowness = SLOWNESS;
    private double wantedSlowness = SLOWNESS;
    private double used;
    private int prompts;

    /**
     * @param firstPrompts prompts of usual length at once to begin with
     * @param mostPrompts largest window
     * @param usualTokens length of a usual prompt to begin with; the running mean follows
     */
    public PromptWindow(int firstPrompts, int mostPrompts, double usualTokens) {
        if (firstPrompts < 1 || mostPrompts < firstPrompts || !(usualTokens > 0)) {
            throw new IllegalArgumentException("a window of " + firstPrompts + " to " + mostPrompts + " prompts of "
                    + usualTokens + " tokens: all must be positive and the second not below the first");
        }
        this.limit = firstPrompts;
        this.mostPrompts = mostPrompts;
        this.usualTokens = usualTokens;
    }

    /** Whether a prompt may start now. */
    public boolean admits(int promptTokens) {
        return prompts == 0 || used + promptTokens <= limit * usualTokens;
    }

    /** A prompt starts. */
    public void started(int promptTokens) {
        used += promptTokens;
        prompts++;
        usualTokens += NEWEST_WEIGHT / 10 * (promptTokens - usualTokens);
    }

    /** A prompt that had started has failed. */
    public void finished(int promptTokens) {
        if (prompts == 0) {
            throw new IllegalStateException("a prompt finished, but none had started");
        }
        prompts--;
        used = prompts == 0 ? 0 : used - promptTokens;
    }

    /**
     * A prompt that had started has its first token.
     *
     * @param seconds it took
     * @param aloneSeconds it would have taken alone ({@code PrefillChunking.promptSeconds}), positive
     */
    public void finished(int promptTokens, double seconds, double aloneSeconds) {
        finished(promptTokens);
        if (!(aloneSeconds > 0) || !(seconds >= 0)) {
            throw new IllegalArgumentException("a prompt took " + seconds + " s and " + aloneSeconds
                    + " s alone: the first must not be negative, the second be positive");
        }
        slowness += NEWEST_WEIGHT * (seconds / aloneSeconds - slowness);
        double step = 1 / limit;
        limit = Math.clamp(
                slowness < wantedSlowness ? limit + step : limit - step, Math.min(LEAST, mostPrompts), mostPrompts);
    }

    /**
     * How full the KV cache is, of that worker where it is fullest.
     *
     * @param part held or reserved, 0 to 1; more counts as full
     */
    public void kvHeld(double part) {
        if (!(part >= 0)) {
            throw new IllegalArgumentException("a part of " + part + " of the KV cache; it must not be negative");
        }
        double free = Math.clamp((FULL_KV - part) / (FULL_KV - FREE_KV), 0.0, 1.0);
        wantedSlowness = SLOWNESS + free * (MOST_SLOWNESS - SLOWNESS);
    }

    /** Time of a prompt by its time alone at which the window now keeps its size. */
    public double wantedSlowness() {
        return wantedSlowness;
    }

    /** Whether no more is being computed than the smallest window lets in. */
    public boolean isQuiet() {
        return prompts <= 1 || used <= LEAST * usualTokens;
    }

    /** Prompts now being computed. */
    public int prompts() {
        return prompts;
    }

    /** Prompts of usual length that may be computed at once now. */
    public double limit() {
        return limit;
    }
}
