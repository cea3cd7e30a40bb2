package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutScore;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Of layouts that are worth about the same by the objective, those for which least must move.
 *
 * <p>Many layouts have the same worth: a layout mirrored end to end, or with its ranges handed to other workers of the
 * same speed, passes as much. They differ in the way that leads there: one may need a layer more on two workers that have
 * room for it, another that every worker gives up all it has, one after the other. So where giving layers to the spares
 * alone comes within {@value #ABOUT} of the best layout found, those that serve keep what they have; else a second search
 * looks, among the layouts within {@value #ABOUT} of the best, for the one with the fewest layers to load and the fewest
 * workers without room for old and new layers side by side. A worker whose move adds nothing does not move. Stateless.
 */
final class FewMoves {
    private static final double ABOUT = 0.98;
    private static final double SAME = 1 - 1e-9;
    /** Part of the time for the second search. */
    private static final double SECOND_SEARCH = 0.5;

    private final LiveCluster cluster;
    private final PlacementObjective by;
    private final ToDoubleFunction<Layout> value;

    private FewMoves(LiveCluster cluster, PlacementObjective by) {
        this.cluster = cluster;
        this.by = by;
        this.value = layout -> by.value(cluster.problem(), layout);
    }

    /** Layouts to choose from, the one to be preferred first; never empty. */
    static List<Layout> candidates(
            LiveCluster cluster, Layout best, PlacementSearch search, PlacementObjective by, double timeLimitSeconds) {
        return new FewMoves(cluster, by).candidates(best, search, timeLimitSeconds);
    }

    private List<Layout> candidates(Layout best, PlacementSearch search, double timeLimitSeconds) {
        Layout current = cluster.current();
        double enough = ABOUT * value.applyAsDouble(best);
        if (movesOnlySpares(best) || !(value.applyAsDouble(current) > 0)) {
            return List.of(still(best));
        }
        Layout spares = search.search(withServingPinned(), current, by, timeLimitSeconds)
                .found()
                .orElse(best);
        if (movesOnlySpares(spares) && value.applyAsDouble(spares) >= enough) {
            return List.of(still(spares));
        }
        List<Layout> candidates = new ArrayList<>();
        search.search(cluster.problem(), current, new Cheap(enough), SECOND_SEARCH * timeLimitSeconds)
                .found()
                .map(this::still)
                .filter(layout -> value.applyAsDouble(layout) >= enough * SAME)
                .ifPresent(candidates::add);
        Layout found = still(best);
        boolean cheaper = !candidates.isEmpty() && cost(candidates.getFirst()) < cost(found);
        candidates.add(cheaper ? candidates.size() : 0, found);
        return candidates;
    }

    /** The layout without the moves that add nothing. */
    private Layout still(Layout layout) {
        Layout current = cluster.current();
        double kept = value.applyAsDouble(layout);
        Layout chosen = layout;
        for (int node = 0; node < current.nodes(); node++) {
            Layout without = chosen.with(node, current.first(node), current.end(node));
            if (value.applyAsDouble(without) >= kept * SAME) {
                chosen = without;
            }
        }
        return chosen;
    }

    private boolean movesOnlySpares(Layout other) {
        Layout current = cluster.current();
        for (int node = 0; node < current.nodes(); node++) {
            boolean same = current.first(node) == other.first(node) && current.end(node) == other.end(node);
            if (current.holds(node) && !same) {
                return false;
            }
        }
        return true;
    }

    private PlacementProblem withServingPinned() {
        PlacementProblem problem = cluster.problem();
        Map<WorkerId, LayerRange> pinned = new TreeMap<>(problem.constraints().pinned());
        cluster.current().stages(problem).forEach(stage -> pinned.put(stage.worker(), stage.layers()));
        return problem.withConstraints(problem.constraints().withPinned(pinned));
    }

    /** What it takes to get to {@code layout}, in layers loaded; a worker that must first drain counts once more. */
    private double cost(Layout layout) {
        double cost = 0;
        for (int node = 0; node < layout.nodes(); node++) {
            cost += cost(node, layout.first(node), layout.end(node));
        }
        return cost;
    }

    private double cost(int node, int first, int end) {
        Layout current = cluster.current();
        int held = current.layers(node);
        if (end == first ? held == 0 : first == current.first(node) && end == current.end(node)) {
            return 0;
        }
        int shared = Math.max(0, Math.min(current.end(node), end) - Math.max(current.first(node), first));
        int loads = end - first - shared;
        boolean room = held == 0 || held + loads <= cluster.maxLayers()[node];
        return loads + (room ? 0 : cluster.maxLayers()[node]) + 0.25;
    }

    private double mostCost() {
        double most = 0;
        for (int fit : cluster.maxLayers()) {
            most += 2 * fit + 0.25;
        }
        return most;
    }

    /**
     * Up to 1: the part of {@code enough} that a layout is worth; from there to 2: the less it costs, the more.
     */
    private final class Cheap implements PlacementObjective {
        private final double enough;
        private final double mostCost = mostCost();

        Cheap(double enough) {
            this.enough = enough;
        }

        @Override
        public String name() {
            return "few-moves";
        }

        @Override
        public String unit() {
            return "";
        }

        @Override
        public double value(PlacementProblem problem, Layout layout) {
            return scored(value.applyAsDouble(layout), cost(layout));
        }

        @Override
        public double upperBound(PlacementProblem problem) {
            return 2;
        }

        @Override
        public LayoutScore on(PlacementProblem problem) {
            LayoutScore worth = by.on(problem);
            return (first, end) -> {
                double cost = 0;
                for (int node = 0; node < first.length; node++) {
                    cost += cost(node, first[node], end[node]);
                }
                return scored(worth.of(first, end), cost);
            };
        }

        private double scored(double worth, double cost) {
            return worth < enough * SAME ? worth / enough : 2 - cost / mostCost;
        }
    }
}
