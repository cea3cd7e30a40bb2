package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * SWARM parallelism's even stages (Ryabinin et al., ICML'23, as restated by Helix, ASPLOS'25): stages of equal size, as
 * few as the smallest machine allows, equal ones where the layers divide; machines by throughput, fastest first, each to
 * the stage with the least. Where the machines are too few for that many stages, the smallest ones are left empty and
 * the next larger ones set the size. O(nodes × stages).
 */
final class Swarm implements HeuristicMethod.Rule {
    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) throws HeuristicMethod.Impossible {
        List<Integer> free = Draft.free(problem);
        TreeSet<Integer> sizes = new TreeSet<>();
        free.forEach(i -> sizes.add(problem.maxLayers(i)));
        for (int size : sizes) {
            List<Integer> large =
                    free.stream().filter(i -> problem.maxLayers(i) >= size).toList();
            int stages = stages(problem.layers(), size, large.size());
            if (stages <= large.size()) {
                return List.of(place(problem, large, stages));
            }
        }
        throw new HeuristicMethod.Impossible(
                free.size() + " machines are too few for even stages of " + problem.layers() + " layers");
    }

    private static int stages(int layers, int size, int nodes) {
        int fewest = (layers + size - 1) / size;
        for (int stages = fewest; stages <= nodes; stages++) {
            if (layers % stages == 0) {
                return stages;
            }
        }
        return fewest;
    }

    private static Layout place(PlacementProblem problem, List<Integer> nodes, int stages) {
        int layers = problem.layers();
        int size = (layers + stages - 1) / stages;
        Draft draft = new Draft(problem);
        double[] load = draft.load();
        double[] stage = new double[stages];
        for (int s = 0; s < stages; s++) {
            stage[s] = load[(int) ((long) s * layers / stages)];
        }
        List<Integer> order = nodes.stream()
                .sorted(Comparator.comparing((Integer i) -> -problem.capacity(i, size))
                        .thenComparing(i -> problem.cluster().nodes().get(i).id(), Comparator.reverseOrder()))
                .toList();
        for (int node : order) {
            int least = 0;
            for (int s = 1; s < stages; s++) {
                if (stage[s] < stage[least]) {
                    least = s;
                }
            }
            int first = (int) ((long) least * layers / stages);
            int end = (int) ((least + 1L) * layers / stages);
            draft.set(node, first, end);
            stage[least] += problem.capacity(node, end - first);
        }
        return draft.layout();
    }
}
