package io.sluice.core.planning.transition;

import io.sluice.core.placement.Layout;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The phases from one layout to another. Immutable.
 *
 * @param start what is served before
 * @param target what is served after the last phase
 * @param phases to be carried out one after the other; empty: nothing changes
 * @param startFlow max flow before, tokens/s
 * @param targetFlow max flow after, tokens/s
 * @param floor flow that no phase falls below, tokens/s
 * @param loweredBecause why the floor is lower than asked for; empty: it is not
 */
public record TransitionPlan(
        Layout start,
        Layout target,
        List<Phase> phases,
        double startFlow,
        double targetFlow,
        double floor,
        Optional<String> loweredBecause) {
    public TransitionPlan {
        Objects.requireNonNull(start, "start");
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(loweredBecause, "loweredBecause");
        phases = List.copyOf(phases);
    }

    /**
     * Changes that workers carry out side by side, each in its own time.
     *
     * @param after what is served once all of them are done
     * @param flow least max flow while they are under way, in whatever order they get done, tokens/s
     * @param nodes that change, in order
     */
    public record Phase(Layout after, double flow, List<Integer> nodes) {
        public Phase {
            Objects.requireNonNull(after, "after");
            nodes = List.copyOf(nodes);
        }
    }
}
