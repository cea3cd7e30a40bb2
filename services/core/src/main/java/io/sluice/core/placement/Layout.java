package io.sluice.core.placement;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A layer range, or none, for every node of a {@link PlacementProblem}, by node number. Immutable; equal layouts are
 * equal.
 */
public final class Layout {
    private final int[] first;
    private final int[] end;

    private Layout(int[] first, int[] end) {
        this.first = first;
        this.end = end;
    }

    /**
     * @param first first layer per node
     * @param end end of the range per node, exclusive; equal to {@code first}: the node holds nothing
     */
    public static Layout of(int[] first, int[] end) {
        if (first.length != end.length) {
            throw new IllegalArgumentException(first.length + " first layers, but " + end.length + " ends");
        }
        int[] begins = first.clone();
        int[] ends = end.clone();
        for (int i = 0; i < begins.length; i++) {
            if (begins[i] < 0 || ends[i] < begins[i]) {
                throw new IllegalArgumentException("node " + i + ": layers [" + begins[i] + ", " + ends[i] + ")");
            }
            if (ends[i] == begins[i]) {
                begins[i] = 0;
                ends[i] = 0;
            }
        }
        return new Layout(begins, ends);
    }

    /** Nobody holds anything. */
    public static Layout empty(int nodes) {
        return new Layout(new int[nodes], new int[nodes]);
    }

    /**
     * The layout of published stages.
     *
     * @throws IllegalArgumentException when a stage names a worker that is not in the problem
     */
    public static Layout of(PlacementProblem problem, List<Stage> stages) {
        Map<WorkerId, Integer> index = problem.cluster().indexById();
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        for (Stage stage : stages) {
            Integer node = index.get(stage.worker());
            if (node == null) {
                throw new IllegalArgumentException("stage " + stage + ": no such node in cluster "
                        + problem.cluster().name());
            }
            first[node] = stage.layers().first();
            end[node] = stage.layers().end();
        }
        return of(first, end);
    }

    public int nodes() {
        return first.length;
    }

    public int first(int node) {
        return first[node];
    }

    public int end(int node) {
        return end[node];
    }

    /** Layers held; 0: none. */
    public int layers(int node) {
        return end[node] - first[node];
    }

    public boolean holds(int node) {
        return end[node] > first[node];
    }

    /** This layout with another range on one node; {@code first == end}: nothing. */
    public Layout with(int node, int newFirst, int newEnd) {
        int[] begins = first.clone();
        int[] ends = end.clone();
        begins[node] = newFirst;
        ends[node] = newEnd;
        return of(begins, ends);
    }

    /** Stages in node order. */
    public List<Stage> stages(PlacementProblem problem) {
        List<Stage> stages = new ArrayList<>();
        for (int i = 0; i < first.length; i++) {
            if (holds(i)) {
                stages.add(new Stage(problem.cluster().nodes().get(i).id(), new LayerRange(first[i], end[i])));
            }
        }
        return stages;
    }

    /** As a plan that can be published. */
    public PlacementPlan plan(PlacementProblem problem, long epoch) {
        var model = problem.model();
        return new PlacementPlan(
                model.name(), epoch, model.layerCount(), model.hiddenSize(), model.activationBytes(), stages(problem));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Layout that && Arrays.equals(first, that.first) && Arrays.equals(end, that.end);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(first) + Arrays.hashCode(end);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < first.length; i++) {
            text.append(i == 0 ? "" : " ")
                    .append(i)
                    .append('[')
                    .append(first[i])
                    .append(',')
                    .append(end[i])
                    .append(')');
        }
        return text.toString();
    }
}
