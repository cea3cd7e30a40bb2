package io.sluice.core.placement;

import java.util.Locale;

/**
 * Flow for what the nodes used cost: by price per hour, or by watts, a node drawing between idle and busy power by its
 * share of capacity in use. Thread-safe.
 */
record FlowPerCost(Spent spent) implements PlacementObjective {
    /** What is paid. */
    enum Spent {
        PRICE,
        WATTS
    }

    @Override
    public String name() {
        return spent == Spent.PRICE ? "flow-per-cost" : "flow-per-watt";
    }

    @Override
    public String unit() {
        return spent == Spent.PRICE ? "tokens/s per price/h" : "tokens/s per watt";
    }

    @Override
    public double value(PlacementProblem problem, Layout layout) {
        return value(new LayoutFlow(problem), layout);
    }

    @Override
    public LayoutScore on(PlacementProblem problem) {
        LayoutFlow flow = new LayoutFlow(problem);
        return (first, end) -> value(flow, Layout.of(first, end));
    }

    private double value(LayoutFlow flow, Layout layout) {
        PlacementProblem problem = flow.problem();
        double value = flow.value(layout);
        if (!(value > 0)) {
            return 0;
        }
        double[] passed = spent == Spent.WATTS ? flow.detail(layout).nodeFlow() : null;
        double paid = 0;
        for (int i = 0; i < problem.nodes(); i++) {
            if (layout.holds(i)) {
                double used = passed == null ? 0 : passed[i] / problem.capacity(i, layout.layers(i));
                paid += paid(problem, i, used);
            }
        }
        return value / paid;
    }

    private double paid(PlacementProblem problem, int node, double used) {
        var type = problem.type(node);
        double paid = spent == Spent.PRICE ? type.pricePerHour() : type.power().watts(used);
        double full = spent == Spent.PRICE ? type.pricePerHour() : type.busyWatts();
        if (!(full > 0)) {
            throw new IllegalArgumentException("objective " + name() + " needs the "
                    + (spent == Spent.PRICE ? "price per hour" : "busy watts") + " of machine type " + type.name()
                    + ", which the cluster does not give; add it, or choose objective flow");
        }
        return paid;
    }

    /** Every token passes all layers, and no node works more layer-tokens for its cost than the best one at full load. */
    @Override
    public double upperBound(PlacementProblem problem) {
        double best = 0;
        for (int i = 0; i < problem.nodes(); i++) {
            for (int k = 1; k <= problem.maxLayers(i); k++) {
                double work = k * problem.capacity(i, k);
                best = Math.max(best, work / paid(problem, i, 1) / problem.layers());
            }
        }
        return best;
    }

    @Override
    public String toString() {
        return spent.name().toLowerCase(Locale.ROOT);
    }
}
