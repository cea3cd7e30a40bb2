package io.sluice.launcher.bench;

import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.ServingEstimate;
import io.sluice.core.placement.ServingEstimate.Scheduling;
import io.sluice.core.placement.heuristics.Heuristics;
import io.sluice.launcher.bench.HelixCases.Case;
import io.sluice.launcher.bench.ServingRuns.Setup;
import io.sluice.launcher.simulate.PlacedGroups;
import io.sluice.launcher.simulate.PlacedGroups.Placed;
import io.sluice.simulator.SimulationPolicies;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.sluice.SimulatedScore;
import io.sluice.simulator.sluice.SimulatedSearch;
import io.sluice.solver.PlacementCatalogue;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Every method's placement on Helix's clusters: flow, bound, estimate, and what it serves in the simulator under Helix's
 * policy and under ours, beside the published layouts under the same capacities.
 */
final class PlacementPart {
    private static final double FLOW_LIMIT_SECONDS = 60;
    /** Seeds that no reported run has. */
    private static final List<Long> REFINE_SEEDS = List.of(9_001L, 9_002L);

    private static final double REFINE_WARM_UP_SECONDS = 60;
    private static final double REFINE_WINDOW_SECONDS = 120;

    private final HelixCases cases;
    private final Bench.Setting setting;
    private final BenchReport report;
    private final SimulationPolicy helixPolicy = SimulationPolicies.byName("helix");
    private final SimulationPolicy ourPolicy = SimulationPolicies.byName("sluice");

    PlacementPart(HelixCases cases, Bench.Setting setting, BenchReport report) {
        this.cases = cases;
        this.setting = setting;
        this.report = report;
    }

    /** A row of the table. */
    private record Line(
            String name,
            double flow,
            double bound,
            double estimate,
            Served underHelix,
            Served underOurs,
            double seconds) {
        String text() {
            return String.format(
                    Locale.ROOT,
                    "  %-26s %8.1f %9s %7s %9.1f %9.1f %8.2f %8.3f %9.1f %8.2f %8.3f %8.1f",
                    name,
                    flow,
                    Double.isInfinite(bound) ? "-" : String.format(Locale.ROOT, "%.1f", bound),
                    Double.isInfinite(bound) || flow <= 0
                            ? "-"
                            : String.format(Locale.ROOT, "%.1f %%", 100 * Math.max(0, bound / flow - 1)),
                    estimate,
                    underHelix.decodeTokensPerSecond(),
                    underHelix.promptSeconds(),
                    underHelix.decodeSeconds(),
                    underOurs.decodeTokensPerSecond(),
                    underOurs.promptSeconds(),
                    underOurs.decodeSeconds(),
                    seconds);
        }
    }

    /** Adds the rows of one case. */
    void run(Case of) {
        setting.out()
                .printf(
                        Locale.ROOT,
                        "%n%s: placements; decode tokens/s, mean prompt s and mean token s simulated offline, Azure conversations%n"
                                + "  %-26s %8s %9s %7s %9s %27s %27s %8s%n  %-26s %8s %9s %7s %9s %9s %8s %8s %9s %8s %8s %8s%n",
                        of.name(),
                        "",
                        "",
                        "",
                        "",
                        "",
                        "under policy helix",
                        "under policy sluice",
                        "",
                        "method",
                        "flow",
                        "bound",
                        "gap",
                        "estimate",
                        "decode/s",
                        "prompt",
                        "token",
                        "decode/s",
                        "prompt",
                        "token",
                        "found s");
        ServingRuns runs = new ServingRuns(cases, cases.conversations(), 1);
        Line helix = published(of, "helix", runs);
        published(of, "swarm", runs);
        published(of, "petals", runs);
        published(of, "separate", runs);
        for (PlacementMethod method : Heuristics.all()) {
            boolean partial = method.name().equals("petals");
            tryMethod(partial ? of.partial() : of, method, Objectives.byName("serving"), 5, runs);
        }
        tryMethod(of, PlacementCatalogue.byName("milp"), Objectives.byName("flow"), limit(), runs);
        Optional<Line> flow =
                tryMethod(of, PlacementCatalogue.byName("sluice"), Objectives.byName("flow"), limit(), runs);
        flow.ifPresent(line -> flowRows(of, line, helix));
        Optional<Line> same =
                tryMethod(of, PlacementCatalogue.byName("sluice"), Objectives.byName("serving-helix"), limit(), runs);
        Optional<Line> serving =
                tryMethod(of, PlacementCatalogue.byName("sluice"), Objectives.byName("serving"), limit(), runs);
        servingRows(of, helix, same, serving);
    }

    /** Our placement for a case, as {@code sluice plan --refine} finds it: searched, then improved by simulation. */
    Layout ours(Case of) {
        setting.progress(of.name() + ": placing with method sluice, at most " + Math.round(limit()) + " s");
        PlacementObjective objective = Objectives.byName("serving");
        Layout searched = PlacementCatalogue.byName("sluice")
                .place(of.problem(), objective, SearchControl.of(0, limit(), System::nanoTime))
                .found()
                .orElseThrow();
        setting.progress(of.name() + ": simulating small changes, at most " + Math.round(limit()) + " s");
        SimulatedScore score = new SimulatedScore(
                ourPolicy,
                cases.conversations().shapes(),
                cases.solver(),
                REFINE_SEEDS,
                REFINE_WARM_UP_SECONDS,
                REFINE_WINDOW_SECONDS,
                Double.POSITIVE_INFINITY);
        SearchControl control = SearchControl.of(0, limit(), System::nanoTime).withStarts(List.of(searched));
        return new SimulatedSearch(score, Integer.MAX_VALUE, 1)
                .place(of.problem(), objective, control)
                .found()
                .filter(layout -> PlacementVerifier.verify(of.problem(), layout).isEmpty())
                .orElse(searched);
    }

    private double limit() {
        return setting.quick() ? 20 : FLOW_LIMIT_SECONDS;
    }

    private void flowRows(Case of, Line line, Line helix) {
        String name = of.name() + ".flow";
        report.add(name, "tokens/s", line.flow(), helix.flow(), ">= 1.0");
        report.add(name + ".gap", "ratio", Math.max(0, line.bound() / line.flow() - 1), null, "<= 0.02");
        report.add(name + ".found_in", "s", line.seconds());
    }

    private void servingRows(Case of, Line helix, Optional<Line> same, Optional<Line> serving) {
        same.ifPresent(line -> report.add(
                of.name() + ".decode_under_helix_policy",
                "tokens/s",
                line.underHelix().decodeTokensPerSecond(),
                helix.underHelix().decodeTokensPerSecond(),
                ">= 1.15"));
        serving.ifPresent(line -> report.add(
                of.name() + ".decode_under_sluice_policy",
                "tokens/s",
                line.underOurs().decodeTokensPerSecond(),
                helix.underOurs().decodeTokensPerSecond(),
                ">= 1.15"));
    }

    private Line published(Case of, String method, ServingRuns runs) {
        Case with = method.equals("petals") ? of.partial() : of;
        Layout layout = PlacedGroups.layout(with.problem(), cases.helix().layout(of.cluster(), of.model(), method));
        List<Placed> groups = cases.published(of, method);
        double flow = groups.stream().mapToDouble(g -> g.topology().maxFlow()).sum();
        return line("published " + method, with, layout, groups, flow, FlowBounds.flow(with.problem()), 0, runs);
    }

    private Optional<Line> tryMethod(
            Case of, PlacementMethod method, PlacementObjective objective, double limitSeconds, ServingRuns runs) {
        PlacementProblem problem = of.problem();
        SearchControl control = SearchControl.of(0, limitSeconds, System::nanoTime);
        PlacementOutcome outcome = method.place(problem, objective, control);
        double seconds = control.elapsedSeconds();
        boolean search = limitSeconds > 5;
        String name = method.name() + (search ? " (" + objective.name() + ")" : "");
        if (outcome.found().isEmpty()) {
            setting.out().println("  " + name + ": " + why(outcome));
            return Optional.empty();
        }
        Layout layout = outcome.found().orElseThrow();
        List<String> wrong = PlacementVerifier.verify(problem, layout);
        if (!wrong.isEmpty()) {
            setting.out().println("  " + name + ": refused by the verifier: " + wrong.get(0));
            return Optional.empty();
        }
        double flow = new LayoutFlow(problem).value(layout);
        double bound = FlowBounds.flow(problem);
        if (objective.name().equals("flow")) {
            bound = switch (outcome) {
                case PlacementOutcome.Optimal o -> flow;
                case PlacementOutcome.Feasible f -> Math.min(bound, f.bound());
                default -> bound;
            };
        }
        return Optional.of(line(name, of, layout, runs.placed(of, layout), flow, bound, seconds, runs));
    }

    private Line line(
            String name,
            Case of,
            Layout layout,
            List<Placed> groups,
            double flow,
            double bound,
            double seconds,
            ServingRuns runs) {
        double estimate = new ServingEstimate(of.problem(), Scheduling.SLUICE)
                .estimate(layout)
                .decodeTokensPerSecond();
        Served underHelix = runs.offline(of, new Setup(name, groups, helixPolicy, ""));
        Served underOurs = runs.offline(of, new Setup(name, groups, ourPolicy, ""));
        Line line = new Line(name, flow, bound, estimate, underHelix, underOurs, seconds);
        setting.out().println(line.text());
        setting.out().flush();
        return line;
    }

    private static String why(PlacementOutcome outcome) {
        return switch (outcome) {
            case PlacementOutcome.Infeasible i -> i.reason();
            case PlacementOutcome.TimedOut t -> t.reason();
            default -> "";
        };
    }

    /** Layouts of many kinds, for comparing estimate and simulation. */
    List<Layout> variety(Case of, int count) {
        List<Layout> layouts = new ArrayList<>();
        for (String method : List.of("helix", "swarm")) {
            layouts.add(PlacedGroups.layout(of.problem(), cases.helix().layout(of.cluster(), of.model(), method)));
        }
        for (PlacementMethod method : Heuristics.all()) {
            add(layouts, of, method, Objectives.byName("serving"), 0, 2);
        }
        PlacementMethod search = PlacementCatalogue.byName("search");
        List<String> objectives = List.of("flow", "serving", "serving-helix", "flow-within-latency:1.5");
        for (int seed = 0; layouts.size() < count && seed < 4 * count; seed++) {
            String objective = objectives.get(seed % objectives.size());
            List<Layout> seen = new ArrayList<>();
            SearchControl control = SearchControl.of(seed, 1.5, System::nanoTime)
                    .withListener(progress -> progress.best().ifPresent(seen::add));
            search.place(of.problem(), Objectives.byName(objective), control);
            for (int i = 0; i < seen.size() && layouts.size() < count; i += Math.max(1, seen.size() / 3)) {
                if (!layouts.contains(seen.get(i))) {
                    layouts.add(seen.get(i));
                }
            }
        }
        return layouts;
    }

    private void add(
            List<Layout> layouts,
            Case of,
            PlacementMethod method,
            PlacementObjective objective,
            long seed,
            double limit) {
        method.place(of.problem(), objective, SearchControl.of(seed, limit, System::nanoTime))
                .found()
                .filter(layout -> new LayoutFlow(of.problem()).value(layout) > 0)
                .filter(layout -> !layouts.contains(layout))
                .ifPresent(layouts::add);
    }
}
