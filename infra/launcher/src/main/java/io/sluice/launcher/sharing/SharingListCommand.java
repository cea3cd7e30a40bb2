package io.sluice.launcher.sharing;

import io.sluice.launcher.JsonFile;
import io.sluice.sharing.PoolMix;
import io.sluice.sharing.SharingScenario.Traffic;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.workload.Jobs;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Names what {@code sluice sharing compare} and {@code sluice bench sharing} know. */
@Command(
        name = "list",
        description = "Names policies, jobs, kinds of traffic, devices and mixes, with a line about each.",
        footer =
                "%nJSON: policies, latency_critical_jobs, best_effort_jobs, traffics, devices and mixes, each name: line.",
        mixinStandardHelpOptions = true)
final class SharingListCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the names to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        Map<String, Map<String, String>> groups = groups();
        int width = groups.values().stream()
                .flatMap(group -> group.keySet().stream())
                .mapToInt(String::length)
                .max()
                .orElse(0);
        PrintWriter out = spec.commandLine().getOut();
        groups.forEach((title, group) -> {
            out.printf("%s%n", title);
            group.forEach((name, line) -> out.printf("  %-" + width + "s  %s%n", name, line));
            out.println();
        });
        out.println(
                "Jobs of a pair: sluice sharing compare --pair CRITICAL/BESTEFFORT. Mixes: sluice bench sharing --part pools.");
        out.flush();
        Map<String, Object> file = new LinkedHashMap<>();
        groups.forEach((title, group) -> file.put(title.replaceAll("[ -]", "_"), group));
        JsonFile.write(json, file);
        return 0;
    }

    private static Map<String, Map<String, String>> groups() {
        List<String> bestEffort = new ArrayList<>(Jobs.BEST_EFFORT);
        bestEffort.addAll(Jobs.BATCHES);
        Map<String, Map<String, String>> groups = new LinkedHashMap<>();
        groups.put("policies", described(SharingPolicies.NAMES));
        groups.put("latency-critical jobs", described(Jobs.CRITICAL));
        groups.put("best-effort jobs", described(bestEffort));
        Map<String, String> traffics = new LinkedHashMap<>();
        Arrays.stream(Traffic.values()).forEach(t -> traffics.put(SharingNames.name(t), SharingNames.about(t)));
        groups.put("traffics", traffics);
        Map<String, String> devices = new LinkedHashMap<>();
        SharingNames.devices().forEach((name, spec) -> devices.put(name, spec.name() + ", " + spec.sms() + " SMs"));
        groups.put("devices", devices);
        Map<String, String> mixes = new LinkedHashMap<>();
        for (int i = 0; i < PoolMix.MIXES.size(); i++) {
            mixes.put("mix" + (i + 1), String.join(", ", PoolMix.MIXES.get(i)) + " on pools of an MI50 (ISLPED 2025)");
        }
        groups.put("mixes", mixes);
        return groups;
    }

    private static Map<String, String> described(List<String> names) {
        Map<String, String> lines = new LinkedHashMap<>();
        names.forEach(name -> lines.put(name, SharingNames.about(name)));
        return lines;
    }
}
