package io.sluice.core.placement;

import java.util.Optional;

/**
 * Where an anytime search stands. Immutable.
 *
 * @param method who searches
 * @param elapsedSeconds since the start
 * @param best best layout so far
 * @param value its value; 0: none yet
 * @param bound value that no layout exceeds; infinite: unknown
 */
public record SearchProgress(String method, double elapsedSeconds, Optional<Layout> best, double value, double bound) {
    /** {@code bound / value - 1}; infinite while either is unknown. */
    public double gap() {
        return value > 0 ? Math.max(0, bound / value - 1) : Double.POSITIVE_INFINITY;
    }
}
