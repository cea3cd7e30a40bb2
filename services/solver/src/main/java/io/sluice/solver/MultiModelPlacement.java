package io.sluice.solver;

import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.SearchControl;
import java.util.Objects;
import java.util.Optional;

/**
 * Places several models on one cluster, a node to one model: decides which node serves which model so that the least
 * value by weight is large, then the next. Anytime: starts from machines shared out by demand times layer bytes
 * ({@link SplitStarts}), moves and swaps nodes towards the model that is worst off, judging a split by short
 * {@link LocalSearch}es, and spends the rest of the time on the best split's models with the method given, in turns. All
 * splits are tried where there are few. Constraints hold per model. Deterministic for a seed until time or the user ends
 * it. Stateless and thread-safe.
 */
public final class MultiModelPlacement {
    private static final long CHANGES = 3_000;
    /** How much longer it takes to value a layout by anything but flow. */
    private static final long SLOWER = 6;

    private final PlacementMethod method;
    private final long changes;
    private final long mostSplits;

    /** @param method places each model on the nodes it got in the end */
    public MultiModelPlacement(PlacementMethod method) {
        this(method, CHANGES, Long.MAX_VALUE);
    }

    /**
     * @param changes by which a split is judged, per model
     * @param mostSplits to try at most, for results that no clock decides
     */
    public MultiModelPlacement(PlacementMethod method, long changes, long mostSplits) {
        this.method = Objects.requireNonNull(method, "method");
        this.changes = changes;
        this.mostSplits = mostSplits;
    }

    /**
     * Places all models; the control's listener hears the least value by weight and its bound, its starts are not used.
     */
    public MultiModelOutcome place(MultiModelProblem problem, PlacementObjective objective, SearchControl control) {
        OrToolsMaxFlow.load();
        Optional<String> impossible = MultiModelBounds.explain(problem);
        if (impossible.isPresent()) {
            return new MultiModelOutcome.Infeasible(impossible.get());
        }
        long each = objective.name().equals("flow") ? changes : Math.max(1, changes / SLOWER);
        return new SplitSearch(problem, objective, control, each, mostSplits).run(method);
    }
}
