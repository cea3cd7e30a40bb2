package io.sluice.core.placement;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.placement.ServingEstimate.Scheduling;

/**
 * Latencies of prompts and decode steps when a layout carries given rates: every node and link is a queue. Keeps arrays
 * between calls: not thread-safe.
 */
final class LoadedLayout {
    private static final int BATCH_STEPS = 5;
    private static final double FULL = 0.99;
    private static final double COPY_SECONDS_PER_BYTE = 1 / 4e9 + 1 / 5e9;
    /** {@code E[x²] / E[x]²} of prompt lengths: 1.34 in the Azure trace of conversations. */
    private static final double SPREAD = 1.34;
    /** Hops that fewer requests take do not space the chunks of the usual prompt. */
    private static final double USUAL = 0.2;

    private final PlacementProblem problem;
    private final Scheduling how;
    private final StageGroups groups;
    private final double promptTokens;
    private final double bytesPerToken;
    private final double[] promptSeconds;
    private final double[] chunkCount;
    private final double[] behind;
    private final double[] batch;
    private double slowestPrompt;

    /** Seconds of a prompt, as of the last {@link #at}. */
    double promptLatency;
    /** Seconds of a decode step. */
    double decodeLatency;
    /** Utilisation of the busiest node or link. */
    double busiest;

    LoadedLayout(PlacementProblem problem, Scheduling how, StageGroups groups) {
        this.problem = problem;
        this.how = how;
        this.groups = groups;
        this.promptTokens = problem.workload().meanPromptTokens();
        this.bytesPerToken =
                problem.model().activationBytesPerToken() + problem.model().tokenBytes();
        this.promptSeconds = new double[problem.nodes()];
        this.chunkCount = new double[problem.nodes()];
        this.behind = new double[problem.nodes()];
        this.batch = new double[problem.nodes()];
    }

    /** Takes up the groups' layers; call after they were spread. */
    void prepare() {
        for (int g = 0; g < groups.groups; g++) {
            int layers = groups.end[g] - groups.first[g];
            LayerProfile profile = problem.layerProfile(groups.node[g]);
            double tokens = promptTokens;
            double least = 0;
            if (chunked()) {
                double perToken = profile.prompt().at(promptTokens) / promptTokens;
                tokens = Math.clamp(
                        how.chunkSeconds() / (perToken * layers), 1, Math.min(how.chunkTokens(), promptTokens));
                // A chunk never costs less than one pass over the weights.
                least = Math.max(profile.decode().at(2), 2 * profile.decode().at(1));
            }
            chunkCount[g] = promptTokens / tokens;
            promptSeconds[g] = layers * Math.max(profile.prompt().at(tokens), least) + copySeconds(tokens);
        }
    }

    private boolean chunked() {
        return how.chunkTokens() > 0;
    }

    private double copySeconds(double tokens) {
        return tokens * problem.model().activationBytesPerToken() * COPY_SECONDS_PER_BYTE;
    }

    /** Prompts per second that would keep a node busy with nothing else. */
    double promptLimit() {
        double limit = 1e6;
        for (int g = 0; g < groups.groups; g++) {
            double work = groups.share[g] / groups.machines[g] * chunkCount[g] * promptSeconds[g];
            limit = work > 0 ? Math.min(limit, 1 / work) : limit;
        }
        return limit;
    }

    /** Fills the latencies at so many prompts and decode steps per second; false: something is overloaded. */
    boolean at(double promptRate, double stepRate) {
        promptLatency = 0;
        decodeLatency = 0;
        busiest = 0;
        slowestPrompt = 0;
        int l = 0;
        for (int g = 0; g < groups.groups; g++) {
            double trailing = 0;
            // Links come ordered by the group they enter, those to the coordinator after their sender.
            for (; l < groups.links && (groups.to[l] == g || groups.to[l] < 0 && groups.from[l] < g); l++) {
                if (groups.linkShare[l] > 0) {
                    link(l, promptRate, stepRate);
                    trailing += groups.to[l] < 0 ? 0 : groups.linkShare[l] * trailing(l);
                }
            }
            if (groups.share[g] > 0 && busiest <= FULL) {
                node(g, promptRate, stepRate, trailing / groups.share[g]);
            }
            if (busiest > FULL) {
                return false;
            }
        }
        for (; l < groups.links; l++) {
            if (groups.linkShare[l] > 0) {
                link(l, promptRate, stepRate);
            }
        }
        // Chunks follow each other through the hops; the slowest hop or link spaces them.
        promptLatency += slowestPrompt;
        return busiest <= FULL;
    }

    /** Part of the decode steps over this link that follow a prompt they waited for to the very node it goes to. */
    private double trailing(int l) {
        int u = groups.from[l];
        if (u < 0) {
            return 0;
        }
        return behind[u] * same(l) * how.trailing();
    }

    /** Part of what leaves a machine of the link's sender that goes to one certain machine behind the link. */
    private double same(int l) {
        double machines = groups.to[l] < 0 ? 1 : groups.machines[groups.to[l]];
        return Math.min(1, groups.linkShare[l] / groups.share[groups.from[l]] / machines);
    }

    /** Adds the time at a node that a part of the steps reach right behind a prompt. */
    private void node(int group, double promptRate, double stepRate, double trailing) {
        int layers = groups.end[group] - groups.first[group];
        LayerProfile profile = problem.layerProfile(groups.node[group]);
        double share = groups.share[group];
        double visits = promptRate * share / groups.machines[group];
        double steps = stepRate * share / groups.machines[group];
        double prompt = promptSeconds[group];
        double prompts = visits * chunkCount[group];
        double promptLoad = prompts * prompt;
        if (promptLoad > FULL) {
            busiest = 1;
            return;
        }
        double largest = profile.holding(layers).decodeMaxRequests();
        double pass = pass(profile, 1) * layers;
        double size = 1;
        for (int i = 0; i < BATCH_STEPS; i++) {
            // Who comes while a batch runs makes the next one.
            size = Math.min(largest, 1 + steps * pass / (1 - promptLoad));
            pass = pass(profile, size) * layers + copySeconds(size);
        }
        batch[group] = size;
        double load = promptLoad + steps / size * pass;
        busiest = Math.max(busiest, load);
        // A batch with a prompt aboard, or a chunk by itself, and one without.
        double withPrompt = Math.min(1, prompts * pass / (1 - promptLoad));
        double together = prompt + (chunked() ? 0 : pass);
        double mean = withPrompt * together + (1 - withPrompt) * pass;
        double square = withPrompt * together * together * (chunked() ? 1 : SPREAD) + (1 - withPrompt) * pass * pass;
        double residual = Math.min(1, load) * square / (2 * mean);
        double met = chunked() ? promptLoad : Math.min(1, load) * withPrompt * together / mean;
        behind[group] = trailing + (1 - trailing) * met;
        decodeLatency += share * (pass + trailing * prompt + (1 - trailing) * residual);
        if (!chunked()) {
            promptLatency += share * (prompt + residual + withPrompt * pass);
            return;
        }
        promptLatency += share * (prompt + Math.min(1, load) * pass);
        if (share > USUAL) {
            // While prompts wait, every chunk is followed by one decode batch; prompts queue for that turn.
            double turn = prompt + (load - promptLoad) * pass;
            double whole = chunkCount[group] * turn;
            double wait = SPREAD * visits * whole * whole / (2 * Math.max(0.05, 1 - visits * whole));
            slowestPrompt = Math.max(slowestPrompt, wait + (chunkCount[group] - 1) * turn);
        }
    }

    private static double pass(LayerProfile profile, double batch) {
        double seconds = profile.decode().at(batch);
        return batch < 2
                ? Math.max(seconds, (2 - (batch - 1)) * profile.decode().at(1))
                : seconds;
    }

    /** Adds the time on a link. */
    private void link(int l, double promptRate, double stepRate) {
        double speed = groups.tokensPerSecond(l);
        double share = groups.linkShare[l];
        double visits = promptRate * share / groups.pairs(l);
        double steps = stepRate * share / groups.pairs(l);
        double step = 1 / speed + how.recordSeconds();
        double whole = promptTokens / speed;
        double load = visits * whole + steps * step;
        busiest = Math.max(busiest, load);
        if (load > FULL) {
            return;
        }
        // Steps of one batch leave together and are sent one after the other.
        double burst = groups.from[l] < 0 ? 0 : batch[groups.from[l]] * same(l);
        double latency = groups.latencySeconds(l) + how.recordSeconds() + Math.max(0, burst - 1) / 2 / speed;
        if (!chunked()) {
            double wait = (SPREAD * visits * whole * whole + steps * step * step) / (2 * (1 - load));
            decodeLatency += share * (latency + step + wait);
            promptLatency += share * (latency + whole + wait);
            return;
        }
        double piece = Math.min(whole, Math.min(how.pieceSeconds(), how.pieceBytes() / (speed * bytesPerToken)));
        double decodeLoad = steps * step;
        double residual = (visits * whole * piece + decodeLoad * step) / 2;
        decodeLatency += share * (latency + step + residual / (1 - decodeLoad));
        promptLatency += share * (latency + piece + residual / (1 - decodeLoad));
        if (share > USUAL) {
            double through = whole / (1 - decodeLoad);
            double wait = SPREAD * visits * through * through / (2 * Math.max(0.02, 1 - visits * through));
            slowestPrompt = Math.max(slowestPrompt, wait + through);
        }
    }
}
