package io.sluice.core.placement.heuristics;

import io.sluice.core.LayerRange;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.List;

/** A layout being written down by a rule: pinned nodes first, then the others. Not thread-safe. */
final class Draft {
    final PlacementProblem problem;
    private final int[] first;
    private final int[] end;

    /** Pinned nodes hold their ranges, the others nothing. */
    Draft(PlacementProblem problem) {
        this.problem = problem;
        this.first = new int[problem.nodes()];
        this.end = new int[problem.nodes()];
        for (int i = 0; i < problem.nodes(); i++) {
            LayerRange pinned = problem.pinned(i);
            if (pinned != null) {
                set(i, pinned.first(), pinned.end());
            }
        }
    }

    /** Nodes a rule may place: room for a layer, not pinned; in order. */
    static List<Integer> free(PlacementProblem problem) {
        List<Integer> free = new ArrayList<>();
        for (int i = 0; i < problem.nodes(); i++) {
            if (problem.maxLayers(i) > 0 && problem.pinned(i) == null) {
                free.add(i);
            }
        }
        return free;
    }

    /** Layer-tokens/s of a node that holds all it can. */
    static double power(PlacementProblem problem, int node) {
        int most = problem.maxLayers(node);
        return most * problem.capacity(node, most);
    }

    void set(int node, int from, int to) {
        first[node] = from;
        end[node] = to;
    }

    boolean holds(int node) {
        return end[node] > first[node];
    }

    int first(int node) {
        return first[node];
    }

    int end(int node) {
        return end[node];
    }

    /** Tokens/s that hold each layer. */
    double[] load() {
        double[] load = new double[problem.layers()];
        for (int i = 0; i < first.length; i++) {
            for (int layer = first[i]; layer < end[i]; layer++) {
                load[layer] += problem.capacity(i, end[i] - first[i]);
            }
        }
        return load;
    }

    Layout layout() {
        return Layout.of(first, end);
    }
}
