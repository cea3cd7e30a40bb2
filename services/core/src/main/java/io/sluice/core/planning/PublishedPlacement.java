package io.sluice.core.planning;

import java.util.Objects;

/**
 * A placement as it is published: the stages that hold from now on, what is to come, how and why. Immutable.
 *
 * @param method how it was made, for people
 * @param reason what made the planner place again; empty: nobody said
 */
public record PublishedPlacement(PlacementPlan plan, Transition transition, String method, String reason) {
    public PublishedPlacement {
        Objects.requireNonNull(plan, "plan");
        Objects.requireNonNull(transition, "transition");
        Objects.requireNonNull(method, "method");
        Objects.requireNonNull(reason, "reason");
    }

    /** Stages that are their own target. */
    public static PublishedPlacement of(PlacementPlan plan, String method) {
        return new PublishedPlacement(plan, Transition.NONE, method, "");
    }
}
