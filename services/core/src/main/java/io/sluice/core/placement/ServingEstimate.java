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
    private static final int BATCH_STEPS = 5;
    private static final double FULL = 0.99;
    /** {@code E[x²] / E[x]²} of prompt lengths: 1.34 in the Azure trace of conversations. */
    private static final double SPREAD = 1.34;
    /** Hops that fewer requests take do not space the chunks of the usual prompt. */
    private static final double USUAL = 0.2;

    private static final double COPY_SECONDS_PER_BYTE = 1 / 4e9 + 1 / 5e9;

    private final PlacementProblem problem;
    private final Scheduling how;
    private final StageGroups groups;
    private final double promptTokens;
    private final double outputTokens;
    private final double bytesPerToken;
    private final double[] promptSeconds;
    private final double[] chunkCount;
    private final double[] behind;
    private double promptLatency;
    private double decodeLatency;
    private double busiest;

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
            double trailing) {
        /** Helix's offline serving: whole prompts, KV marks 0.85 and 0.8, twenty prompts under way. */
        public static final Scheduling HELIX = new Scheduling(0, 0, 0, 0, 0, 0.85, 0.8, 20, 1);

        /** Sluice's: chunks with decode steps between them at nodes and on links. */
        public static final Scheduling SLUICE = new Scheduling(256, 0.06, 0.01, 65_536, 0.0005, 0, 0.95, 10, 1);

        public Scheduling {
            boolean negative = chunkTokens < 0 || chunkSeconds < 0 || pieceSeconds < 0 || recordSeconds < 0;
            if (negative || !(layerMark > 0) || !(promptsAtOnce > 0) || !(trailing >= 0) || !(nodeMark >= 0)) {
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
        this.promptTokens = problem.workload().meanPromptTokens();
        this.outputTokens = problem.workload().meanOutputTokens();
        this.bytesPerToken =
                problem.model().activationBytesPerToken() + problem.model().tokenBytes();
        this.promptSeconds = new double[problem.nodes()];
        this.chunkCount = new double[problem.nodes()];
        this.behind = new double[problem.nodes()];
    }

    /** The prediction for {@code layout}. */
    public Estimate estimate(Layout layout) {
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        for (int i = 0; i < first.length; i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
        double rate = solve(first, end);
        if (!(rate > 0)) {
            return Estimate.NOTHING;
        }
        double hops = 0;
        for (int g = 0; g < groups.groups; g++) {
            hops += groups.share[g];
        }
        return new Estimate(
                rate * outputTokens,
                promptLatency,
                decodeLatency,
                rate * (promptLatency + outputTokens * decodeLatency),
                hops,
                busiest);
    }

    /** Decode tokens/s alone, for searches. */
    public double decodeTokensPerSecond(int[] first, int[] end) {
        return solve(first, end) * outputTokens;
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

    /** Requests per second; latencies are left in the fields. */
    private double solve(int[] first, int[] end) {
        if (!groups.spread(first, end)) {
            return 0;
        }
        for (int g = 0; g < groups.groups; g++) {
            prepare(g);
        }
        double most = mostInFlight();
        double low = 0;
        double high = rateLimit();
        for (int step = 0; step < STEPS; step++) {
            double rate = (low + high) / 2;
            boolean holds = latencies(rate)
                    && rate * (promptLatency + outputTokens * decodeLatency) <= most
                    && rate * promptLatency <= how.promptsAtOnce();
            if (holds) {
                low = rate;
            } else {
                high = rate;
            }
        }
        latencies(low);
        return low;
    }

    private void prepare(int group) {
        int node = groups.node[group];
        int layers = groups.end[group] - groups.first[group];
        LayerProfile profile = problem.layerProfile(node);
        if (how.chunkTokens() == 0) {
            promptSeconds[group] = layers * profile.prompt().at(promptTokens) + copySeconds(promptTokens);
            chunkCount[group] = 1;
            return;
        }
        double perToken = profile.prompt().at(promptTokens) / promptTokens;
        double tokens =
                Math.clamp(how.chunkSeconds() / (perToken * layers), 1, Math.min(how.chunkTokens(), promptTokens));
        chunkCount[group] = promptTokens / tokens;
        double pass = Math.max(profile.decode().at(2), 2 * profile.decode().at(1));
        promptSeconds[group] = layers * Math.max(profile.prompt().at(tokens), pass) + copySeconds(tokens);
    }

    private double copySeconds(double tokens) {
        return tokens * problem.model().activationBytesPerToken() * COPY_SECONDS_PER_BYTE;
    }

    /** Requests that fit the KV cache. */
    private double mostInFlight() {
        double perRequest = promptTokens + outputTokens;
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

    /** Rate at which prompts alone would keep a node or link busy. */
    private double rateLimit() {
        double limit = Double.POSITIVE_INFINITY;
        for (int g = 0; g < groups.groups; g++) {
            double work = groups.share[g] / groups.machines[g] * chunkCount[g] * promptSeconds[g];
            limit = Math.min(limit, work > 0 ? 1 / work : limit);
        }
        return Math.min(limit, 1e6);
    }

    /** Fills the latencies at a request rate; false: something is overloaded. */
    private boolean latencies(double rate) {
        promptLatency = 0;
        decodeLatency = 0;
        busiest = 0;
        double slowestChunk = 0;
        double slowestTransfer = 0;
        double chunks = 1;
        int l = 0;
        for (int g = 0; g < groups.groups; g++) {
            double trailing = 0;
            // Links come ordered by the group they enter, those to the coordinator after their sender.
            for (; l < groups.links && (groups.to[l] == g || groups.to[l] < 0 && groups.from[l] < g); l++) {
                if (groups.linkShare[l] > 0) {
                    double transfer = link(l, rate);
                    slowestTransfer = Math.max(slowestTransfer, groups.linkShare[l] > USUAL ? transfer : 0);
                    trailing += groups.to[l] < 0 ? 0 : groups.linkShare[l] * trailing(l);
                }
            }
            if (groups.share[g] > 0 && busiest <= FULL) {
                double interval = node(g, rate, trailing / groups.share[g]);
                slowestChunk = Math.max(slowestChunk, groups.share[g] > USUAL ? interval : 0);
                chunks = Math.max(chunks, chunkCount[g]);
            }
            if (busiest > FULL) {
                return false;
            }
        }
        for (; l < groups.links; l++) {
            if (groups.linkShare[l] > 0) {
                link(l, rate);
            }
        }
        if (how.chunkTokens() > 0) {
            // Chunks follow each other through the hops; the slowest hop or link spaces them.
            promptLatency += Math.max((chunks - 1) * slowestChunk, slowestTransfer);
        }
        return true;
    }

    /** Part of the decode steps over this link that follow a prompt they waited for to the very node it goes to. */
    private double trailing(int l) {
        int u = groups.from[l];
        if (u < 0) {
            return 0;
        }
        double same = groups.linkShare[l] / groups.share[u] / groups.machines[groups.to[l]];
        return behind[u] * same * how.trailing();
    }

    /** Adds the time at a node that so many steps reach right behind a prompt; returns the time between two chunks of a prompt there. */
    private double node(int group, double rate, double trailing) {
        int node = groups.node[group];
        int layers = groups.end[group] - groups.first[group];
        LayerProfile profile = problem.layerProfile(node);
        double visits = rate * groups.share[group] / groups.machines[group];
        double steps = visits * outputTokens;
        double prompt = promptSeconds[group];
        double prompts = visits * chunkCount[group];
        double promptLoad = prompts * prompt;
        if (promptLoad > FULL) {
            busiest = 1;
            return 0;
        }
        double largest = profile.holding(layers).decodeMaxRequests();
        double pass = pass(profile, 1) * layers;
        double batch = 1;
        for (int i = 0; i < BATCH_STEPS; i++) {
            // Who comes while a batch runs makes the next one.
            batch = Math.min(largest, 1 + steps * pass / (1 - promptLoad));
            pass = pass(profile, batch) * layers + copySeconds(batch);
        }
        double load = promptLoad + steps / batch * pass;
        busiest = Math.max(busiest, load);
        // A batch with a prompt aboard, or a chunk by itself, and one without.
        double withPrompt = Math.min(1, prompts * pass / (1 - promptLoad));
        double together = prompt + (how.chunkTokens() == 0 ? pass : 0);
        double mean = withPrompt * together + (1 - withPrompt) * pass;
        double square = withPrompt * together * together * (how.chunkTokens() == 0 ? SPREAD : 1)
                + (1 - withPrompt) * pass * pass;
        double residual = Math.min(1, load) * square / (2 * mean);
        behind[group] = trailing + (1 - trailing) * promptLoad;
        decodeLatency += groups.share[group] * (pass + trailing * prompt + (1 - trailing) * residual);
        promptLatency += groups.share[group] * (prompt + residual + withPrompt * pass);
        return prompt / Math.max(0.05, 1 - load + promptLoad / how.promptsAtOnce());
    }

    private double pass(LayerProfile profile, double batch) {
        double seconds = profile.decode().at(batch);
        return batch < 2
                ? Math.max(seconds, (2 - (batch - 1)) * profile.decode().at(1))
                : seconds;
    }

    /** Adds the time on a link; returns how long a whole prompt takes over it. */
    private double link(int l, double rate) {
        double speed = groups.tokensPerSecond(l);
        double visits = rate * groups.linkShare[l] / groups.pairs(l);
        double step = 1 / speed + how.recordSeconds();
        double whole = promptTokens / speed;
        double load = visits * (whole + outputTokens * step);
        busiest = Math.max(busiest, load);
        if (load > FULL) {
            return 0;
        }
        double latency = groups.latencySeconds(l) + how.recordSeconds();
        if (how.chunkTokens() == 0) {
            double wait = visits * (SPREAD * whole * whole + outputTokens * step * step) / (2 * (1 - load));
            decodeLatency += groups.linkShare[l] * (latency + step + wait);
            promptLatency += groups.linkShare[l] * (latency + whole + wait);
            return whole;
        }
        double piece = Math.min(whole, Math.min(how.pieceSeconds(), how.pieceBytes() / (speed * bytesPerToken)));
        double pieces = whole / Math.max(1e-9, piece);
        double residual = visits * (pieces * piece * piece + outputTokens * step * step) / 2;
        double decodeLoad = visits * outputTokens * step;
        decodeLatency += groups.linkShare[l] * (latency + step + residual / (1 - decodeLoad));
        double wait = residual / ((1 - decodeLoad) * (1 - load));
        promptLatency += groups.linkShare[l] * (latency + piece + wait);
        return whole / (1 - decodeLoad) / Math.max(0.1, 1 - load);
    }
}
