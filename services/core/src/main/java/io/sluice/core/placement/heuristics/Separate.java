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
 * Separate pipelines, the baseline of Helix (ASPLOS'25, section 5): every machine type serves the model by itself, in as
 * many pipelines as give it the most flow, layers spread so that the slowest machine is fastest. With {@code mix}
 * (SP+), machines of types that cannot hold the model form mixed pipelines of their own, fastest types first.
 * Helix's own files force more layers onto a machine than fit and type its KV cache by hand; here what does not fit is
 * left out. Machines of one region stay together in a pipeline. O(nodes × layers) per number of pipelines tried.
 */
final class Separate implements HeuristicMethod.Rule {
    private final boolean mix;

    Separate(boolean mix) {
        this.mix = mix;
    }

    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) throws HeuristicMethod.Impossible {
        Map<String, List<Integer>> byType = new TreeMap<>();
        for (int node : Draft.free(problem)) {
            byType.computeIfAbsent(problem.type(node).name(), k -> new ArrayList<>())
                    .add(node);
        }
        Draft draft = new Draft(problem);
        List<String> tooSmall = new ArrayList<>();
        List<Integer> left = new ArrayList<>();
        int pipelines = 0;
        for (var type : byType.entrySet()) {
            List<Integer> nodes = byRegion(problem, type.getValue());
            int room = Chain.room(problem, nodes);
            if (room < problem.layers()) {
                tooSmall.add(nodes.size() + " " + type.getKey() + " hold " + room);
                left.addAll(nodes);
            } else {
                pipelines += spread(draft, nodes);
            }
        }
        if (mix) {
            pipelines += mixed(draft, left);
        }
        if (pipelines == 0) {
            throw new HeuristicMethod.Impossible("no machine type holds all " + problem.layers() + " layers by itself ("
                    + String.join(", ", tooSmall) + ")" + (mix ? ", nor do they together" : ""));
        }
        return List.of(draft.layout());
    }

    private static List<Integer> byRegion(PlacementProblem problem, List<Integer> nodes) {
        return nodes.stream()
                .sorted(Comparator.comparing(
                        (Integer i) -> problem.cluster().nodes().get(i).region()))
                .toList();
    }

    /** Splits like machines into the number of pipelines with the most flow; returns it. */
    private static int spread(Draft draft, List<Integer> nodes) {
        PlacementProblem problem = draft.problem;
        int most = Chain.room(problem, nodes) / problem.layers();
        int best = 1;
        double bestFlow = -1;
        for (int count = 1; count <= Math.min(most, nodes.size()); count++) {
            double flow = 0;
            for (List<Integer> part : parts(nodes, count)) {
                flow += flow(problem, part);
            }
            if (flow > bestFlow) {
                best = count;
                bestFlow = flow;
            }
        }
        for (List<Integer> part : parts(nodes, best)) {
            if (Chain.room(problem, part) >= problem.layers()) {
                Chain.write(draft, part, Chain.balanced(problem, part));
            }
        }
        return best;
    }

    private static double flow(PlacementProblem problem, List<Integer> chain) {
        if (Chain.room(problem, chain) < problem.layers()) {
            return 0;
        }
        int[] layers = Chain.balanced(problem, chain);
        double slowest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < layers.length; i++) {
            slowest = layers[i] == 0 ? slowest : Math.min(slowest, problem.capacity(chain.get(i), layers[i]));
        }
        return slowest;
    }

    private static List<List<Integer>> parts(List<Integer> nodes, int count) {
        List<List<Integer>> parts = new ArrayList<>();
        for (int p = 0; p < count; p++) {
            parts.add(nodes.subList((int) ((long) p * nodes.size() / count), (int) ((p + 1L) * nodes.size() / count)));
        }
        return parts;
    }

    /** Mixed pipelines, filled greedily; machines that complete none stay empty. */
    private static int mixed(Draft draft, List<Integer> left) {
        PlacementProblem problem = draft.problem;
        List<Integer> order = left.stream()
                .sorted(Comparator.comparing((Integer i) -> -Draft.power(problem, i))
                        .thenComparing(i -> problem.cluster().nodes().get(i).region()))
                .toList();
        int total = Chain.room(problem, order) / problem.layers();
        List<List<Integer>> chains = new ArrayList<>();
        List<Integer> chain = new ArrayList<>();
        int room = 0;
        for (int node : order) {
            chain.add(node);
            room += problem.maxLayers(node);
            // The last pipeline takes everything that is left.
            if (room >= problem.layers() && chains.size() + 1 < total) {
                chains.add(chain);
                chain = new ArrayList<>();
                room = 0;
            }
        }
        if (room >= problem.layers()) {
            chains.add(chain);
        }
        for (List<Integer> done : chains) {
            List<Integer> together = byRegion(problem, done);
            Chain.write(draft, together, Chain.balanced(problem, together));
        }
        return chains.size();
    }
}
