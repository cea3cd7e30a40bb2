package io.sluice.core.placement;

import java.util.Objects;
import java.util.Optional;

/** What a {@link PlacementMethod} found. Immutable. */
public sealed interface PlacementOutcome {
    /** No layout is better. */
    record Optimal(Layout layout, double value) implements PlacementOutcome {
        public Optimal {
            Objects.requireNonNull(layout, "layout");
        }
    }

    /**
     * A layout that serves; perhaps there are better ones.
     *
     * @param bound value that no layout exceeds; infinite: unknown
     */
    record Feasible(Layout layout, double value, double bound) implements PlacementOutcome {
        public Feasible {
            Objects.requireNonNull(layout, "layout");
        }

        /** {@code bound / value - 1}. */
        public double gap() {
            return value > 0 ? Math.max(0, bound / value - 1) : Double.POSITIVE_INFINITY;
        }
    }

    /** No layout can serve, or none that the method's rule can make; one sentence says which and why. */
    record Infeasible(String reason) implements PlacementOutcome {}

    /** Nothing was found in time. */
    record TimedOut(String reason, double bound) implements PlacementOutcome {}

    /** The layout, if there is one. */
    default Optional<Layout> found() {
        return switch (this) {
            case Optimal o -> Optional.of(o.layout());
            case Feasible f -> Optional.of(f.layout());
            case Infeasible i -> Optional.empty();
            case TimedOut t -> Optional.empty();
        };
    }
}
