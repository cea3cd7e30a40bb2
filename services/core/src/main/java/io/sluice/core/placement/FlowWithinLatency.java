package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import java.util.Arrays;
import java.util.List;

/** {@link Objectives#flowWithinLatency}. Thread-safe. O(pipelines × links). */
record FlowWithinLatency(double seconds) implements PlacementObjective {
    private static final double NONE = 1e-9;

    FlowWithinLatency {
        if (!(seconds > 0) || Double.isInfinite(seconds)) {
            throw new IllegalArgumentException("latency bound " + seconds + " s must be positive and finite");
        }
    }

    @Override
    public String name() {
        return Objectives.WITHIN_LATENCY + ":" + seconds;
    }

    @Override
    public String unit() {
        return "tokens/s";
    }

    @Override
    public double upperBound(PlacementProblem problem) {
        return FlowBounds.flow(problem);
    }

    @Override
    public double value(PlacementProblem problem, Layout layout) {
        List<int[]> pairs = LayoutFlow.pairs(problem, layout);
        pairs.sort((a, b) -> Integer.compare(endOf(layout, a[0]), endOf(layout, b[0])));
        double[] room = new double[problem.nodes()];
        for (int i = 0; i < room.length; i++) {
            room[i] = problem.capacity(i, layout.layers(i));
        }
        double[] link = new double[pairs.size()];
        double[] hop = new double[pairs.size()];
        for (int p = 0; p < link.length; p++) {
            link[p] = problem.linkCapacity(pairs.get(p)[0], pairs.get(p)[1]);
            hop[p] = hopSeconds(problem, layout, pairs.get(p)[0], pairs.get(p)[1]);
        }
        double flow = 0;
        int[] by = new int[problem.nodes() + 1];
        while (fastest(problem, pairs, link, hop, room, by)) {
            double amount = Double.POSITIVE_INFINITY;
            for (int p = by[0]; p >= 0; p = by[pairs.get(p)[0] + 1]) {
                amount = Math.min(amount, link[p]);
                amount = pairs.get(p)[0] == Links.COORDINATOR ? amount : Math.min(amount, room[pairs.get(p)[0]]);
                if (pairs.get(p)[0] == Links.COORDINATOR) {
                    break;
                }
            }
            for (int p = by[0]; p >= 0; p = by[pairs.get(p)[0] + 1]) {
                link[p] -= amount;
                if (pairs.get(p)[0] == Links.COORDINATOR) {
                    break;
                }
                room[pairs.get(p)[0]] -= amount;
            }
            flow += amount;
        }
        return flow;
    }

    private static int endOf(Layout layout, int node) {
        return node == Links.COORDINATOR ? 0 : layout.end(node);
    }

    /** Time over the link and through the node it enters, one token, nothing else under way. */
    private static double hopSeconds(PlacementProblem problem, Layout layout, int from, int to) {
        double capacity = problem.linkCapacity(from, to);
        double seconds = problem.cluster().links().latencySeconds(from, to) + (capacity > 0 ? 1 / capacity : 0);
        return to == Links.COORDINATOR
                ? seconds
                : seconds
                        + layout.layers(to) * problem.layerProfile(to).decode().at(1);
    }

    /** Fills {@code by} (index node + 1; 0: the sink) with the last link of the fastest way there. */
    private boolean fastest(
            PlacementProblem problem, List<int[]> pairs, double[] link, double[] hop, double[] room, int[] by) {
        double[] time = new double[problem.nodes()];
        Arrays.fill(time, Double.POSITIVE_INFINITY);
        Arrays.fill(by, -1);
        double arrived = Double.POSITIVE_INFINITY;
        for (int p = 0; p < link.length; p++) {
            int from = pairs.get(p)[0];
            int to = pairs.get(p)[1];
            if (link[p] <= NONE || to != Links.COORDINATOR && room[to] <= NONE) {
                continue;
            }
            double at = (from == Links.COORDINATOR ? 0 : time[from]) + hop[p];
            if (to == Links.COORDINATOR) {
                if (at < arrived) {
                    arrived = at;
                    by[0] = p;
                }
            } else if (at < time[to]) {
                time[to] = at;
                by[to + 1] = p;
            }
        }
        return arrived <= seconds;
    }
}
