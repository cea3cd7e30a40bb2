package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.PlacementProblem;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** Layers for the nodes of one pipeline. Stateless. */
final class Chain {
    private Chain() {}

    /** Layers that fit all the nodes together. */
    static int room(PlacementProblem problem, List<Integer> nodes) {
        return nodes.stream().mapToInt(problem::maxLayers).sum();
    }

    /**
     * Layers per node whose slowest node is fastest; the layers must fit. A node may get 0 when there are more nodes
     * than layers.
     */
    static int[] balanced(PlacementProblem problem, List<Integer> nodes) {
        TreeSet<Double> speeds = new TreeSet<>();
        for (int node : nodes) {
            for (int k = 1; k <= problem.maxLayers(node); k++) {
                speeds.add(problem.capacity(node, k));
            }
        }
        int[] best = null;
        for (double speed : speeds) {
            int[] most = atSpeed(problem, nodes, speed);
            if (Arrays.stream(most).sum() < problem.layers()) {
                break;
            }
            best = most;
        }
        if (best == null) {
            throw new IllegalArgumentException(nodes.size() + " nodes do not fit " + problem.layers() + " layers of "
                    + problem.model().name());
        }
        return trimmed(problem, nodes, best);
    }

    private static int[] atSpeed(PlacementProblem problem, List<Integer> nodes, double speed) {
        int[] most = new int[nodes.size()];
        for (int i = 0; i < most.length; i++) {
            int k = problem.maxLayers(nodes.get(i));
            while (k > 0 && problem.capacity(nodes.get(i), k) < speed) {
                k--;
            }
            most[i] = k;
        }
        return most;
    }

    /** Takes what is too much from the slowest nodes. */
    private static int[] trimmed(PlacementProblem problem, List<Integer> nodes, int[] layers) {
        int excess = Arrays.stream(layers).sum() - problem.layers();
        for (; excess > 0; excess--) {
            int slowest = -1;
            for (int i = 0; i < layers.length; i++) {
                if (layers[i] > 0
                        && (slowest < 0
                                || problem.capacity(nodes.get(i), layers[i])
                                        < problem.capacity(nodes.get(slowest), layers[slowest]))) {
                    slowest = i;
                }
            }
            layers[slowest]--;
        }
        return layers;
    }

    /** Writes the pipeline's ranges, one after the other from layer 0. */
    static void write(Draft draft, List<Integer> nodes, int[] layers) {
        int first = 0;
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] > 0) {
                draft.set(nodes.get(i), first, first + layers[i]);
                first += layers[i];
            }
        }
    }
}
