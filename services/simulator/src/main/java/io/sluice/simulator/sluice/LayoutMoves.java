package io.sluice.simulator.sluice;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import java.util.random.RandomGenerator;

/** Small changes of a layout that keep its pipelines whole wherever they can. Deterministic for the random source. */
final class LayoutMoves {
    private static final int KINDS = 6;

    private final PlacementProblem problem;
    private final RandomGenerator random;

    LayoutMoves(PlacementProblem problem, RandomGenerator random) {
        this.problem = problem;
        this.random = random;
    }

    /** A changed layout; the same one when the change drawn is not possible. */
    Layout change(Layout layout) {
        int i = random.nextInt(layout.nodes());
        int j = random.nextInt(layout.nodes());
        return switch (random.nextInt(KINDS)) {
            case 0, 1 -> shiftBoundary(layout, layout.holds(i) ? layout.end(i) : 0, random.nextBoolean() ? 1 : -1);
            case 2 -> copy(layout, i, j);
            case 3 -> swap(layout, i, j);
            case 4 -> split(layout, i, j);
            default -> shiftBoundary(layout, layout.holds(i) ? layout.first(i) : 0, 2 * random.nextInt(2) - 1);
        };
    }

    /** All nodes that end or begin at a layer do so {@code by} layers later. */
    private Layout shiftBoundary(Layout layout, int boundary, int by) {
        if (boundary <= 0 || boundary >= problem.layers()) {
            return layout;
        }
        Layout changed = layout;
        for (int node = 0; node < layout.nodes(); node++) {
            if (!layout.holds(node)) {
                continue;
            }
            int first = layout.first(node) + (layout.first(node) == boundary ? by : 0);
            int end = layout.end(node) + (layout.end(node) == boundary ? by : 0);
            if (!fits(node, first, end)) {
                return layout;
            }
            changed = changed.with(node, first, end);
        }
        return changed;
    }

    /** Node i takes the range of node j, or the beginning of it that fits. */
    private Layout copy(Layout layout, int i, int j) {
        return layout.holds(j) && fits(i, layout.first(j), layout.end(j))
                ? layout.with(i, layout.first(j), layout.end(j))
                : layout;
    }

    private Layout swap(Layout layout, int i, int j) {
        boolean possible = layout.holds(i)
                && layout.holds(j)
                && fits(i, layout.first(j), layout.end(j))
                && fits(j, layout.first(i), layout.end(i));
        return possible
                ? layout.with(i, layout.first(j), layout.end(j)).with(j, layout.first(i), layout.end(i))
                : layout;
    }

    /** Node i takes the second part of node j's range and leaves j the first. */
    private Layout split(Layout layout, int i, int j) {
        if (i == j || layout.layers(j) < 2) {
            return layout;
        }
        int middle = layout.first(j) + 1 + random.nextInt(layout.layers(j) - 1);
        return fits(i, middle, layout.end(j))
                ? layout.with(i, middle, layout.end(j)).with(j, layout.first(j), middle)
                : layout;
    }

    private boolean fits(int node, int first, int end) {
        return first >= 0
                && end <= problem.layers()
                && end > first
                && end - first <= problem.maxLayers(node)
                && (problem.pinned(node) == null
                        || problem.pinned(node).first() == first
                                && problem.pinned(node).end() == end);
    }
}
