package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;

/** A search that finds what it is told. */
final class LayoutTarget implements PlacementSearch {
    private final String ranges;

    LayoutTarget(String ranges) {
        this.ranges = ranges;
    }

    @Override
    public PlacementOutcome search(
            PlacementProblem problem, Layout current, PlacementObjective objective, double timeLimitSeconds) {
        String[] parts = ranges.split(" ");
        Layout layout = current;
        for (int i = 0; i < parts.length; i++) {
            LayerRange range = LayerRange.parse(parts[i]);
            layout = layout.with(i, range.first(), range.end());
        }
        return new PlacementOutcome.Feasible(layout, 1, 1);
    }
}
