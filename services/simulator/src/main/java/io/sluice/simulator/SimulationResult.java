package io.sluice.simulator;

import java.util.List;

/**
 * What a run measured in its window. Everything counts what <em>ends</em> in the window. Immutable.
 *
 * @param simulatedSeconds virtual time the run covered, summed over groups
 * @param windowSeconds window of measurement
 * @param decodeTokensPerSecond generated tokens/s
 * @param promptTokensPerSecond tokens/s of finished prompts
 * @param prompt latency of prompts: from the start of the request until its prompt is back at the coordinator
 * @param decode latency of generated tokens
 * @param promptParts what the mean prompt latency is made of (of its last chunk, where prompts are sent in chunks)
 * @param decodeParts what the mean decode latency is made of
 * @param promptsFinished in the window
 * @param decodeTokens in the window
 * @param requestsArrived in the whole run, rejected ones included
 * @param requestsFinished in the whole run
 * @param requestsRejected in the whole run
 * @param requestsOpen started or waiting when the run stopped
 * @param meanInFlight requests started and not ended, mean over the window
 * @param meanKvExpectation expected filling of the bottleneck layer's KV cache, mean over the window
 * @param kvOverflows times a node's KV cache was asked to hold more than it can (the reference simulator would stop)
 * @param events events of the whole run
 */
public record SimulationResult(
        String scenario,
        double simulatedSeconds,
        double windowSeconds,
        double decodeTokensPerSecond,
        double promptTokensPerSecond,
        Latencies prompt,
        Latencies decode,
        DelayParts promptParts,
        DelayParts decodeParts,
        long promptsFinished,
        long decodeTokens,
        long requestsArrived,
        long requestsFinished,
        long requestsRejected,
        long requestsOpen,
        double meanInFlight,
        double meanKvExpectation,
        long kvOverflows,
        long events,
        List<NodeUse> nodes,
        List<LinkUse> links,
        List<GroupRates> groups) {
    public SimulationResult {
        nodes = List.copyOf(nodes);
        links = List.copyOf(links);
        groups = List.copyOf(groups);
    }

    /** Prompt and generated tokens/s. */
    public double tokensPerSecond() {
        return promptTokensPerSecond + decodeTokensPerSecond;
    }

    /**
     * One latency's distribution, seconds; percentile p is {@code sorted[floor(n * p)]}, all 0 when nothing ended.
     *
     * @param percentiles 0 to 100, for plots; the last is the largest; empty when nothing ended
     */
    public record Latencies(
            long count,
            double mean,
            double p5,
            double p25,
            double p50,
            double p75,
            double p95,
            double p99,
            List<Double> percentiles) {
        public Latencies {
            percentiles = List.copyOf(percentiles);
        }
    }

    /**
     * A node over the window.
     *
     * @param group the group it serves
     * @param busyFraction part of the time in a batch
     * @param tokensPerSecond tokens of all batches, each position counted once
     * @param meanResidenceSeconds of a decode step at this node
     * @param kvMeanFraction filling of the KV cache, mean
     * @param kvPeakFraction filling of the KV cache, peak
     */
    public record NodeUse(
            String group,
            String node,
            String type,
            int firstLayer,
            int endLayer,
            double busyFraction,
            double tokensPerSecond,
            double meanResidenceSeconds,
            double kvMeanFraction,
            double kvPeakFraction) {}

    /**
     * A link over the window.
     *
     * @param from node id or {@code coordinator}
     * @param to node id or {@code coordinator}
     * @param busyFraction part of the time a message was being sent
     * @param bytesPerSecond bytes sent
     * @param meanWaitSeconds of a work item in the link's queue
     */
    public record LinkUse(
            String group, String from, String to, double busyFraction, double bytesPerSecond, double meanWaitSeconds) {}

    /** The main figures of one group. */
    public record GroupRates(
            String group,
            double decodeTokensPerSecond,
            double promptTokensPerSecond,
            double meanPromptSeconds,
            double meanDecodeSeconds,
            double meanInFlight,
            double maxFlowTokensPerSecond) {}
}
