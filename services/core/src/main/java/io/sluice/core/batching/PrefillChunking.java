package io.sluice.core.batching;

import io.sluice.core.cluster.Curve;
import java.util.List;

/**
 * How many positions a prompt chunk should have on a pipeline. Chunks of one prompt follow one another through the stages,
 * so a prompt of n positions in chunks of c takes about {@code sum_h t_h(c) + (ceil(n/c) - 1) * max_h t_h(c)}, where
 * {@code t_h(c)} is the time of stage or link h: small chunks overlap better, but a chunk never costs a stage less than one
 * pass over its weights. Among sizes whose longest time stays within a bound, because a decode step may have to wait that
 * long, the one with the least such estimate is taken (chunked prefill: Sarathi-Serve, OSDI'24; pipelined chunks:
 * TeraPipe, ICML'21). Stateless and thread-safe.
 */
public final class PrefillChunking {
    /** Chunks are multiples of this, positions. */
    public static final int STEP_TOKENS = 16;

    private PrefillChunking() {}

    /**
     * A stage as chunks see it.
     *
     * @param layers layers that the chunk passes there
     * @param prompt seconds per layer by prompt positions
     * @param floorSeconds least time per layer of any chunk: one pass over the weights
     * @param secondsPerToken sending one position on from there, seconds
     */
    public record Hop(int layers, Curve prompt, double floorSeconds, double secondsPerToken) {
        public Hop {
            if (layers < 1 || !(floorSeconds >= 0) || !(secondsPerToken >= 0)) {
                throw new IllegalArgumentException("a hop of " + layers + " layers, floor " + floorSeconds + " s and "
                        + secondsPerToken + " s per token: at least one layer and nothing negative");
            }
        }

        /** Time of a chunk at the stage, seconds. */
        public double computeSeconds(int tokens) {
            return layers * Math.max(prompt.at(tokens), floorSeconds);
        }
    }

    /** Unloaded time of a prompt of {@code promptTokens} in chunks of {@code chunkTokens}, seconds. */
    public static double promptSeconds(List<Hop> hops, int promptTokens, int chunkTokens) {
        double path = 0;
        double slowest = 0;
        int chunk = Math.min(chunkTokens, promptTokens);
        for (Hop hop : hops) {
            double compute = hop.computeSeconds(chunk);
            double send = chunk * hop.secondsPerToken;
            path += compute + send;
            slowest = Math.max(slowest, Math.max(compute, send));
        }
        int chunks = (promptTokens + chunk - 1) / chunk;
        return path + (chunks - 1) * slowest;
    }

    /**
     * The chunk size for a pipeline.
     *
     * @param promptTokens a usual prompt
     * @param mostSeconds longest time a chunk may hold a stage, where any size at all keeps to it
     * @param mostTokens largest chunk
     */
    public static int chunkTokens(List<Hop> hops, int promptTokens, double mostSeconds, int mostTokens) {
        if (hops.isEmpty() || promptTokens < 1 || mostTokens < 1 || !(mostSeconds > 0)) {
            throw new IllegalArgumentException("chunks for " + hops.size() + " hops, prompts of " + promptTokens
                    + " tokens, at most " + mostTokens + " tokens and " + mostSeconds
                    + " s: all must be positive");
        }
        int best = Math.min(STEP_TOKENS, mostTokens);
        double bestSeconds = promptSeconds(hops, promptTokens, best);
        double leastHold = longestSeconds(hops, best);
        for (int size = best + STEP_TOKENS; size <= mostTokens; size += STEP_TOKENS) {
            if (longestSeconds(hops, size) > Math.max(mostSeconds, leastHold * 1.001)) {
                break;
            }
            double seconds = promptSeconds(hops, promptTokens, size);
            if (seconds <= bestSeconds) {
                best = size;
                bestSeconds = seconds;
            }
        }
        return best;
    }

    private static double longestSeconds(List<Hop> hops, int tokens) {
        double longest = 0;
        for (Hop hop : hops) {
            longest = Math.max(longest, hop.computeSeconds(tokens));
        }
        return longest;
    }
}
