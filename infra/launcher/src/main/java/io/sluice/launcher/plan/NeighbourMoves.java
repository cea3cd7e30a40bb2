package io.sluice.launcher.plan;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutScore;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;

/** Values of a layout after small changes that keep every layer held: a boundary moved, two nodes exchanged. */
final class NeighbourMoves {
    private final PlacementProblem problem;
    private final LayoutScore score;
    private final int[] first;
    private final int[] end;

    NeighbourMoves(PlacementProblem problem, Layout layout, PlacementObjective objective) {
        this.problem = problem;
        this.score = objective.on(problem);
        this.first = new int[problem.nodes()];
        this.end = new int[problem.nodes()];
        for (int i = 0; i < first.length; i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
    }

    /** @param node whom to exchange with; -1: nobody fits */
    record Swap(int node, double value) {}

    /** Value when all nodes that end or begin at the boundary do so {@code by} layers later; NaN: something does not fit. */
    double boundary(int layer, int by) {
        if (layer == 0 || layer == problem.layers()) {
            return Double.NaN;
        }
        int[] begins = first.clone();
        int[] ends = end.clone();
        for (int i = 0; i < begins.length; i++) {
            boolean holds = end[i] > first[i];
            if (holds && first[i] == layer) {
                begins[i] += by;
            }
            if (holds && end[i] == layer) {
                ends[i] += by;
            }
            int held = ends[i] - begins[i];
            if (holds && (held < 1 || held > problem.maxLayers(i))) {
                return Double.NaN;
            }
        }
        return score.of(begins, ends);
    }

    /** The best exchange of layer ranges with a node of another type or region. */
    Swap bestSwap(int node) {
        Swap best = new Swap(-1, Double.NEGATIVE_INFINITY);
        for (int other = 0; other < first.length; other++) {
            if (alike(node, other) || !fits(node, other) || !fits(other, node)) {
                continue;
            }
            exchange(node, other);
            double value = score.of(first, end);
            exchange(node, other);
            if (value > best.value()) {
                best = new Swap(other, value);
            }
        }
        return best;
    }

    private boolean alike(int a, int b) {
        var nodes = problem.cluster().nodes();
        return nodes.get(a).type().equals(nodes.get(b).type())
                && nodes.get(a).region().equals(nodes.get(b).region());
    }

    private boolean fits(int from, int into) {
        return end[from] > first[from] && end[from] - first[from] <= problem.maxLayers(into);
    }

    private void exchange(int a, int b) {
        int begin = first[a];
        int stop = end[a];
        first[a] = first[b];
        end[a] = end[b];
        first[b] = begin;
        end[b] = stop;
    }
}
