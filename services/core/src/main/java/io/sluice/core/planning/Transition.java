package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What is still to come after a placement on the way to another one. Immutable.
 *
 * @param target the stages once all steps are done
 * @param steps to come after the placement they are published with, by phase; empty: it is the last
 * @param floorTokensPerSecond flow that no step falls below, tokens/s; 0: none promised
 */
public record Transition(List<Stage> target, List<Step> steps, double floorTokensPerSecond) {
    /** No transition. */
    public static final Transition NONE = new Transition(List.of(), List.of(), 0);

    private static final int MAX_STEPS = 16_384;

    public Transition {
        target = target.stream().sorted(PlacementPlan.ORDER).toList();
        steps = List.copyOf(steps);
        if (!(floorTokensPerSecond >= 0) || Double.isInfinite(floorTokensPerSecond)) {
            throw new IllegalArgumentException(
                    "floor of " + floorTokensPerSecond + " tokens/s must be finite and not negative");
        }
        if (steps.size() > MAX_STEPS) {
            throw new IllegalArgumentException(steps.size() + " steps are more than " + MAX_STEPS);
        }
    }

    /**
     * One change of one worker; steps of a phase are carried out side by side, phases one after the other.
     *
     * @param phase from 1
     * @param layers layers it serves to new sessions afterwards; empty: none
     * @param flowTokensPerSecond least max flow while the phase is carried out, tokens/s
     */
    public record Step(int phase, WorkerId worker, Optional<LayerRange> layers, double flowTokensPerSecond) {
        public Step {
            Objects.requireNonNull(worker, "worker");
            Objects.requireNonNull(layers, "layers");
            if (phase < 1 || !(flowTokensPerSecond >= 0) || Double.isInfinite(flowTokensPerSecond)) {
                throw new IllegalArgumentException("step of " + worker + ": phase " + phase
                        + " must be at least 1 and flow " + flowTokensPerSecond + " finite and not negative");
            }
        }
    }

    /** Whether anything is still to come. */
    public boolean underWay() {
        return !steps.isEmpty();
    }
}
