package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Parallax' first phase, layer allocation (Tong et al., 2025, and the public repository GradientHQ/parallax; written
 * anew from its documentation). Region by region, then over the machines left: machines form k pipelines so that
 * {@code k² / stages} is largest (many pipelines, few stages each); within a pipeline layers follow computing power, up
 * to what fits (water-filling); machines left over replicate the lightest layers. Its second phase picks a pipeline per
 * request and is no placement. Without partial inference a left-over machine takes the range of the lightest stage that
 * fits it, since any other range would carry nothing.
 */
final class Parallax implements HeuristicMethod.Rule {
    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) throws HeuristicMethod.Impossible {
        Map<String, List<Integer>> byRegion = new TreeMap<>();
        for (int node : Draft.free(problem)) {
            byRegion.computeIfAbsent(problem.cluster().nodes().get(node).region(), k -> new ArrayList<>())
                    .add(node);
        }
        List<List<Integer>> pipelines = new ArrayList<>();
        List<Integer> left = new ArrayList<>();
        for (List<Integer> nodes : byRegion.values()) {
            left.addAll(formed(problem, nodes, pipelines));
        }
        left = formed(problem, left, pipelines);
        if (pipelines.isEmpty()) {
            throw new HeuristicMethod.Impossible("the machines that may be placed form no pipeline of "
                    + problem.layers() + " layers; pinned nodes belong to none");
        }
        Draft draft = new Draft(problem);
        for (List<Integer> pipeline : pipelines) {
            Chain.write(draft, pipeline, waterFilled(problem, pipeline));
        }
        replicate(draft, pipelines, left);
        return List.of(draft.layout());
    }

    /** Adds the best number of pipelines of {@code nodes}; returns the machines in none of them. */
    private static List<Integer> formed(PlacementProblem problem, List<Integer> nodes, List<List<Integer>> pipelines) {
        List<Integer> order = nodes.stream()
                .sorted(Comparator.comparing((Integer i) -> -problem.maxLayers(i)))
                .toList();
        List<List<Integer>> best = List.of();
        double score = 0;
        for (int count = 1; count <= Chain.room(problem, order) / problem.layers(); count++) {
            List<List<Integer>> formed = packed(problem, order, count);
            if (formed == null) {
                break;
            }
            double stages = formed.stream().mapToInt(List::size).sum();
            if (count * count / stages > score) {
                score = count * count / stages;
                best = formed;
            }
        }
        pipelines.addAll(best);
        List<Integer> left = new ArrayList<>(nodes);
        best.forEach(left::removeAll);
        return left;
    }

    /**
     * {@code count} pipelines of few stages: the largest machine goes to the pipeline that lacks the most layers, and
     * the smallest machine that completes a pipeline completes it. Null: these machines do not form that many.
     */
    private static List<List<Integer>> packed(PlacementProblem problem, List<Integer> order, int count) {
        List<List<Integer>> pipelines = new ArrayList<>();
        int[] missing = new int[count];
        for (int p = 0; p < count; p++) {
            pipelines.add(new ArrayList<>());
            missing[p] = problem.layers();
        }
        List<Integer> unused = new ArrayList<>(order);
        while (!unused.isEmpty()) {
            int neediest = 0;
            for (int p = 1; p < count; p++) {
                neediest = missing[p] > missing[neediest] ? p : neediest;
            }
            if (missing[neediest] <= 0) {
                break;
            }
            int pick = 0;
            for (int i = 1; i < unused.size(); i++) {
                // Largest first, so the last that completes is the smallest.
                pick = problem.maxLayers(unused.get(i)) >= missing[neediest] ? i : pick;
            }
            int node = unused.remove(pick);
            pipelines.get(neediest).add(node);
            missing[neediest] -= problem.maxLayers(node);
        }
        for (int lacks : missing) {
            if (lacks > 0) {
                return null;
            }
        }
        return pipelines;
    }

    /** Layers in proportion to power, no more than fit; whole layers by largest remainder. */
    private static int[] waterFilled(PlacementProblem problem, List<Integer> nodes) {
        double low = 0;
        double high = 0;
        for (int node : nodes) {
            high = Math.max(high, problem.maxLayers(node) / Math.max(1e-9, Draft.power(problem, node)));
        }
        for (int step = 0; step < 60; step++) {
            double level = (low + high) / 2;
            double filled = 0;
            for (int node : nodes) {
                filled += share(problem, node, level);
            }
            if (filled >= problem.layers()) {
                high = level;
            } else {
                low = level;
            }
        }
        int[] layers = new int[nodes.size()];
        int given = 0;
        for (int i = 0; i < layers.length; i++) {
            layers[i] = (int) share(problem, nodes.get(i), high);
            given += layers[i];
        }
        for (; given < problem.layers(); given++) {
            int next = -1;
            double owed = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < layers.length; i++) {
                double debt = share(problem, nodes.get(i), high) - layers[i];
                if (layers[i] < problem.maxLayers(nodes.get(i)) && debt > owed) {
                    owed = debt;
                    next = i;
                }
            }
            layers[next]++;
        }
        return layers;
    }

    private static double share(PlacementProblem problem, int node, double level) {
        return Math.min(problem.maxLayers(node), level * Math.max(1e-9, Draft.power(problem, node)));
    }

    private static void replicate(Draft draft, List<List<Integer>> pipelines, List<Integer> left) {
        PlacementProblem problem = draft.problem;
        double[] load = draft.load();
        for (int node : left) {
            int most = problem.maxLayers(node);
            int first = -1;
            int end = -1;
            if (problem.constraints().partialInference()) {
                first = Petals.lightest(load, most);
                end = first + most;
            } else {
                double lightest = Double.POSITIVE_INFINITY;
                for (List<Integer> pipeline : pipelines) {
                    for (int stage : pipeline) {
                        boolean fits = draft.holds(stage) && draft.end(stage) - draft.first(stage) <= most;
                        if (fits && least(load, draft.first(stage), draft.end(stage)) < lightest) {
                            lightest = least(load, draft.first(stage), draft.end(stage));
                            first = draft.first(stage);
                            end = draft.end(stage);
                        }
                    }
                }
            }
            if (first >= 0) {
                draft.set(node, first, end);
                for (int layer = first; layer < end; layer++) {
                    load[layer] += problem.capacity(node, end - first);
                }
            }
        }
    }

    private static double least(double[] load, int first, int end) {
        double least = Double.POSITIVE_INFINITY;
        for (int layer = first; layer < end; layer++) {
            least = Math.min(least, load[layer]);
        }
        return least;
    }
}
