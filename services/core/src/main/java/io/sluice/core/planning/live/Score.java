package io.sluice.core.planning.live;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import java.util.Optional;

/**
 * Present and new layout by one and the same objective. Immutable.
 *
 * @param objective that both were measured by
 * @param before value of what is served, tokens/s (decode tokens/s where serving is predicted)
 * @param after value of the layout found
 * @param fallback why it is not the objective asked for; empty: it is
 */
public record Score(LiveObjective objective, double before, double after, Optional<String> fallback) {

    /** Relative gain; infinite where nothing passed before. */
    public double gain() {
        return before > 0 ? after / before - 1 : Double.POSITIVE_INFINITY;
    }

    static Score of(LiveCluster cluster, Layout target, Basis basis) {
        PlacementProblem problem = cluster.problem();
        if (basis.objective() == LiveObjective.SERVING) {
            PlacementObjective serving = basis.objective().objective();
            double before = serving.value(problem, cluster.current());
            double after = serving.value(problem, target);
            LayoutFlow flow = new LayoutFlow(problem);
            if (holds(before, flow.value(cluster.current())) && holds(after, flow.value(target))) {
                return new Score(LiveObjective.SERVING, before, after, basis.fallback());
            }
            return of(
                    cluster,
                    target,
                    new Basis(LiveObjective.FLOW, Optional.of("no serving is predicted for a layout that has flow")));
        }
        LayoutFlow flow = new LayoutFlow(problem);
        return new Score(LiveObjective.FLOW, flow.value(cluster.current()), flow.value(target), basis.fallback());
    }

    private static boolean holds(double predicted, double flow) {
        return Double.isFinite(predicted) && (predicted > 0 || !(flow > 0));
    }

    /**
     * What a search can go by.
     *
     * @param fallback why it is not the objective asked for
     */
    record Basis(LiveObjective objective, Optional<String> fallback) {
        /** {@code wanted}, or max flow where the workers announce too little for it. */
        static Basis of(LiveObjective wanted, LiveCluster cluster) {
            if (wanted == LiveObjective.SERVING && cluster.unpredictable().isPresent()) {
                return new Basis(LiveObjective.FLOW, cluster.unpredictable());
            }
            return new Basis(wanted, Optional.empty());
        }
    }
}
