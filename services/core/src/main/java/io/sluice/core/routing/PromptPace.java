package io.sluice.core.routing;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What prompts take alone, as their times tell: a fixed part and seconds per token, the highest such line below the
 * fastest prompts seen (at their mean length). A prompt among others takes longer than alone, so that only the fastest
 * count, as with the least round trip of TCP Vegas (SIGCOMM'94); one prompt is kept for each doubling of length, the
 * fastest per token, and the line is then right for short and long ones.
 *
 * <p>It forgets slowly, as a cluster may become slower: every prompt that was computed among few raises what is kept, but
 * not above what it took itself, so that in {@link #DOUBLING_PROMPTS} of them it doubles. Prompts computed among many
 * raise nothing, as they say little of a time alone; a pace that is held too fast makes the {@link PromptWindow} small,
 * and then they are few. Pipelines of unequal speed are not told apart: slower ones look crowded. Not thread-safe.
 */
public final class PromptPace {
    /** Prompts to see before the pace counts as known. */
    public static final int LEAST_PROMPTS = 8;
    /** Prompts among few after which a fastest time that was never reached again has doubled. */
    public static final int DOUBLING_PROMPTS = 256;

    private static final double FORGETTING = Math.pow(2, 1.0 / DOUBLING_PROMPTS);
    /** Clocks tell no less. */
    private static final double LEAST_SECONDS = 0.001;
    /** Prompts over which the mean length runs. */
    private static final int MEAN_PROMPTS = 100;

    /** Per doubling of length, the length of its fastest prompt; 0: none seen. */
    private final int[] tokens = new int[Integer.SIZE];
    /** What that one took, raised since. */
    private final double[] seconds = new double[Integer.SIZE];

    private int prompts;
    private double meanTokens;
    private double fixedSeconds;
    private double secondsPerToken;

    /**
     * A prompt has its first token.
     *
     * @param promptTokens its length, positive
     * @param tookSeconds from its start, not negative
     * @param amongFew whether so few others were computed with it that it may have taken little more than alone
     */
    public void seen(int promptTokens, double tookSeconds, boolean amongFew) {
        if (promptTokens < 1 || !(tookSeconds >= 0 && tookSeconds < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("a prompt of " + promptTokens + " tokens took " + tookSeconds
                    + " s: the first must be positive, the second finite and not negative");
        }
        double took = Math.max(LEAST_SECONDS, tookSeconds);
        prompts = Math.min(prompts + 1, MEAN_PROMPTS);
        meanTokens += (promptTokens - meanTokens) / prompts;
        if (amongFew) {
            for (int i = 0; i < seconds.length; i++) {
                seconds[i] *= FORGETTING;
            }
        }
        int bucket = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(promptTokens);
        if (tokens[bucket] == 0 || took * tokens[bucket] <= seconds[bucket] * promptTokens) {
            tokens[bucket] = promptTokens;
            seconds[bucket] = took;
        }
        fit();
    }

    /** The line that is highest at the mean length among those below all that is kept and with no part negative. */
    private void fit() {
        double best = -1;
        for (double slope : slopes()) {
            double fixed = Double.POSITIVE_INFINITY;
            for (int i = 0; i < tokens.length; i++) {
                fixed = tokens[i] == 0 ? fixed : Math.min(fixed, seconds[i] - slope * tokens[i]);
            }
            double height = fixed + slope * meanTokens;
            if (fixed >= 0 && height > best) {
                best = height;
                fixedSeconds = fixed;
                secondsPerToken = slope;
            }
        }
    }

    /** Where the highest line can be: flat, through nothing, or through two of the prompts kept. */
    private double[] slopes() {
        int[] kept =
                IntStream.range(0, tokens.length).filter(i -> tokens[i] > 0).toArray();
        double[] slopes = new double[2 + kept.length * (kept.length - 1) / 2];
        int count = 1;
        double through = Arrays.stream(kept)
                .mapToDouble(i -> seconds[i] / tokens[i])
                .min()
                .orElse(0);
        // A hair lower, so that rounding leaves no negative fixed part.
        slopes[count++] = through * (1 - 1e-12);
        for (int i : kept) {
            for (int j : kept) {
                if (i < j) {
                    slopes[count++] = Math.max(0, (seconds[j] - seconds[i]) / (tokens[j] - tokens[i]));
                }
            }
        }
        return slopes;
    }

    /** Whether enough prompts were seen to go by. */
    public boolean isKnown() {
        return prompts >= LEAST_PROMPTS;
    }

    /** What a prompt of this length would take alone, positive; a guess while the pace is not known. */
    public double aloneSeconds(int promptTokens) {
        return Math.max(LEAST_SECONDS, fixedSeconds + secondsPerToken * promptTokens);
    }

    /** The part of every prompt's time that does not depend on its length. */
    public double fixedSeconds() {
        return fixedSeconds;
    }

    /** The part that grows with the length. */
    public double secondsPerToken() {
        return secondsPerToken;
    }

    /** Mean length of the last hundred prompts or so; 0 before the first. */
    public double meanTokens() {
        return meanTokens;
    }
}
