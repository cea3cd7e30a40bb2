package io.sluice.core.placement;

/**
 * Bounds on the flow of any layout, without solving anything. Stateless and thread-safe.
 */
public final class FlowBounds {
    private FlowBounds() {}

    /**
     * The largest F that all nodes together could carry if layers could be cut to any size: every token passes all L
     * layers, and a node with k of them works at most {@code k * min(T(k), F)} layer-tokens/s, so
     * {@code sum over nodes of max over k of k * min(T(k), F) >= L * F}. Tighter than Helix's (ASPLOS'25, section 4.5)
     * {@code sum of max k * T(k) / L}, where a node gets more flow than there is.
     */
    public static double flow(PlacementProblem problem) {
        double high = 0;
        for (int i = 0; i < problem.nodes(); i++) {
            high += work(problem, i, Double.POSITIVE_INFINITY) / problem.layers();
        }
        double low = 0;
        for (int step = 0; step < 100 && high - low > 1e-12 * high; step++) {
            double middle = (low + high) / 2;
            double sum = 0;
            for (int i = 0; i < problem.nodes(); i++) {
                sum += work(problem, i, middle);
            }
            // Sums that are equal but for rounding still carry it.
            if (sum >= problem.layers() * middle * (1 - 1e-9)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    private static double work(PlacementProblem problem, int node, double flow) {
        if (problem.pinned(node) != null) {
            int held = problem.pinned(node).size();
            return held * Math.min(problem.capacity(node, held), flow);
        }
        double most = 0;
        for (int k = 1; k <= problem.maxLayers(node); k++) {
            most = Math.max(most, k * Math.min(problem.capacity(node, k), flow));
        }
        return most;
    }
}
