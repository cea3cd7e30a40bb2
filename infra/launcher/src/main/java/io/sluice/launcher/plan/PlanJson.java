package io.sluice.launcher.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A placement as JSON: {@code plan --json FILE}. Rates are tokens per second, times seconds. */
final class PlanJson {
    private PlanJson() {}

    static Map<String, Object> of(PlanReport report) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("cluster", report.cluster());
        json.put("model", report.model());
        json.put("method", report.method());
        json.put("objective", report.objective());
        json.put("objective_unit", report.unit());
        json.put("value", report.value());
        json.put("bound", finite(report.bound()));
        json.put("gap", finite(report.gap()));
        json.put("optimal", report.optimal());
        json.put("elapsed_s", report.elapsedSeconds());
        json.put("flow_tokens_per_s", report.flow());
        json.put("flow_bound_tokens_per_s", finite(report.flowBound()));
        report.estimate().ifPresent(estimate -> json.put("estimate", estimate(estimate)));
        json.put("bottleneck", report.bottleneck());
        json.put("one_more", report.gains().stream().map(PlanJson::gain).toList());
        json.put("nodes", report.graph().nodes().stream().map(PlanJson::node).toList());
        json.put("links", links(report.graph()));
        return json;
    }

    private static Map<String, Object> estimate(PlanReport.Estimate estimate) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("decode_tokens_per_s", estimate.decodeTokensPerSecond());
        json.put("prompt_latency_s", finite(estimate.promptSeconds()));
        json.put("decode_latency_s", finite(estimate.decodeSeconds()));
        json.put("hops", estimate.hops());
        json.put("requests_in_flight", estimate.inFlight());
        json.put("busiest", estimate.busiest());
        return json;
    }

    private static Map<String, Object> gain(PlanReport.Gain gain) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("type", gain.type());
        json.put("region", gain.region());
        json.put("gain", gain.gain());
        return json;
    }

    private static Map<String, Object> node(PlanGraph.Node node) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("node", node.id());
        json.put("type", node.type());
        json.put("region", node.region());
        json.put("first_layer", node.first());
        json.put("end_layer", node.end());
        json.put("flow_tokens_per_s", node.flow());
        json.put("capacity_tokens_per_s", node.capacity());
        json.put("kv_tokens_per_layer", node.kvTokens());
        json.put("bottleneck", node.bottleneck());
        return json;
    }

    private static List<Map<String, Object>> links(PlanGraph graph) {
        List<Map<String, Object>> links = new ArrayList<>();
        for (PlanGraph.Edge edge : graph.edges()) {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("from", name(graph, edge.from(), "source"));
            json.put("to", name(graph, edge.to(), "sink"));
            json.put("flow_tokens_per_s", edge.flow());
            json.put("capacity_tokens_per_s", edge.capacity());
            json.put("latency_s", edge.latencySeconds());
            json.put("bottleneck", edge.bottleneck());
            links.add(json);
        }
        return links;
    }

    private static String name(PlanGraph graph, int node, String coordinator) {
        return node == PlanGraph.COORDINATOR
                ? coordinator
                : graph.nodes().get(node).id();
    }

    /** JSON knows no infinity: unknown is null. */
    private static Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
