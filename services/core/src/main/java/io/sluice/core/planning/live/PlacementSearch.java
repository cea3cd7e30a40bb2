package io.sluice.core.planning.live;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;

/** Port to whatever searches layouts for the live planner. Implementations say whether they are thread-safe. */
@FunctionalInterface
public interface PlacementSearch {
    /**
     * A layout of {@code problem}, at least as good as {@code current} where that serves.
     *
     * @param current what the workers serve now; a good search begins there, so that little moves without need
     * @param objective what is to be large
     * @param timeLimitSeconds most time
     */
    PlacementOutcome search(
            PlacementProblem problem, Layout current, PlacementObjective objective, double timeLimitSeconds);
}
