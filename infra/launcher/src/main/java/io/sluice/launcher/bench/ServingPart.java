package io.sluice.launcher.bench;

import io.sluice.core.placement.Layout;
import io.sluice.launcher.bench.HelixCases.Case;
import io.sluice.launcher.bench.HelixCases.Recorded;
import io.sluice.launcher.bench.ServingRuns.Setup;
import io.sluice.launcher.picture.BarPlot;
import io.sluice.simulator.DelayParts;
import io.sluice.simulator.SimulationPolicies;
import io.sluice.simulator.SimulationPolicy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Serving LLaMA-2 70B: our placement and policy against Helix's, Swarm's and separate pipelines, in one simulator and
 * under one load. Helix's placement with our policy and our placement with Helix's policy say what each is worth.
 */
final class ServingPart {
    /** Prompt and generated tokens offered per second, as published for Helix's online runs. */
    private static final Map<String, Double> ONLINE_RATE = Map.of("single24", 700.0, "geo24", 320.0);

    private static final Map<String, String> OFFLINE_TARGET = Map.of("single24", ">= 1.3", "geo24", ">= 1.6");
    private static final String OURS = "ours";
    private static final String HELIX = "helix";

    private final HelixCases cases;
    private final Bench.Setting setting;
    private final BenchReport report;
    private final int seeds;
    private final List<BarPlot.Group> bars = new ArrayList<>();

    ServingPart(HelixCases cases, Bench.Setting setting, BenchReport report) {
        this.cases = cases;
        this.setting = setting;
        this.report = report;
        this.seeds = setting.quick() ? 1 : 5;
    }

    /** Adds the rows of one cluster; {@code layout} is our placement. */
    void run(Case of, Layout layout) {
        for (Recorded trace : List.of(cases.conversations(), cases.code())) {
            ServingRuns runs = new ServingRuns(cases, trace, seeds);
            List<Setup> setups = setups(of, layout, runs);
            boolean conversations = trace.name().equals("azure_conv");
            Map<String, Served> offline = new LinkedHashMap<>();
            for (Setup setup : setups) {
                setting.progress(of.name() + " " + trace.name() + " offline: " + setup.name());
                offline.put(setup.name(), runs.offline(of, setup));
            }
            table(of, trace, "offline", offline);
            offlineRows(of, trace, offline, conversations);
            if (conversations) {
                bars(of, offline);
            }
            Map<String, Served> online = new LinkedHashMap<>();
            double rate = ONLINE_RATE.get(of.cluster()) * (conversations ? 1 : 0.9);
            for (Setup setup : setups) {
                if (setup.published().equals(HELIX) || setup.name().equals(OURS)) {
                    setting.progress(of.name() + " " + trace.name() + " online: " + setup.name());
                    online.put(setup.name(), runs.online(setup, rate));
                }
            }
            table(of, trace, String.format(Locale.ROOT, "online at %.0f tokens/s", rate), online);
            onlineRows(of, trace, online, conversations);
        }
    }

    /** What was reached, as bars. */
    List<BarPlot.Group> bars() {
        return bars;
    }

    private List<Setup> setups(Case of, Layout layout, ServingRuns runs) {
        SimulationPolicy ours = SimulationPolicies.byName("sluice");
        SimulationPolicy helix = SimulationPolicies.byName(HELIX);
        var placed = runs.placed(of, layout);
        var published = cases.published(of, HELIX);
        List<Setup> setups = new ArrayList<>();
        setups.add(new Setup(HELIX, published, helix, HELIX));
        setups.add(new Setup(
                "helix, charged for passes and records", published, SimulationPolicies.byName("helix-floors"), HELIX));
        setups.add(new Setup("helix placement, sluice policy", published, ours, ""));
        setups.add(new Setup("our placement, helix policy", placed, helix, ""));
        setups.add(new Setup("swarm", cases.published(of, "swarm"), SimulationPolicies.byName("swarm"), "swarm"));
        setups.add(new Setup(
                "separate pipelines",
                cases.published(of, "separate"),
                SimulationPolicies.byName("random"),
                "separate"));
        setups.add(new Setup(OURS, placed, ours, ""));
        return setups;
    }

    private void table(Case of, Recorded trace, String load, Map<String, Served> served) {
        setting.out()
                .printf(
                        Locale.ROOT,
                        "%n%s, %s, %s, mean of %d seed%s%n",
                        of.name(),
                        trace.name(),
                        load,
                        seeds,
                        seeds > 1 ? "s" : "");
        setting.out().println(Served.heading());
        served.forEach((name, figures) -> setting.out().println(figures.line(name)));
        if (served.containsKey(OURS) && served.containsKey(HELIX)) {
            setting.out().println("  " + why(served.get(HELIX), served.get(OURS)));
        }
        setting.out().flush();
    }

    /** Why a token of ours takes another time than Helix's, in the parts that changed most. */
    static String why(Served helix, Served ours) {
        Map<String, Double> saved = new LinkedHashMap<>();
        saved.put("waiting at nodes", helix.part(DelayParts::nodeWaitSeconds) - ours.part(DelayParts::nodeWaitSeconds));
        saved.put(
                "waiting for links", helix.part(DelayParts::linkWaitSeconds) - ours.part(DelayParts::linkWaitSeconds));
        saved.put("computing", helix.part(DelayParts::computeSeconds) - ours.part(DelayParts::computeSeconds));
        saved.put("latency of links", helix.part(DelayParts::latencySeconds) - ours.part(DelayParts::latencySeconds));
        saved.put("sending", helix.part(DelayParts::transferSeconds) - ours.part(DelayParts::transferSeconds));
        List<String> parts = new ArrayList<>();
        saved.entrySet().stream()
                .sorted((a, b) -> Double.compare(Math.abs(b.getValue()), Math.abs(a.getValue())))
                .limit(3)
                .forEach(entry ->
                        parts.add(String.format(Locale.ROOT, "%+.0f ms %s", -1000 * entry.getValue(), entry.getKey())));
        return String.format(
                Locale.ROOT,
                "why: a token takes %.0f ms instead of %.0f ms (%s); %.0f requests in flight instead of %.0f",
                1000 * ours.decodeSeconds(),
                1000 * helix.decodeSeconds(),
                String.join(", ", parts),
                ours.inFlight(),
                helix.inFlight());
    }

    private void offlineRows(Case of, Recorded trace, Map<String, Served> served, boolean judged) {
        String name = of.name() + "." + trace.name() + ".offline.";
        Served helix = served.get(HELIX);
        Served ours = served.get(OURS);
        String target = judged ? OFFLINE_TARGET.get(of.cluster()) : null;
        report.add(name + "decode", "tokens/s", ours.decodeTokensPerSecond(), helix.decodeTokensPerSecond(), target);
        report.add(name + "prompt", "s", ours.promptSeconds(), helix.promptSeconds(), judged ? "<= 1.0" : null);
        report.add(name + "decode_latency", "s", ours.decodeSeconds(), helix.decodeSeconds(), null);
        for (String other : List.of("swarm", "separate pipelines")) {
            report.add(
                    name + "decode_against_" + other.split(" ")[0],
                    "tokens/s",
                    ours.decodeTokensPerSecond(),
                    served.get(other).decodeTokensPerSecond(),
                    null);
        }
        report.add(
                name + "decode_policy_alone",
                "tokens/s",
                served.get("helix placement, sluice policy").decodeTokensPerSecond(),
                helix.decodeTokensPerSecond(),
                null);
        report.add(
                name + "decode_placement_alone",
                "tokens/s",
                served.get("our placement, helix policy").decodeTokensPerSecond(),
                helix.decodeTokensPerSecond(),
                null);
        if (seeds > 1) {
            report.add(name + "spread_over_seeds", "ratio", ours.spread());
        }
    }

    private void onlineRows(Case of, Recorded trace, Map<String, Served> served, boolean judged) {
        String name = of.name() + "." + trace.name() + ".online.";
        Served helix = served.get(HELIX);
        Served ours = served.get(OURS);
        report.add(name + "decode_latency", "s", ours.decodeSeconds(), helix.decodeSeconds(), judged ? "<= 0.6" : null);
        report.add(name + "prompt", "s", ours.promptSeconds(), helix.promptSeconds(), judged ? "<= 0.9" : null);
        report.add(name + "decode", "tokens/s", ours.decodeTokensPerSecond(), helix.decodeTokensPerSecond(), null);
    }

    private void bars(Case of, Map<String, Served> served) {
        double helix = served.get(HELIX).decodeTokensPerSecond();
        bars.add(new BarPlot.Group(
                of.cluster() + ", LLaMA-2 70B, Azure conversations, offline",
                served.entrySet().stream()
                        .map(entry -> new BarPlot.Bar(
                                entry.getKey().equals(HELIX) ? "helix placement and policy" : entry.getKey(),
                                entry.getValue().decodeTokensPerSecond(),
                                String.format(
                                        Locale.ROOT,
                                        "%.0f tokens/s, %.2f ×, prompt %.1f s",
                                        entry.getValue().decodeTokensPerSecond(),
                                        entry.getValue().decodeTokensPerSecond() / helix,
                                        entry.getValue().promptSeconds()),
                                entry.getKey().equals(OURS)))
                        .toList()));
    }
}
