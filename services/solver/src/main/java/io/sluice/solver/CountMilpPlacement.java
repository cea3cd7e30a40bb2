package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.Optional;

/**
 * Method {@code milp-count}: a mixed-integer program over how many machines of a kind hold which layers
 * ({@link CountModel}), with SCIP, started from {@link BlockPlacement} where no start is given. Exact where links inside regions do not bind and there is one region; elsewhere a
 * relaxation whose bound holds, whose layouts are mended by {@link CrossingSwaps} and valued by their exact flow.
 * Stateless and thread-safe.
 */
public final class CountMilpPlacement implements PlacementMethod {
    private static final double ROUNDING = 1e-9;

    @Override
    public String name() {
        return "milp-count";
    }

    @Override
    public String description() {
        return "how many machines of a kind hold which layers, by a mixed-integer program without symmetry (Sluice)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        return BestSoFar.search(name(), problem, objective, control, best -> run(problem, best, control));
    }

    private PlacementOutcome run(PlacementProblem problem, BestSoFar best, SearchControl control) {
        double bound = new CoverBound(problem).flow(control);
        best.flowBound(bound);
        if (best.layout().isEmpty()) {
            BlockPlacement.improve(problem, best, control);
        }
        try (CountModel model = new CountModel(problem, bound * (1 + ROUNDING))) {
            best.layout().ifPresent(model::hint);
            Optional<Layout> found = best.done() ? Optional.empty() : model.solve(control, Double.MAX_VALUE);
            if (found.isPresent()) {
                best.flowBound(model.bound());
                best.offer(found.get());
                best.offer(mended(problem, found.get(), control));
            }
            if (model.infeasible() && best.layout().isEmpty()) {
                return new PlacementOutcome.Infeasible(
                        "no layout keeps every constraint; relax replicas, hops, price or pins");
            }
        }
        best.prove();
        return best.outcome("the solver found no layout within the time; give it more, or a start from another method");
    }

    private static Layout mended(PlacementProblem problem, Layout layout, SearchControl control) {
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        for (int i = 0; i < first.length; i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
        new CrossingSwaps(problem, new LayoutFlow(problem), control).improve(first, end);
        return Layout.of(first, end);
    }
}
