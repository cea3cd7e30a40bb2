package io.sluice.planner;

import io.sluice.core.planning.PlannerCommand;
import java.util.Objects;

/** A command and the record it came from, for the errors topic. Immutable. */
record PlannerInput(PlannerCommand command, String topic, int partition, long offset) {
    PlannerInput {
        Objects.requireNonNull(command, "command");
        Objects.requireNonNull(topic, "topic");
    }
}
