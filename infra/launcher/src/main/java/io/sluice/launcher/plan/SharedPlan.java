package io.sluice.launcher.plan;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelVerifier;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.launcher.UserException;
import io.sluice.launcher.plan.PlanRun.Planned;
import io.sluice.solver.MultiModelFlow;
import io.sluice.solver.MultiModelOutcome;
import io.sluice.solver.MultiModelPlacement;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Several models placed on one cluster: a plan of each, and what all carry at the same time. Immutable.
 *
 * @param models each on the nodes it got, in the problem's order
 */
record SharedPlan(
        MultiModelProblem problem,
        PlacementObjective objective,
        MultiModelOutcome.Found found,
        MultiModelFlow.Result flow,
        List<Planned> models,
        double elapsedSeconds) {
    private static final String ROW = "  %-20s %8s %6s %14s %12s %12s%n";
    /** Beyond this a bound says nothing. */
    private static final double USELESS_GAP = 1;

    SharedPlan {
        models = List.copyOf(models);
    }

    /**
     * Places all models.
     *
     * @throws UserException when a model cannot be held, or nothing was found in time; says which and why
     */
    static SharedPlan place(
            MultiModelProblem problem, PlacementMethod method, PlacementObjective objective, SearchControl control) {
        return switch (new MultiModelPlacement(method).place(problem, objective, control)) {
            case MultiModelOutcome.Infeasible none -> throw new UserException(none.reason());
            case MultiModelOutcome.TimedOut none -> throw new UserException(none.reason());
            case MultiModelOutcome.Found found ->
                of(problem, method.name(), objective, found, control.elapsedSeconds());
        };
    }

    private static SharedPlan of(
            MultiModelProblem problem,
            String method,
            PlacementObjective objective,
            MultiModelOutcome.Found found,
            double seconds) {
        MultiModelFlow.Result flow = MultiModelFlow.solve(problem, found.layouts(), MultiModelFlow.Goal.CONCURRENT);
        List<String> wrong = MultiModelVerifier.verify(problem, flow.solution());
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("a plan of several models that the verifier refuses: " + wrong.get(0));
        }
        OrToolsMaxFlow solver = new OrToolsMaxFlow();
        List<Planned> models = new ArrayList<>();
        for (int m = 0; m < problem.models(); m++) {
            models.add(PlanRun.report(
                    own(problem, found.layouts(), m),
                    found.layouts().get(m),
                    objective,
                    Double.POSITIVE_INFINITY,
                    method,
                    seconds,
                    false,
                    solver));
        }
        return new SharedPlan(problem, objective, found, flow, models, seconds);
    }

    /** The model with the nodes that others hold left empty. */
    private static PlacementProblem own(MultiModelProblem problem, List<Layout> layouts, int model) {
        Layout mine = layouts.get(model);
        return problem.problem(model)
                .leavingEmpty(i -> !mine.holds(i) && layouts.stream().anyMatch(layout -> layout.holds(i)));
    }

    /** {@code plan-a.svg} for {@code plan.svg} and model a. */
    static Path file(Path asked, String model) {
        String name = asked.getFileName().toString();
        int dot = name.lastIndexOf('.');
        String safe = model.replaceAll("[^A-Za-z0-9._-]", "_");
        return asked.resolveSibling(
                dot <= 0 ? name + "-" + safe : name.substring(0, dot) + "-" + safe + name.substring(dot));
    }

    /** A table per model, then all of them together. */
    void print(PrintWriter out) {
        for (Planned planned : models) {
            PlanTable.print(planned.report(), out);
        }
        out.printf(
                Locale.ROOT,
                "%n%d models on %s together%n",
                models.size(),
                problem.cluster().name());
        out.printf(Locale.ROOT, ROW, "model", "demand", "nodes", objective.name(), "tokens/s", "by demand");
        for (int m = 0; m < models.size(); m++) {
            Layout layout = models.get(m).layout();
            int nodes = 0;
            for (int i = 0; i < layout.nodes(); i++) {
                nodes += layout.holds(i) ? 1 : 0;
            }
            double carried = flow.solution().models().get(m).flow();
            out.printf(
                    Locale.ROOT,
                    ROW,
                    problem.name(m),
                    String.format(Locale.ROOT, "%.0f %%", 100 * problem.weight(m)),
                    nodes,
                    PlanTable.count(found.values().get(m)),
                    PlanTable.count(carried),
                    PlanTable.count(carried / problem.weight(m)));
        }
        out.println();
        PlanTable.line(
                out, "lambda", PlanTable.count(flow.solution().lambda()) + " tokens/s of this mix at the same time");
        PlanTable.line(out, "objective", value());
        PlanTable.line(out, "bottleneck", flow.bottleneck(problem));
        PlanTable.line(
                out,
                "found by",
                String.format(Locale.ROOT, "%,d splits of the nodes in %.1f s", found.splits(), elapsedSeconds));
        out.flush();
    }

    private String value() {
        String value =
                objective.name() + " " + PlanTable.count(found.level()) + " " + objective.unit() + " of this mix";
        return found.gap() > USELESS_GAP
                ? value
                : value
                        + String.format(
                                Locale.ROOT,
                                "; bound %s (gap %.1f %%)",
                                PlanTable.count(found.bound()),
                                100 * found.gap());
    }

    /** Everything; rates in tokens per second. */
    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("cluster", problem.cluster().name());
        json.put("objective", objective.name());
        json.put("objective_unit", objective.unit());
        json.put("value", found.level());
        json.put("bound", Double.isFinite(found.bound()) ? found.bound() : null);
        json.put("gap", Double.isFinite(found.gap()) ? found.gap() : null);
        json.put("elapsed_s", elapsedSeconds);
        json.put("splits", found.splits());
        json.put("lambda_tokens_per_s", flow.solution().lambda());
        json.put("bottleneck", flow.bottleneck(problem));
        List<Map<String, Object>> all = new ArrayList<>();
        for (int m = 0; m < models.size(); m++) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("weight", problem.weight(m));
            one.put(
                    "concurrent_flow_tokens_per_s",
                    flow.solution().models().get(m).flow());
            one.putAll(PlanJson.of(models.get(m).report()));
            all.add(one);
        }
        json.put("models", all);
        return json;
    }
}
