package io.sluice.core.planning;

/** What the planner of one model is told. */
public sealed interface PlannerCommand {
    /** The model it concerns. */
    String model();

    /** A worker announced itself, drains or left. */
    record Announce(MemberStatus status) implements PlannerCommand {
        @Override
        public String model() {
            return status.model();
        }
    }

    /** A placement was published. */
    record Place(PublishedPlacement placement) implements PlannerCommand {
        /** Stages that are their own target. */
        public Place(PlacementPlan plan) {
            this(PublishedPlacement.of(plan, ""));
        }

        public PlacementPlan plan() {
            return placement.plan();
        }

        @Override
        public String model() {
            return plan().model();
        }
    }

    /** A device reported; also the worker's heartbeat. */
    record MeasureDevice(DeviceSample sample) implements PlannerCommand {
        @Override
        public String model() {
            return sample.model();
        }
    }

    /** Transfers on a link were reported. */
    record MeasureLink(LinkSample sample) implements PlannerCommand {
        @Override
        public String model() {
            return sample.model();
        }
    }

    /** Heartbeats show a process come, drain or go; only changes are told, not every heartbeat. */
    record Attend(String model, Presence presence) implements PlannerCommand {}

    /** Time has passed. */
    record Tick(String model) implements PlannerCommand {}
}
