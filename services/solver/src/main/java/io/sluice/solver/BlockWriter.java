package io.sluice.solver;

import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Gives the nodes of classes to the rows of blocks, one block after the other from layer 0. Stateless but for its target. */
final class BlockWriter {
    private final PlacementProblem problem;
    private final int[] first;
    private final int[] end;

    /** @param first and {@code end}: where ranges are written */
    BlockWriter(PlacementProblem problem, int[] first, int[] end) {
        this.problem = problem;
        this.first = first;
        this.end = end;
    }

    /** Layers behind the last are cut off: fewer layers never make a node slower but for rounding in profiles. */
    void write(List<BlockProgram.Placed> blocks) {
        Map<NodeClass, List<Integer>> left = new IdentityHashMap<>();
        String home = "";
        int layer = 0;
        for (BlockProgram.Placed placed : blocks) {
            for (NodeClass members : placed.classes()) {
                left.computeIfAbsent(members, m -> new ArrayList<>(m.members()));
            }
            home = home(placed, left, home);
            for (Block.Row row : placed.block().rows()) {
                List<Integer> members = left.get(placed.classes().get(row.classNumber()));
                int at = layer;
                for (int i = 0; i < row.nodes(); i++) {
                    int node = take(members, home);
                    int last = Math.min(
                            problem.layers(), at + row.layers(i, placed.block().width()));
                    first[node] = last > at ? at : 0;
                    end[node] = last > at ? last : 0;
                    at = last;
                }
            }
            layer = Math.min(problem.layers(), layer + placed.block().width());
        }
    }

    /** The region most of a block's nodes can come from; the one before as long as it has them all. */
    private String home(BlockProgram.Placed placed, Map<NodeClass, List<Integer>> left, String before) {
        Map<String, Integer> found = new TreeMap<>();
        for (int c = 0; c < placed.classes().size(); c++) {
            Map<String, Integer> here = new TreeMap<>();
            left.get(placed.classes().get(c)).forEach(node -> here.merge(region(node), 1, Integer::sum));
            int needed = placed.block().used()[c];
            here.forEach((region, count) -> found.merge(region, Math.min(needed, count), Integer::sum));
        }
        int most = found.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        if (found.getOrDefault(before, 0) == most) {
            return before;
        }
        return found.entrySet().stream()
                .filter(e -> e.getValue() == most)
                .findFirst()
                .map(Map.Entry::getKey)
                .orElse(before);
    }

    private int take(List<Integer> members, String home) {
        for (int i = 0; i < members.size(); i++) {
            if (region(members.get(i)).equals(home)) {
                return members.remove(i);
            }
        }
        return members.remove(0);
    }

    private String region(int node) {
        return problem.cluster().nodes().get(node).region();
    }
}
