package io.sluice.solver;

import io.sluice.core.placement.PlacementProblem;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Which links a program looks at (Helix, ASPLOS'25, section 4.5): every node keeps its fastest ones in each direction, the
 * union counts; links of the coordinator always stay. Stateless and thread-safe.
 */
final class LinkPruning {
    private LinkPruning() {}

    /**
     * @param most links a node keeps outwards and inwards; 0: all
     * @return by sender and receiver
     */
    static boolean[][] keep(PlacementProblem problem, int most) {
        int nodes = problem.nodes();
        boolean[][] kept = new boolean[nodes][nodes];
        for (int i = 0; i < nodes; i++) {
            int node = i;
            Integer[] others = new Integer[nodes];
            Arrays.setAll(others, j -> j);
            for (boolean out : new boolean[] {true, false}) {
                Arrays.sort(
                        others,
                        Comparator.comparingDouble((Integer j) -> j == node
                                        ? 0
                                        : -(out ? problem.linkCapacity(node, j) : problem.linkCapacity(j, node)))
                                .thenComparingInt(j -> j));
                int taken = 0;
                for (int j : others) {
                    double capacity =
                            j == node ? 0 : out ? problem.linkCapacity(node, j) : problem.linkCapacity(j, node);
                    if (capacity > 0 && (most == 0 || taken < most)) {
                        taken++;
                        kept[out ? node : j][out ? j : node] = true;
                    }
                }
            }
        }
        return kept;
    }
}
