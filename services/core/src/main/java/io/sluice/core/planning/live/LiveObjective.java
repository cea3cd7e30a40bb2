package io.sluice.core.planning.live;

import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.ServingEstimate;
import java.util.Locale;

/** What live placements are searched by, and what an old and a new one are compared by. */
public enum LiveObjective {
    /** Decode tokens/s that {@link ServingEstimate} predicts for Sluice's scheduling. */
    SERVING,
    /** Max flow, tokens/s. */
    FLOW;

    /** The objective of searches; one instance may be used by several threads. */
    public PlacementObjective objective() {
        return this == FLOW ? Objectives.flow() : Objectives.serving(ServingEstimate.Scheduling.SLUICE);
    }

    /** What flags say: {@code serving} or {@code flow}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads {@code serving} or {@code flow}.
     *
     * @throws IllegalArgumentException when it is neither
     */
    public static LiveObjective parse(String text) {
        for (LiveObjective objective : values()) {
            if (objective.toString().equals(text)) {
                return objective;
            }
        }
        throw new IllegalArgumentException("placement objective '" + text + "' must be serving or flow");
    }
}
