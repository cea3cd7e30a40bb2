package io.sluice.solver;

import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Nodes that are alike but for their links: same machine type and region, nothing pinned. Immutable.
 *
 * @param members node numbers, rising
 * @param capacity tokens/s by layers held, from 1; [0] is 0
 * @param pinnedTo layers held when the only member is pinned; 0: free
 */
record NodeClass(String type, String region, List<Integer> members, double[] capacity, int pinnedTo) {
    NodeClass {
        members = List.copyOf(members);
    }

    /** Classes of a problem in order of their first node; nodes that must stay empty are in none. */
    static List<NodeClass> of(PlacementProblem problem) {
        Map<String, List<Integer>> alike = new LinkedHashMap<>();
        for (int i = 0; i < problem.nodes(); i++) {
            if (problem.maxLayers(i) > 0 || problem.pinned(i) != null) {
                var node = problem.cluster().nodes().get(i);
                String key = node.type() + '\n' + node.region() + (problem.pinned(i) != null ? "\n" + i : "");
                alike.computeIfAbsent(key, k -> new ArrayList<>()).add(i);
            }
        }
        List<NodeClass> classes = new ArrayList<>();
        for (List<Integer> members : alike.values()) {
            int first = members.get(0);
            var node = problem.cluster().nodes().get(first);
            int pinned =
                    problem.pinned(first) == null ? 0 : problem.pinned(first).size();
            double[] capacity = new double[Math.max(problem.maxLayers(first), pinned) + 1];
            for (int k = 1; k < capacity.length; k++) {
                capacity[k] = problem.capacity(first, k);
            }
            classes.add(new NodeClass(node.type(), node.region(), members, capacity, pinned));
        }
        return classes;
    }

    /** This class and another of the same type taken together. */
    NodeClass with(NodeClass other) {
        List<Integer> both = new ArrayList<>(members);
        both.addAll(other.members);
        return new NodeClass(type, region, both, capacity, pinnedTo);
    }

    int count() {
        return members.size();
    }

    int maxLayers() {
        return capacity.length - 1;
    }

    /** Most layer-tokens/s a member can work when no layer carries more than {@code flow}. */
    double work(double flow) {
        double most = 0;
        for (int k = Math.max(1, pinnedTo); k <= (pinnedTo > 0 ? pinnedTo : maxLayers()); k++) {
            most = Math.max(most, k * Math.min(capacity[k], flow));
        }
        return most;
    }
}
