package io.sluice.solver;

import io.sluice.core.cluster.Node;
import io.sluice.core.placement.MultiModelProblem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * First splits of the nodes between models: every model gets machines by its demand times the bytes of its layers, either
 * some of every kind or whole regions or whole kinds. Stateless and thread-safe.
 */
final class SplitStarts {
    private final MultiModelProblem problem;
    private final ModelSplit split;
    private final double[] share;
    private final double[] size;

    private SplitStarts(MultiModelProblem problem, ModelSplit split, double bound) {
        this.problem = problem;
        this.split = split;
        this.share = new double[problem.models()];
        double sum = 0;
        for (int m = 0; m < share.length; m++) {
            var model = problem.problem(m).model();
            share[m] = problem.weight(m) * model.layerBytes() * model.layerCount();
            sum += share[m];
        }
        for (int m = 0; m < share.length; m++) {
            share[m] /= sum;
        }
        this.size = new double[problem.cluster().nodes().size()];
        for (int i = 0; i < size.length; i++) {
            for (int m = 0; m < share.length; m++) {
                double done = MultiModelBounds.work(problem, m, i, bound);
                size[i] = Math.max(size[i], done * problem.problem(m).model().layerBytes());
            }
        }
    }

    /** Owner by node, -1: nobody; several splits. */
    static List<int[]> of(MultiModelProblem problem, ModelSplit split, double bound) {
        SplitStarts starts = new SplitStarts(problem, split, bound);
        Comparator<Integer> larger = Comparator.comparing((Integer i) -> -starts.size[i]);
        Comparator<Integer> byRegion = Comparator.comparing(i -> starts.node(i).region());
        List<int[]> all = new ArrayList<>();
        all.add(starts.spread(starts.order(larger)));
        for (Comparator<Integer> order : List.of(byRegion.thenComparing(larger), larger)) {
            all.add(starts.filled(starts.order(order)));
            all.add(starts.filled(starts.order(order.reversed())));
        }
        return all;
    }

    private Node node(int i) {
        return problem.cluster().nodes().get(i);
    }

    private Integer[] order(Comparator<Integer> by) {
        Integer[] order = new Integer[size.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, by);
        return order;
    }

    /** Every node to the model that lacks most of its share. */
    private int[] spread(Integer[] order) {
        double[] got = new double[share.length];
        int[] owner = new int[size.length];
        for (int i : order) {
            owner[i] = -1;
            for (int m = 0; m < share.length; m++) {
                if (split.allowed(m, i) && (owner[i] < 0 || got[m] / share[m] < got[owner[i]] / share[owner[i]])) {
                    owner[i] = m;
                }
            }
            if (owner[i] >= 0) {
                got[owner[i]] += size[i];
            }
        }
        return owner;
    }

    /** One model after the other until it has its share. */
    private int[] filled(Integer[] order) {
        double total = Arrays.stream(size).sum();
        double[] got = new double[share.length];
        int[] owner = new int[size.length];
        for (int i : order) {
            owner[i] = -1;
            for (int m = 0; m < share.length; m++) {
                boolean full = owner[i] >= 0 && got[owner[i]] + size[i] / 2 > share[owner[i]] * total;
                if (split.allowed(m, i) && (owner[i] < 0 || full)) {
                    owner[i] = m;
                }
            }
            if (owner[i] >= 0) {
                got[owner[i]] += size[i];
            }
        }
        return owner;
    }
}
