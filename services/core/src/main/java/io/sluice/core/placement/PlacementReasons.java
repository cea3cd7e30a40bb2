package io.sluice.core.placement;

import io.sluice.core.cluster.MachineType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Why a layout is as it is: what the objective would be with another range on each node, and where the flow is stopped.
 * Immutable.
 *
 * @param value objective of the layout
 * @param flow its maximum flow, tokens/s
 * @param bottleneck the minimum cut by name
 * @param nodes every node, in the order of the problem
 */
public record PlacementReasons(double value, double flow, String bottleneck, List<NodeReason> nodes) {
    public PlacementReasons {
        Objects.requireNonNull(bottleneck, "bottleneck");
        nodes = List.copyOf(nodes);
    }

    /**
     * One node. Values are objective values with only this node changed; NaN where the change is not possible.
     *
     * @param node its number
     * @param without the node holds nothing
     * @param oneMore one layer more, on the better side
     * @param oneFewer one layer fewer, on the better side
     * @param shifted the range one layer to the left or right, whichever is better
     * @param bestElsewhere the best of all ranges that end where others begin or end
     * @param elsewhereFirst first layer of that range
     * @param elsewhereEnd end of that range
     * @param inMinimumCut whether more of this node would give more flow
     * @param utilisation flow by capacity
     * @param leastReplicas fewest nodes, this one included, that hold one of its layers
     */
    public record NodeReason(
            int node,
            double without,
            double oneMore,
            double oneFewer,
            double shifted,
            double bestElsewhere,
            int elsewhereFirst,
            int elsewhereEnd,
            boolean inMinimumCut,
            double utilisation,
            int leastReplicas) {}

    /**
     * What one more machine would add.
     *
     * @param type its machine type
     * @param region where it would stand: the region with the fastest links
     * @param value objective of the best layout found with it
     * @param gain that, less the best found without it by as much search; at least 0
     */
    public record TypeGain(String type, String region, double value, double gain) {}

    /** Explains {@code layout}. O(nodes × ranges) evaluations. */
    public static PlacementReasons of(PlacementProblem problem, PlacementObjective objective, Layout layout) {
        LayoutFlow.Detail detail = new LayoutFlow(problem).detail(layout);
        Probe probe = new Probe(problem, objective.on(problem), layout);
        List<NodeReason> reasons = new ArrayList<>();
        for (int i = 0; i < problem.nodes(); i++) {
            reasons.add(probe.reason(i, detail));
        }
        return new PlacementReasons(probe.value(), detail.value(), detail.bottleneck(problem), reasons);
    }

    /**
     * What one more machine of every type would add, by searching from {@code layout} with {@code changes} changes each.
     * Types no layer fits gain 0.
     */
    public static List<TypeGain> marginalGains(
            PlacementProblem problem,
            PlacementObjective objective,
            Layout layout,
            SearchControl control,
            long changes) {
        SearchControl quiet = control.withListener(progress -> {});
        double now = objective.value(problem, layout);
        double base = Math.max(now, searched(problem, objective, layout, quiet, changes));
        String region = OneMore.bestConnectedRegion(problem);
        List<TypeGain> gains = new ArrayList<>();
        for (MachineType type : problem.cluster().types()) {
            PlacementProblem larger = OneMore.of(problem, type, region);
            Layout same = OneMore.grown(layout);
            double value = searched(larger, objective, same, quiet, changes);
            gains.add(new TypeGain(type.name(), region, Math.max(now, value), Math.max(0, value - base)));
        }
        return gains;
    }

    private static double searched(
            PlacementProblem problem,
            PlacementObjective objective,
            Layout layout,
            SearchControl control,
            long changes) {
        Layout found = new LocalSearch(changes)
                .place(problem, objective, control.withStarts(List.of(layout)))
                .found()
                .orElse(layout);
        return objective.value(problem, found);
    }

    /** Changes one node at a time. */
    private static final class Probe {
        private final PlacementProblem problem;
        private final LayoutScore score;
        private final int[] first;
        private final int[] end;

        Probe(PlacementProblem problem, LayoutScore score, Layout layout) {
            this.problem = problem;
            this.score = score;
            this.first = new int[problem.nodes()];
            this.end = new int[problem.nodes()];
            for (int i = 0; i < first.length; i++) {
                first[i] = layout.first(i);
                end[i] = layout.end(i);
            }
        }

        double value() {
            return score.of(first, end);
        }

        /** Value with another range on the node; NaN when it does not fit. */
        private double with(int node, int from, int to) {
            boolean nothing = from == to;
            if (!nothing && (from < 0 || to > problem.layers() || to < from || to - from > problem.maxLayers(node))) {
                return Double.NaN;
            }
            int heldFirst = first[node];
            int heldEnd = end[node];
            first[node] = nothing ? 0 : from;
            end[node] = nothing ? 0 : to;
            double value = value();
            first[node] = heldFirst;
            end[node] = heldEnd;
            return value;
        }

        NodeReason reason(int node, LayoutFlow.Detail detail) {
            int from = first[node];
            int to = end[node];
            boolean holds = to > from;
            double[] best = elsewhere(node);
            double capacity = problem.capacity(node, to - from);
            return new NodeReason(
                    node,
                    holds ? with(node, 0, 0) : value(),
                    holds ? better(with(node, from, to + 1), with(node, from - 1, to)) : Double.NaN,
                    to - from > 1 ? better(with(node, from, to - 1), with(node, from + 1, to)) : Double.NaN,
                    holds ? better(with(node, from + 1, to + 1), with(node, from - 1, to - 1)) : Double.NaN,
                    best[0],
                    (int) best[1],
                    (int) best[2],
                    detail.cutNodes().contains(node),
                    capacity > 0 ? detail.nodeFlow()[node] / capacity : 0,
                    leastReplicas(node));
        }

        private static double better(double a, double b) {
            return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.max(a, b);
        }

        /** Value, first and end of the best other range between boundaries of other nodes. */
        private double[] elsewhere(int node) {
            boolean[] boundary = new boolean[problem.layers() + 1];
            boundary[0] = true;
            boundary[problem.layers()] = true;
            for (int i = 0; i < first.length; i++) {
                if (i != node && end[i] > first[i]) {
                    boundary[first[i]] = true;
                    boundary[end[i]] = true;
                }
            }
            double[] best = {Double.NaN, 0, 0};
            for (int from = 0; from < problem.layers(); from++) {
                for (int to = from + 1; boundary[from] && to <= problem.layers(); to++) {
                    boolean other = from != first[node] || to != end[node];
                    if (!boundary[to] || !other || to - from > problem.maxLayers(node)) {
                        continue;
                    }
                    double value = with(node, from, to);
                    if (Double.isNaN(best[0]) || value > best[0]) {
                        best = new double[] {value, from, to};
                    }
                }
            }
            return best;
        }

        private int leastReplicas(int node) {
            int least = end[node] > first[node] ? Integer.MAX_VALUE : 0;
            for (int layer = first[node]; layer < end[node]; layer++) {
                int held = 0;
                for (int i = 0; i < first.length; i++) {
                    held += first[i] <= layer && layer < end[i] ? 1 : 0;
                }
                least = Math.min(least, held);
            }
            return least;
        }
    }
}
