package io.sluice.launcher.simtest;

import io.sluice.simtest.SimReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The result as the file of {@code --json} shows it. */
final class SimtestJson {
    private SimtestJson() {}

    static Map<String, Object> of(SimReport report) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("seeds", report.plan().seeds());
        json.put("firstSeed", report.plan().firstSeed());
        json.put("stepsPerSeed", report.plan().steps());
        json.put("steps", report.steps());
        json.put("mutation", report.plan().mutation().toString());
        List<Map<String, Object>> violations = new ArrayList<>();
        report.violations().forEach(violation -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("seed", violation.seed());
            one.put("step", violation.step());
            one.put("invariant", violation.invariant());
            one.put("detail", violation.detail());
            one.put("session", violation.session());
            violations.add(one);
        });
        json.put("violations", violations);
        Map<String, Long> faults = new LinkedHashMap<>();
        report.faults().forEach((kind, count) -> faults.put(kind.words(), count));
        json.put("faults", faults);
        json.put("requests", report.requests());
        json.put("completed", report.completed());
        json.put("failed", report.failed());
        json.put("refused", report.refused());
        json.put("errors", report.failures());
        json.put("recoveries", report.recoveries());
        json.put("virtualSeconds", report.virtualSeconds());
        json.put("seconds", report.seconds());
        json.put("stepsPerSecond", report.stepsPerSecond());
        json.put("hash", Long.toHexString(report.hash()));
        json.put("machine", machine());
        return json;
    }

    private static Map<String, Object> machine() {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cores", Runtime.getRuntime().availableProcessors());
        machine.put("arch", System.getProperty("os.arch"));
        machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        machine.put("java", System.getProperty("java.vm.vendor") + " " + Runtime.version());
        return machine;
    }
}
