package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Petals' greedy rule (Borzunov et al., 2023, as restated by Helix, ASPLOS'25): servers join in random order, each
 * takes as many layers as fit, where the sorted list of the layers' throughputs is smallest; lowest start on a tie.
 * Its ranges overlap, so it needs partial inference to serve well. O(nodes × layers × range).
 */
final class Petals implements HeuristicMethod.Rule {
    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) {
        int[] order = Draft.free(problem).stream().mapToInt(i -> i).toArray();
        SplittableRandom random = new SplittableRandom(control.seed());
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int held = order[i];
            order[i] = order[j];
            order[j] = held;
        }
        Draft draft = new Draft(problem);
        double[] load = draft.load();
        for (int node : order) {
            int most = problem.maxLayers(node);
            int first = lightest(load, most);
            draft.set(node, first, first + most);
            for (int layer = first; layer < first + most; layer++) {
                load[layer] += problem.capacity(node, most);
            }
        }
        return List.of(draft.layout());
    }

    /** Start of the window of {@code size} layers whose sorted loads are smallest. */
    static int lightest(double[] load, int size) {
        double[] least = null;
        int best = 0;
        for (int first = 0; first + size <= load.length; first++) {
            double[] window = Arrays.copyOfRange(load, first, first + size);
            Arrays.sort(window);
            if (least == null || Arrays.compare(window, least) < 0) {
                least = window;
                best = first;
            }
        }
        return best;
    }
}
