package io.sluice.core.planning.live;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.planning.transition.TransitionPlan;
import io.sluice.core.planning.transition.TransitionPlanner;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The slow part of placing again, which runs beside the planner: the search, and the way to what it found. Immutable.
 *
 * @param id tells searches of a model apart
 * @param cluster as it was when the search was asked for
 * @param objective asked for; where it cannot be computed, max flow takes its place
 */
public record PlacementTask(
        long id, LiveCluster cluster, LiveObjective objective, double floorShare, double timeLimitSeconds) {

    /**
     * What came out of it.
     *
     * @param transition to the layout found; empty: none was found
     * @param score of what is served and of the layout found; there whenever a transition is
     * @param explanation how the search went, or why nothing was found, for people
     */
    public record Result(
            PlacementTask task,
            Optional<TransitionPlan> transition,
            Optional<Score> score,
            String explanation,
            double seconds) {}

    /** Does it in the calling thread; never throws but for bugs in the JVM. */
    public Result run(PlacementSearch search, LongSupplier nanoTime) {
        long start = nanoTime.getAsLong();
        Optional<TransitionPlan> transition = Optional.empty();
        Optional<Score> score = Optional.empty();
        String explanation;
        try {
            Score.Basis basis = Score.Basis.of(objective, cluster);
            PlacementObjective by = basis.objective().objective();
            PlacementOutcome outcome = search.search(cluster.problem(), cluster.current(), by, timeLimitSeconds / 2);
            explanation = explain(outcome);
            if (outcome.found().isPresent()) {
                TransitionPlan plan =
                        way(FewMoves.candidates(cluster, outcome.found().get(), search, by, timeLimitSeconds / 2));
                score = Optional.of(Score.of(cluster, plan.target(), basis));
                transition = Optional.of(plan);
            }
        } catch (RuntimeException e) {
            explanation = "the search failed: " + e;
        }
        return new Result(this, transition, score, explanation, (nanoTime.getAsLong() - start) / 1e9);
    }

    /** The way to the first of the layouts that leads there without lowering the floor, else the one with the highest. */
    private TransitionPlan way(List<Layout> targets) {
        TransitionPlan best = null;
        for (Layout target : targets) {
            TransitionPlan plan = TransitionPlanner.plan(
                    cluster.problem(), cluster.current(), target, cluster.maxLayers(), floorShare);
            if (plan.loweredBecause().isEmpty()) {
                return plan;
            }
            best = best == null || plan.floor() > best.floor() ? plan : best;
        }
        return best;
    }

    private static String explain(PlacementOutcome outcome) {
        return switch (outcome) {
            case PlacementOutcome.Optimal o -> "optimal";
            case PlacementOutcome.Feasible f -> "best found";
            case PlacementOutcome.Infeasible i -> i.reason();
            case PlacementOutcome.TimedOut t -> t.reason();
        };
    }
}
