package io.sluice.core.planning.live;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlannerEvent;
import io.sluice.core.planning.PublishedPlacement;
import java.util.Optional;

/** What the placement planner decided; applying events is the only way {@link PlacementState} changes. */
public sealed interface PlacementEvent {
    /** Something was learnt of members or links. */
    record Observed(PlannerEvent event) implements PlacementEvent {}

    /** Somebody else published a newer placement, which holds from now on. */
    record Adopted(PublishedPlacement placement, long atMillis) implements PlacementEvent {}

    /** Members and demand were looked at. */
    record Watched(Watch watch) implements PlacementEvent {}

    /** Something happened that may be worth placing again. */
    record Triggered(Trigger trigger) implements PlacementEvent {}

    /** A search is to be run beside the planner. */
    record SearchRequested(PlacementTask task, Trigger trigger, long atMillis) implements PlacementEvent {}

    /**
     * A search brought nothing that is worth the move, or nothing at all.
     *
     * @param reason one sentence
     */
    record Declined(long id, String reason, double searchSeconds, long atMillis) implements PlacementEvent {}

    /** A search's answer is for workers that are no longer so; the next one will be for those that are. */
    record Outdated(long id, String reason, Trigger trigger) implements PlacementEvent {}

    /**
     * A transition begins.
     *
     * @param first what is published: its first step
     * @param gain relative gain by the objective; infinite where nothing passed before
     * @param floorNote why the floor is lower than asked for; empty: it is not
     */
    record Begun(
            long id,
            PublishedPlacement first,
            double gain,
            Optional<String> floorNote,
            double searchSeconds,
            long atMillis)
            implements PlacementEvent {}

    /** The former step was carried out; the next is published. */
    record Stepped(PublishedPlacement placement, long atMillis) implements PlacementEvent {}

    /**
     * The former step was carried out, the next waits.
     *
     * @param epoch of the placement that holds meanwhile
     * @param reason one sentence
     */
    record Held(long epoch, String reason, long atMillis) implements PlacementEvent {}

    /** The last step was carried out. */
    record Arrived(long epoch, long tookMillis, long atMillis) implements PlacementEvent {}

    /**
     * A transition is given up: what the live workers serve is published as it is.
     *
     * @param placement what is published; empty: nobody serves anything
     * @param stalled worker that did not do its part and keeps what it has for a while; empty: it is not that
     */
    record Abandoned(
            Optional<PublishedPlacement> placement,
            String reason,
            Optional<WorkerId> stalled,
            Trigger trigger,
            long atMillis)
            implements PlacementEvent {}
}
