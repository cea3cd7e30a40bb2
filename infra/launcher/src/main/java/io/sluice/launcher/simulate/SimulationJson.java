package io.sluice.launcher.simulate;

import io.sluice.simulator.DelayParts;
import io.sluice.simulator.SimulationResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run as JSON: {@code simulate --json FILE}. Rates are per second, times seconds. */
final class SimulationJson {
    private SimulationJson() {}

    static Map<String, Object> of(SimulationRun run) {
        SimulationResult result = run.result();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("scenario", result.scenario());
        json.put("policy", run.policy());
        json.put("decode_throughput", result.decodeTokensPerSecond());
        json.put("prompt_throughput", result.promptTokensPerSecond());
        json.put("total_throughput", result.tokensPerSecond());
        json.put("prompt_latency_s", latencies(result.prompt()));
        json.put("decode_latency_s", latencies(result.decode()));
        json.put("prompt_latency_parts_s", parts(result.promptParts()));
        json.put("decode_latency_parts_s", parts(result.decodeParts()));
        json.put("prompts_finished", result.promptsFinished());
        json.put("decode_tokens", result.decodeTokens());
        json.put("requests_arrived", result.requestsArrived());
        json.put("requests_finished", result.requestsFinished());
        json.put("requests_rejected", result.requestsRejected());
        json.put("requests_open", result.requestsOpen());
        json.put("requests_in_flight", result.meanInFlight());
        json.put("kv_expectation", result.meanKvExpectation());
        json.put("kv_overflows", result.kvOverflows());
        json.put("window_s", result.windowSeconds());
        json.put("simulated_s", result.simulatedSeconds());
        json.put("wall_s", run.wallSeconds());
        json.put("simulated_s_per_wall_s", run.speed());
        json.put("events", result.events());
        json.put("nodes", result.nodes().stream().map(SimulationJson::node).toList());
        json.put("links", result.links().stream().map(SimulationJson::link).toList());
        return json;
    }

    static Object of(List<SimulationRun> runs) {
        return runs.size() == 1
                ? of(runs.get(0))
                : Map.of("runs", runs.stream().map(SimulationJson::of).toList());
    }

    private static Map<String, Object> latencies(SimulationResult.Latencies latencies) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("count", latencies.count());
        json.put("mean", latencies.mean());
        json.put("p5", latencies.p5());
        json.put("p25", latencies.p25());
        json.put("p50", latencies.p50());
        json.put("p75", latencies.p75());
        json.put("p95", latencies.p95());
        json.put("p99", latencies.p99());
        return json;
    }

    private static Map<String, Object> parts(DelayParts parts) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("compute", parts.computeSeconds());
        json.put("node_wait", parts.nodeWaitSeconds());
        json.put("link_wait", parts.linkWaitSeconds());
        json.put("transfer", parts.transferSeconds());
        json.put("link_latency", parts.latencySeconds());
        json.put("hops", parts.hops());
        return json;
    }

    private static Map<String, Object> node(SimulationResult.NodeUse node) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("group", node.group());
        json.put("node", node.node());
        json.put("type", node.type());
        json.put("first_layer", node.firstLayer());
        json.put("end_layer", node.endLayer());
        json.put("busy", node.busyFraction());
        json.put("tokens_per_s", node.tokensPerSecond());
        json.put("decode_residence_s", node.meanResidenceSeconds());
        json.put("kv_mean", node.kvMeanFraction());
        json.put("kv_peak", node.kvPeakFraction());
        return json;
    }

    private static Map<String, Object> link(SimulationResult.LinkUse link) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("group", link.group());
        json.put("from", link.from());
        json.put("to", link.to());
        json.put("busy", link.busyFraction());
        json.put("bytes_per_s", link.bytesPerSecond());
        json.put("wait_s", link.meanWaitSeconds());
        return json;
    }
}
