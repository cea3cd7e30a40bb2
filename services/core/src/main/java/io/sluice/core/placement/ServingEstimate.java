package io.sluice.core.placement;

import io.sluice.core.cluster.LayerProfile;

/**
 * Predicts what a layout serves under an endless backlog: decode tokens/s, latencies and requests in flight. Max-flow
 * alone misranks layouts, because deeper pipelines and slow links raise latency while KV memory bounds how many requests
 * are in flight, and by Little's law {@code rate = in flight / time per request}.
 *
 * <p>Requests spread over the layout as {@link StageGroups} says. At a request rate every node and link is a queue: a
 * decode step waits for what is left of the batch, or transfer, under way (residual life {@code E[s²] / 2E[s]} times
 * utilisation, and M/G/1 {@code λE[s²] / 2(1 - ρ)} on links), then takes its own pass; a prompt likewise. The rate is
 * the largest at which the requests in flight fit the KV cache, prompts at once stay within their window, and nothing is
 * overloaded, found by bisection. Some 10 µs at two dozen nodes. Keeps arrays between calls: one instance per thread.
 */
public final class ServingEstimate {
    private static final int STEPS = 16;
    private static final double CLOSE = 1e-4;
    private static final int FILL_STEPS = 10;
    private static final double WARM_UP = 1 / 11.0;
    /** Requests in flight are longer than the mean request, since long ones stay longer. */
    private static final double LONGER = 1.12;

    private final PlacementProblem problem;
    private final Scheduling how;
    private final StageGroups groups;
    private final LoadedLayout loaded;
    private final double promptTokens;
    private final double outputTokens;
    private double inFlight;

    /**
     * How nodes and links order work. Immutable.
     *
     * @param chunkTokens largest prompt chunk; 0: prompts are computed whole and sent whole, in order of arrival
     * @param chunkSeconds longest time of a chunk on a node
     * @param pieceSeconds longest transfer of a piece of a prompt on a link
     * @param pieceBytes largest piece
     * @param recordSeconds what a message takes beside its bytes and the link's latency
     * @param nodeMark part of a node's KV cache that requests fill when routes keep to the flow; 0: routes follow the
     *     free cache
     * @param layerMark part of a layer's KV cache, over all nodes that hold it, that requests fill
     * @param promptsAtOnce prompts under way at once
     * @param horizonSeconds time from an empty start that counts, but for its first eleventh; 0: steady state
     * @param trailing how much longer than by itself a wait behind a prompt is, because who waits once trails that
     *     prompt through the nodes that follow
     */
    public record Scheduling(
            int chunkTokens,
            double chunkSeconds,
            double pieceSeconds,
            long pieceBytes,
            double recordSeconds,
            double nodeMark,
            double layerMark,
            double promptsAtOnce,
            double horizonSeconds,
            double trailing) {
        /** Helix's offline serving: whole prompts, KV marks 0.85 and 0.8, twenty prompts under way. */
        public static final Scheduling HELIX = new Scheduling(0, 0, 0, 0, 0, 0.85, 0.8, 20, 660, 1);

        /** Sluice's: chunks with decode steps between them at nodes and on links. */
        public static final Scheduling SLUICE = new Scheduling(256, 0.06, 0.01, 65_536, 0.0005, 0, 0.95, 9, 0, 0.7);

        public Scheduling {
            boolean negative = chunkTokens < 0 || chunkSeconds < 0 || pieceSeconds < 0 || recordSeconds < 0;
            if (negative
                    || !(layerMark > 0)
                    || !(promptsAtOnce > 0)
                    || !(horizonSeconds >= 0)
                    || !(trailing >= 0)
                    || !(nodeMark >= 0)) {
                throw new IllegalArgumentException(
                        "scheduling: times and chunks must not be negative, marks and prompts"
                                + " at once must be positive");
            }
        }
    }

    /**
     * What is predicted.
     *
     * @param decodeTokensPerSecond generated tokens/s
     * @param promptSeconds time of a prompt
     * @param decodeSeconds time of a decode step
     * @param inFlight requests in flight
     * @param hops mean stages per request
     * @param busiest utilisation of the busiest node or link
     */
    public record Estimate(
            double decodeTokensPerSecond,
            double promptSeconds,
            double decodeSeconds,
            double inFlight,
            double hops,
            double busiest) {
        /** The layout serves nothing. */
        public static final Estimate NOTHING = new Estimate(0, 0, 0, 0, 0, 0);
    }

    public ServingEstimate(PlacementProblem problem, Scheduling how) {
        this.problem = problem;
        this.how = how;
        this.groups = new StageGroups(problem);
        this.loaded = new LoadedLayout(problem, how, groups);
        this.promptTokens = problem.workload().meanPromptTokens();
        this.outputTokens = problem.workload().meanOutputTokens();
    }

    /** The prediction for {@code layout}. */
    public Estimate estimate(Layout layout) {
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        for (int i = 0; i < first.length; i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
        double decoded = solve(first, end);
        if (!(decoded > 0)) {
            return Estimate.NOTHING;
        }
        double hops = 0;
        for (int g = 0; g < groups.groups; g++) {
            hops += groups.share[g];
        }
        return new Estimate(decoded, loaded.promptLatency, loaded.decodeLatency, inFlight, hops, loaded.busiest);
    }

    /** Decode tokens/s alone, for searches. */
    public double decodeTokensPerSecond(int[] first, int[] end) {
        return solve(first, end);
    }

    /**
     * No layout decodes more: every request takes all layers through a prompt and its decode steps in batches as large
     * as any node forms them, and a machine works one second per second.
     */
    public static double upperBound(PlacementProblem problem) {
        double rate = 0;
        for (int i = 0; i < problem.nodes(); i++) {
            if (problem.maxLayers(i) > 0) {
                LayerProfile profile = problem.layerProfile(i);
                double perStep = Double.POSITIVE_INFINITY;
                for (int batch = 1; batch <= profile.decode().lastX(); batch++) {
                    perStep = Math.min(perStep, profile.decode().at(batch) / batch);
                }
                double seconds = profile.prompt().at(problem.workload().meanPromptTokens())
                        + problem.workload().meanOutputTokens() * perStep;
                rate += 1 / Math.max(1e-12, seconds) / problem.layers();
            }
        }
        return rate * problem.workload().meanOutputTokens();
    }

    /** Decode tokens per second; rates and latencies are left in the fields. */
    private double solve(int[] first, int[] end) {
        if (!groups.spread(first, end)) {
            return 0;
        }
        loaded.prepare();
        double most = mostInFlight();
        double steady = steady(most);
        if (how.horizonSeconds() == 0 || !(steady > 0)) {
            inFlight = steady * (loaded.promptLatency + outputTokens * loaded.decodeLatency);
            return steady * outputTokens;
        }
        return filled(most, steady);
    }

    /** The largest request rate that holds, by false position (Illinois); {@code loaded} is left there. */
    private double steady(double most) {
        double low = 0;
        double high = loaded.promptLimit();
        double below = -1;
        double above = Double.NaN;
        for (int step = 0; step < STEPS && high - low > CLOSE * high && below < -CLOSE; step++) {
            double part = Double.isNaN(above) ? 0.5 : Math.clamp(below / (below - above), 0.02, 0.98);
            double rate = low + part * (high - low);
            double excess = excess(rate, most);
            if (excess <= 0) {
                low = rate;
                below = excess;
                above /= 2;
            } else {
                high = rate;
                above = excess;
            }
        }
        loaded.at(low, low * outputTokens);
        return low;
    }

    /** By which share the rate breaks the limit it is nearest to; negative: it holds; NaN: something is overloaded. */
    private double excess(double rate, double most) {
        if (!loaded.at(rate, rate * outputTokens)) {
            return Double.NaN;
        }
        double held = rate * (loaded.promptLatency + outputTokens * loaded.decodeLatency) / most;
        return Math.max(held, rate * loaded.promptLatency / how.promptsAtOnce()) - 1;
    }

    /**
     * While the cache fills, a fixed number of prompts is under way at any time and holds up the decode steps; a layout
     * that takes long to fill serves that way for most of the horizon.
     */
    private double filled(double most, double steady) {
        double steadyLatency = loaded.decodeLatency;
        double steadyPrompt = loaded.promptLatency;
        double latency = steadyLatency;
        double low = steady;
        double high = loaded.promptLimit();
        for (int step = 0; step < FILL_STEPS; step++) {
            double rate = (low + high) / 2;
            boolean holds = loaded.at(rate, most / 2 / latency) && rate * loaded.promptLatency <= how.promptsAtOnce();
            if (holds) {
                low = rate;
                latency = (latency + loaded.decodeLatency) / 2;
            } else {
                high = rate;
            }
        }
        double begin = how.horizonSeconds() * WARM_UP;
        double filling = Math.clamp(most / low, begin, how.horizonSeconds());
        double part = (filling - begin) / (how.horizonSeconds() - begin);
        double meanInFlight = Math.min(most, low * (begin + filling) / 2);
        double decoding = Math.max(0, meanInFlight - how.promptsAtOnce());
        double whileFilling = Math.min(decoding / latency, steady * outputTokens);
        loaded.decodeLatency = part * latency + (1 - part) * steadyLatency;
        loaded.promptLatency = part * how.promptsAtOnce() / low + (1 - part) * steadyPrompt;
        inFlight = part * meanInFlight + (1 - part) * steady * (steadyPrompt + outputTokens * steadyLatency);
        return part * whileFilling + (1 - part) * steady * outputTokens;
    }

    /** Requests that fit the KV cache. */
    private double mostInFlight() {
        double perRequest = LONGER * (promptTokens + outputTokens);
        double most = Double.POSITIVE_INFINITY;
        double[] held = new double[problem.layers()];
        for (int g = 0; g < groups.groups; g++) {
            double kv = problem.kvTokensPerLayer(groups.node[g], groups.end[g] - groups.first[g]);
            for (int layer = groups.first[g]; layer < groups.end[g]; layer++) {
                held[layer] += kv * groups.machines[g];
            }
            if (how.nodeMark() > 0 && groups.share[g] > 0) {
                most = Math.min(most, how.nodeMark() * kv * groups.machines[g] / (groups.share[g] * perRequest));
            }
        }
        for (double layer : held) {
            most = Math.min(most, how.layerMark() * layer / perRequest);
        }
        return most;
    }
}
