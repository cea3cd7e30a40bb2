package io.sluice.launcher.sharing;

import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A comparison as the file of {@code --json} shows it. */
final class SharingJson {
    private SharingJson() {}

    static Map<String, Object> of(SharingScenario scenario, List<SharingResult> results) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("simulated", true);
        json.put("device", scenario.device().name());
        json.put("critical", scenario.critical());
        json.put("best_effort", scenario.bestEffort());
        json.put("load", scenario.load());
        json.put("traffic", SharingNames.name(scenario.traffic()));
        json.put("seconds", scenario.spanNanos() / 1e9);
        json.put("warm_up_seconds", scenario.warmupNanos() / 1e9);
        json.put("seeds", scenario.seeds());
        List<Map<String, Object>> rows = new ArrayList<>();
        results.forEach(result -> rows.add(row(result)));
        json.put("policies", rows);
        return json;
    }

    private static Map<String, Object> row(SharingResult result) {
        boolean steady = !result.overloaded();
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("policy", result.policy());
        row.put("service_p50_ms", result.serviceP50Nanos() / 1e6);
        row.put("service_p99_ms", result.serviceP99Nanos() / 1e6);
        row.put("service_p99_interval_ms", millis(result.serviceP99Interval()));
        row.put("service_mean_ms", result.serviceMeanNanos() / 1e6);
        row.put("service_p99_overhead", finite(result.serviceOverhead()));
        row.put("response_p50_ms", result.responseP50Nanos() / 1e6);
        row.put("response_p99_ms", steady ? result.responseP99Nanos() / 1e6 : null);
        row.put("response_p99_interval_ms", steady ? millis(result.responseP99Interval()) : null);
        row.put("response_p999_ms", steady ? result.responseP999Nanos() / 1e6 : null);
        row.put("response_p99_overhead", steady ? result.responseOverhead() : null);
        row.put("violation_rate", result.violationRate());
        row.put("best_effort_throughput", result.bestEffortThroughput());
        boolean several = result.scenario().seeds().size() > 1;
        row.put("best_effort_interval", several ? result.bestEffortInterval() : null);
        row.put("critical_throughput", result.criticalThroughput());
        row.put("utilisation", finite(result.utilisation()));
        row.put("overloaded", result.overloaded());
        row.put("joules", result.joules());
        row.put("switches", result.contextSwitches());
        row.put("requests", result.requests());
        return row;
    }

    private static Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static double[] millis(double[] nanos) {
        return new double[] {nanos[0] / 1e6, nanos[1] / 1e6};
    }
}
