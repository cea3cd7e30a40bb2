package io.sluice.solver;

import io.sluice.core.placement.Layout;
import java.util.List;

/** What {@link MultiModelPlacement} found. Immutable. */
public sealed interface MultiModelOutcome {
    /**
     * A placement that serves every model.
     *
     * @param layouts in the problem's order
     * @param values of the objective by model
     * @param level least value by weight
     * @param bound that no placement's level exceeds; infinite: unknown
     * @param splits ways to split the nodes between the models that were tried
     */
    record Found(List<Layout> layouts, List<Double> values, double level, double bound, long splits)
            implements MultiModelOutcome {
        public Found {
            layouts = List.copyOf(layouts);
            values = List.copyOf(values);
        }

        /** {@code bound / level - 1}. */
        public double gap() {
            return level > 0 ? Math.max(0, bound / level - 1) : Double.POSITIVE_INFINITY;
        }
    }

    /** A model cannot be held; one sentence says which and why. */
    record Infeasible(String reason) implements MultiModelOutcome {}

    /** Nothing was found in time. */
    record TimedOut(String reason) implements MultiModelOutcome {}
}
