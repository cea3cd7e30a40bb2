package io.sluice.launcher.plan;

import io.sluice.core.cluster.RequestShape;
import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.ServingEstimate;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.launcher.UserException;
import io.sluice.simulator.SimulationPolicies;
import io.sluice.simulator.sluice.SimulatedScore;
import io.sluice.simulator.sluice.SimulatedSearch;
import java.util.List;
import java.util.Optional;

/** One search for a placement, and what is to be said of its result. */
final class PlanRun {
    /** Seeds that nothing else uses, so that reported runs are not those the placement was chosen by. */
    private static final List<Long> REFINE_SEEDS = List.of(9_001L, 9_002L);

    private static final double REFINE_WARM_UP_SECONDS = 60;
    private static final double REFINE_WINDOW_SECONDS = 120;

    private PlanRun() {}

    /** A layout with everything that is said of it. */
    record Planned(PlacementProblem problem, Layout layout, PlanReport report) {}

    /**
     * Places the model.
     *
     * @throws UserException when nothing serves, or nothing was found in time; says why
     */
    static Planned place(
            PlacementProblem problem,
            PlacementMethod method,
            PlacementObjective objective,
            SearchControl control,
            MaxFlowSolver solver) {
        PlacementOutcome outcome = method.place(problem, objective, control);
        double seconds = control.elapsedSeconds();
        return switch (outcome) {
            case PlacementOutcome.Optimal found ->
                report(problem, found.layout(), objective, found.value(), method.name(), seconds, true, solver);
            case PlacementOutcome.Feasible found ->
                report(problem, found.layout(), objective, found.bound(), method.name(), seconds, false, solver);
            case PlacementOutcome.Infeasible none -> throw new UserException(none.reason());
            case PlacementOutcome.TimedOut none -> throw new UserException(none.reason());
        };
    }

    /**
     * Improves a placement by simulating small changes of it.
     *
     * @param shapes request lengths
     */
    static Planned refine(
            Planned start,
            List<RequestShape> shapes,
            PlacementObjective objective,
            SearchControl control,
            MaxFlowSolver solver) {
        SimulatedScore score = new SimulatedScore(
                SimulationPolicies.byName("sluice"),
                shapes,
                solver,
                REFINE_SEEDS,
                REFINE_WARM_UP_SECONDS,
                REFINE_WINDOW_SECONDS,
                Double.POSITIVE_INFINITY);
        PlacementMethod search = new SimulatedSearch(score, Integer.MAX_VALUE, 1);
        return search.place(start.problem(), objective, control.withStarts(List.of(start.layout())))
                .found()
                .filter(layout ->
                        PlacementVerifier.verify(start.problem(), layout).isEmpty())
                .map(layout -> report(
                        start.problem(),
                        layout,
                        objective,
                        start.report().bound(),
                        start.report().method() + " and " + search.name(),
                        start.report().elapsedSeconds() + control.elapsedSeconds(),
                        false,
                        solver))
                .orElse(start);
    }

    /** What is to be said of a layout. */
    static Planned report(
            PlacementProblem problem,
            Layout layout,
            PlacementObjective objective,
            double bound,
            String method,
            double seconds,
            boolean optimal,
            MaxFlowSolver solver) {
        List<String> wrong = PlacementVerifier.verify(problem, layout);
        if (!wrong.isEmpty()) {
            throw new IllegalStateException(
                    "method " + method + " made a placement that the verifier refuses: " + wrong.get(0));
        }
        double value = objective.value(problem, layout);
        LayoutFlow.Detail detail = new LayoutFlow(problem).detail(layout);
        PlanGraph graph = PlanGraphs.of(problem, layout, detail, solver);
        ServingEstimate.Estimate estimate =
                new ServingEstimate(problem, ServingEstimate.Scheduling.SLUICE).estimate(layout);
        return new Planned(
                problem,
                layout,
                new PlanReport(
                        problem.cluster().name(),
                        problem.model().name(),
                        method,
                        objective.name(),
                        objective.unit(),
                        value,
                        bound,
                        optimal,
                        seconds,
                        detail.value(),
                        FlowBounds.flow(problem),
                        Optional.of(new PlanReport.Estimate(
                                estimate.decodeTokensPerSecond(),
                                estimate.promptSeconds(),
                                estimate.decodeSeconds(),
                                estimate.hops(),
                                estimate.inFlight(),
                                estimate.busiest())),
                        Bottleneck.words(problem, layout, detail, graph),
                        List.of(),
                        graph));
    }
}
