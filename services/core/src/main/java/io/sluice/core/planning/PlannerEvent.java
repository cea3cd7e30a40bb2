package io.sluice.core.planning;

import java.util.List;
import java.util.Objects;

/** What the planner decided; applying events is the only way {@link PlannerState} changes. */
public sealed interface PlannerEvent {
    /** @param seenMillis when the worker is known to have lived, ms since the epoch, planner's clock */
    record Announced(MemberStatus status, long seenMillis) implements PlannerEvent {}

    /** A process has come, drains or is gone. */
    record Attended(Presence presence) implements PlannerEvent {}

    /** A newer placement holds from now on. */
    record Placed(PlacementPlan plan) implements PlannerEvent {}

    /** @param estimate the worker's capacity after the sample */
    record DeviceMeasured(DeviceSample sample, CapacityEstimate estimate, long seenMillis) implements PlannerEvent {}

    /** @param estimate the link's bandwidth after the sample */
    record LinkMeasured(String from, String to, LinkEstimate estimate) implements PlannerEvent {}

    /**
     * A report was not used.
     *
     * @param source worker or link ({@code from>to}) it came from
     * @param report whether to put it on the errors topic: a fault, and the first of its kind in a row
     */
    record Refused(String source, Rejection rejection, boolean report) implements PlannerEvent {}

    /** The graph was looked at; {@code solved} tells whether the solver ran. */
    record Examined(boolean solved) implements PlannerEvent {}

    /**
     * A solution failed verification and is not published: a bug. The last allocation stays.
     *
     * @param report whether it is the first since the last good one
     */
    record Unsound(long epoch, List<String> violations, boolean report) implements PlannerEvent {
        public Unsound {
            violations = List.copyOf(violations);
        }
    }

    /** A verified allocation takes effect. */
    record Published(Allocation allocation, String reason, long atMillis) implements PlannerEvent {
        public Published {
            Objects.requireNonNull(allocation, "allocation");
            Objects.requireNonNull(reason, "reason");
        }
    }
}
