package io.sluice.core.planning.live;

import io.sluice.core.planning.PlannerCommand;

/** What the placement planner of one model is told. */
public sealed interface PlacementCommand {
    /** What the flow planner is told, too: members, placements, telemetry, time. */
    record Observe(PlannerCommand command) implements PlacementCommand {}

    /** A search has ended. */
    record Finished(PlacementTask.Result result) implements PlacementCommand {}

    /** A search will never end: the process that ran it has gone. */
    record Lost(long id) implements PlacementCommand {}
}
