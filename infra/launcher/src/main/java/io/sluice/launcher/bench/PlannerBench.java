package io.sluice.launcher.bench;

import io.sluice.core.placement.Layout;
import io.sluice.launcher.UserException;
import io.sluice.launcher.bench.HelixCases.Case;
import io.sluice.launcher.picture.BarPlot;
import io.sluice.solver.OrToolsMaxFlow;
import java.util.ArrayList;
import java.util.List;

/**
 * The planner against Helix (ASPLOS'25): the simulator against the published one, placements, serving, scale, exactness.
 * Starts no stack.
 */
final class PlannerBench implements Bench {
    private static final List<String> PARTS =
            List.of("validation", "placement", "estimate", "serving", "scale", "exact");

    @Override
    public void run(Setting setting, BenchReport report) {
        for (String part : setting.parts()) {
            if (!PARTS.contains(part)) {
                throw new UserException("--part " + part + " must be one of " + PARTS);
            }
        }
        OrToolsMaxFlow.load();
        HelixCases cases = HelixCases.open(new OrToolsMaxFlow());
        PlacementPart placements = new PlacementPart(cases, setting, report);
        List<BarPlot.Group> bars = new ArrayList<>();
        if (setting.wants("validation")) {
            guarded("validation", report, () -> ValidationPart.run(cases.runs(), setting, report));
        }
        if (setting.wants("placement")) {
            for (Case of : cases(cases, setting)) {
                guarded("placement " + of.name(), report, () -> placements.run(of));
            }
        }
        for (String cluster : List.of("single24", "geo24")) {
            Case of = cases.of(cluster, HelixCases.LLAMA_70B);
            if (setting.wants("estimate")) {
                guarded("estimate " + cluster, report, () -> EstimatePart.run(of, placements, cases, setting, report));
            }
            if (setting.wants("serving")) {
                guarded("serving " + cluster, report, () -> {
                    Layout ours = placements.ours(of);
                    ServingPart serving = new ServingPart(cases, setting, report);
                    serving.run(of, ours);
                    bars.addAll(serving.bars());
                });
            }
        }
        if (setting.wants("scale")) {
            guarded("scale", report, () -> ScalePart.run(cases, setting, report));
        }
        if (setting.wants("exact")) {
            guarded("exact", report, () -> ExactPart.run(setting, report));
        }
        if (setting.svg() != null && !bars.isEmpty()) {
            BarPlot.draw(
                            "Generated tokens per second",
                            "one simulator, 600 s after 60 s, endless backlog; ./sluice bench planner",
                            bars)
                    .write(setting.svg());
        }
        report.note("baseline: Helix's published layout under the same capacities (flow, decode), Helix's layout and"
                + " scheduling in the same simulator (offline, online), the published figure (validate), the number of"
                + " clusters tried (exact)");
    }

    private static List<Case> cases(HelixCases cases, Setting setting) {
        List<Case> all = new ArrayList<>();
        for (String model : List.of(HelixCases.LLAMA_70B, HelixCases.LLAMA_30B)) {
            if (setting.quick() && model.equals(HelixCases.LLAMA_30B)) {
                continue;
            }
            all.add(cases.of("single24", model));
            all.add(cases.of("geo24", model));
        }
        return all;
    }

    /** One part that fails must not take the figures of the others with it. */
    private static void guarded(String part, BenchReport report, Runnable work) {
        try {
            work.run();
        } catch (IllegalStateException | IllegalArgumentException | UnsupportedOperationException e) {
            report.note(part + " failed and is missing: " + e.getMessage());
        }
    }
}
