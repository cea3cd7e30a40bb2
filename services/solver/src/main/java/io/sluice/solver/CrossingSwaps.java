package io.sluice.solver;

import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses which of like nodes sit where a pipeline changes regions: links between regions differ, and swapping two nodes
 * of a class changes nothing else. Climbs by single swaps until none helps. Not thread-safe.
 */
final class CrossingSwaps {
    private static final int MOST_EVALUATIONS = 20_000;

    private final PlacementProblem problem;
    private final LayoutFlow flow;
    private final SearchControl control;
    private final List<NodeClass> classes;
    private final int[] classOf;

    CrossingSwaps(PlacementProblem problem, LayoutFlow flow, SearchControl control) {
        this.problem = problem;
        this.flow = flow;
        this.control = control;
        this.classes = NodeClass.of(problem);
        this.classOf = new int[problem.nodes()];
        for (int c = 0; c < classes.size(); c++) {
            for (int member : classes.get(c).members()) {
                classOf[member] = c;
            }
        }
    }

    /** Improves the ranges in place and returns their flow, tokens/s. */
    double improve(int[] first, int[] end) {
        return improve(first, end, Double.POSITIVE_INFINITY, MOST_EVALUATIONS);
    }

    /** The same until the flow is {@code enough}, with so many evaluations at most. */
    double improve(int[] first, int[] end, double enough, int mostEvaluations) {
        double value = flow.value(first, end);
        int evaluations = 0;
        boolean better = value < enough;
        while (better && value < enough) {
            better = false;
            for (int node : atCrossings(first, end)) {
                for (int other : classes.get(classOf[node]).members()) {
                    boolean same = first[node] == first[other] && end[node] == end[other];
                    if (same || evaluations >= mostEvaluations || value >= enough || control.expired()) {
                        continue;
                    }
                    swap(first, end, node, other);
                    double swapped = flow.value(first, end);
                    evaluations++;
                    if (swapped > value * (1 + 1e-9)) {
                        value = swapped;
                        better = true;
                    } else {
                        swap(first, end, node, other);
                    }
                }
            }
        }
        return value;
    }

    private static void swap(int[] first, int[] end, int a, int b) {
        int begin = first[a];
        int last = end[a];
        first[a] = first[b];
        end[a] = end[b];
        first[b] = begin;
        end[b] = last;
    }

    /** Nodes that begin or end where nodes of another region end or begin. */
    private List<Integer> atCrossings(int[] first, int[] end) {
        var nodes = problem.cluster().nodes();
        List<Integer> found = new ArrayList<>();
        for (int u = 0; u < first.length; u++) {
            boolean crosses = false;
            for (int v = 0; v < first.length && !crosses && end[u] > 0 && problem.pinned(u) == null; v++) {
                crosses = end[v] > 0
                        && (end[u] == first[v] || end[v] == first[u])
                        && !nodes.get(u).region().equals(nodes.get(v).region());
            }
            if (crosses) {
                found.add(u);
            }
        }
        return found;
    }
}
