package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.planning.CapacityEstimator;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition.Step;
import io.sluice.core.planning.transition.TransitionPlanner;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Holds the next step of a transition back while it would break the promised floor by the speeds known now: those that
 * the allocation goes by, not those that the transition was planned with. A worker that has just changed its layers is as
 * fast as it announces until it was measured over the new ones; a step that keeps the floor by its help only waits until
 * it was. Stateless.
 */
final class StepGate {
    /** Longest wait for workers to be measured; where no request passes, none is. */
    static final long MEASURE_MILLIS = 2_000;
    /** Longest wait for the floor; then the way is planned anew. */
    static final long FLOOR_MILLIS = 5_000;

    /** Time computed over its present layers after which a worker counts as measured, seconds. */
    private static final double MEASURED_SECONDS = CapacityEstimator.PRIOR_SECONDS + 0.1;

    private static final double TOLERANCE = 1e-9;

    private StepGate() {}

    /**
     * Why a step waits.
     *
     * @param sentence for people
     * @param waitMillis longest wait
     */
    record Obstacle(String sentence, long waitMillis) {}

    /**
     * What stands against publishing {@code steps} now; empty: nothing.
     *
     * @param cluster the live workers, which have carried out all steps before
     * @param waitedMillis for how long something has been standing against it
     */
    static Optional<Obstacle> obstacle(
            LiveCluster cluster, List<Member> live, PublishedPlacement placement, List<Step> steps, long waitedMillis) {
        double floor = placement.transition().floorTokensPerSecond();
        if (!(floor > 0)) {
            return Optional.empty();
        }
        Layout before = cluster.current();
        Layout after = after(cluster, steps);
        if (onlyAdds(before, after)) {
            return Optional.empty();
        }
        double now = new LayoutFlow(cluster.problem()).value(before);
        double least = least(cluster, before, after);
        // Where less passes than the floor as it is, a step that takes nothing away is no break of it.
        if (least < Math.min(floor, now) * (1 - TOLERANCE)) {
            return Optional.of(new Obstacle(
                    String.format(
                            Locale.ROOT,
                            "the next step would pass %.1f tokens/s by the speeds measured now, the floor is %.1f",
                            least,
                            floor),
                    FLOOR_MILLIS));
        }
        List<Member> unmeasured = live.stream()
                .filter(m -> m.status().served().isPresent()
                        && cluster.indexOf(m.status().worker()) >= 0)
                .filter(m -> m.capacity().steady().busySeconds() < MEASURED_SECONDS)
                .toList();
        if (unmeasured.isEmpty() || waitedMillis >= MEASURE_MILLIS) {
            return Optional.empty();
        }
        for (Member m : unmeasured) {
            before = before.with(cluster.indexOf(m.status().worker()), 0, 0);
            after = after.with(cluster.indexOf(m.status().worker()), 0, 0);
        }
        if (least(cluster, before, after) >= floor) {
            return Optional.empty();
        }
        return Optional.of(new Obstacle(
                "worker " + unmeasured.getFirst().status().worker() + " was not yet measured over layers "
                        + unmeasured.getFirst().status().served().orElseThrow(),
                MEASURE_MILLIS));
    }

    private static Layout after(LiveCluster cluster, List<Step> steps) {
        Layout after = cluster.current();
        for (Step step : steps) {
            int node = cluster.indexOf(step.worker());
            if (node >= 0) {
                int first = step.layers().map(LayerRange::first).orElse(0);
                after = after.with(
                        node, first, step.layers().map(LayerRange::end).orElse(0));
            }
        }
        return after;
    }

    /** Whether only workers that serve nothing get layers. */
    private static boolean onlyAdds(Layout before, Layout after) {
        for (int node = 0; node < before.nodes(); node++) {
            boolean same = before.first(node) == after.first(node) && before.end(node) == after.end(node);
            if (before.holds(node) && !same) {
                return false;
            }
        }
        return true;
    }

    private static double least(LiveCluster cluster, Layout before, Layout after) {
        return TransitionPlanner.leastFlow(cluster.problem(), before, after, cluster.maxLayers());
    }
}
