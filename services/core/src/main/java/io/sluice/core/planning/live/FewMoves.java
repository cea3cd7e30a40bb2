package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Of layouts that are worth about the same by the objective, the one for which least must move: where giving layers to the spares alone comes
 * within {@value #ABOUT} of the best layout found, those that serve keep what they have; and a worker whose move adds
 * nothing does not move. Stateless.
 */
final class FewMoves {
    private static final double ABOUT = 0.98;
    private static final double SAME = 1 - 1e-9;

    private FewMoves() {}

    static Layout prefer(
            LiveCluster cluster, Layout best, PlacementSearch search, PlacementObjective by, double timeLimitSeconds) {
        ToDoubleFunction<Layout> value = layout -> by.value(cluster.problem(), layout);
        Layout current = cluster.current();
        double most = value.applyAsDouble(best);
        Layout chosen = best;
        if (!movesOnlySpares(current, best) && value.applyAsDouble(current) > 0) {
            PlacementProblem spares = withServingPinned(cluster);
            Layout found =
                    search.search(spares, current, by, timeLimitSeconds).found().orElse(best);
            if (movesOnlySpares(current, found) && value.applyAsDouble(found) >= ABOUT * most) {
                chosen = found;
            }
        }
        double kept = value.applyAsDouble(chosen);
        for (int node = 0; node < current.nodes(); node++) {
            Layout without = chosen.with(node, current.first(node), current.end(node));
            if (value.applyAsDouble(without) >= kept * SAME) {
                chosen = without;
            }
        }
        return chosen;
    }

    private static boolean movesOnlySpares(Layout current, Layout other) {
        for (int node = 0; node < current.nodes(); node++) {
            boolean same = current.first(node) == other.first(node) && current.end(node) == other.end(node);
            if (current.holds(node) && !same) {
                return false;
            }
        }
        return true;
    }

    private static PlacementProblem withServingPinned(LiveCluster cluster) {
        PlacementProblem problem = cluster.problem();
        Map<WorkerId, LayerRange> pinned = new TreeMap<>(problem.constraints().pinned());
        cluster.current().stages(problem).forEach(stage -> pinned.put(stage.worker(), stage.layers()));
        return problem.withConstraints(problem.constraints().withPinned(pinned));
    }
}
