package io.sluice.solver;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import java.util.Optional;
import java.util.function.Function;

/**
 * The best layout a search has seen and the least bound it knows, told to the control's listener whenever either moves.
 * Layouts that break a constraint are refused, so no search can report one. Not thread-safe.
 */
final class BestSoFar {
    /** A gap within this counts as closed: it is what solvers and {@link CoverBound} round. */
    private static final double CLOSED = 1e-5;

    /** Beyond this gap a proof by covers is not worth its time. */
    private static final double PROVABLE = 1e-3;

    private final String method;
    private final PlacementProblem problem;
    private final PlacementObjective objective;
    private final SearchControl control;
    private Layout layout;
    private double value;
    private double bound;

    BestSoFar(String method, PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        this.method = method;
        this.problem = problem;
        this.objective = objective;
        this.control = control;
        this.bound = objective.upperBound(problem);
        if (isFlow()) {
            bound = Math.min(bound, FlowBounds.flow(problem));
        }
        control.starts().forEach(this::offer);
    }

    /** What {@code search} makes of the starts of {@code control}, unless there can be no layout at all. */
    static PlacementOutcome search(
            String method,
            PlacementProblem problem,
            PlacementObjective objective,
            SearchControl control,
            Function<BestSoFar, PlacementOutcome> search) {
        Optional<String> impossible = Feasibility.explain(problem);
        return impossible.isPresent()
                ? new PlacementOutcome.Infeasible(impossible.get())
                : search.apply(new BestSoFar(method, problem, objective, control));
    }

    /** Whether what is searched for is flow itself, so that bounds on flow count. */
    boolean isFlow() {
        return objective.name().equals("flow");
    }

    PlacementObjective objective() {
        return objective;
    }

    /** Takes the layout if it is better; whether it was. */
    boolean offer(Layout candidate) {
        double candidateValue = objective.value(problem, candidate);
        if (!(candidateValue > value * (1 + 1e-12))
                || !PlacementVerifier.verify(problem, candidate).isEmpty()) {
            return false;
        }
        layout = candidate;
        value = candidateValue;
        tell();
        return true;
    }

    /** A bound on the flow of any layout, tokens/s; counts where the objective is flow. */
    void flowBound(double flow) {
        if (isFlow() && flow < bound * (1 - 1e-12)) {
            bound = flow;
            tell();
        }
    }

    /** Tries to prove, by covers, that the best layout has all the flow there can be. */
    void prove() {
        if (isFlow() && value > 0 && bound / value - 1 < PROVABLE && bound / value - 1 > CLOSED) {
            flowBound(new CoverBound(problem).justAbove(value, control));
        }
    }

    private void tell() {
        control.listener()
                .accept(new SearchProgress(
                        method, control.elapsedSeconds(), Optional.ofNullable(layout), value, Math.max(bound, value)));
    }

    Optional<Layout> layout() {
        return Optional.ofNullable(layout);
    }

    double value() {
        return value;
    }

    double bound() {
        return bound;
    }

    /** Whether to stop: time, the user, or the gap asked for. */
    boolean done() {
        return control.expired() || value > 0 && bound / value - 1 <= Math.max(CLOSED, control.gapTarget());
    }

    /** What to return; {@code nothing} says why there is no layout, should that be so. */
    PlacementOutcome outcome(String nothing) {
        if (layout == null) {
            return new PlacementOutcome.TimedOut(nothing, bound);
        }
        return bound / value - 1 <= CLOSED
                ? new PlacementOutcome.Optimal(layout, value)
                : new PlacementOutcome.Feasible(layout, value, Math.max(bound, value));
    }
}
