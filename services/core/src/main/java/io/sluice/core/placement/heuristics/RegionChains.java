package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One pipeline of stages, every stage replicated over like machines of one region, for the largest flow F: a stage of
 * k layers takes {@code ceil(F / T(k))} machines, a knapsack per group finds the most layers its machines can hold that
 * way, and F is the largest for which the groups hold the model together. Regions are visited one after the other, each
 * once; orders of up to four regions are all tried, and the best by objective counts. Link limits show in its value,
 * not in its choice. Besides it, each half, third, ... of F is offered: fewer, larger stages.
 * O(groups × nodes × layers × steps).
 */
final class RegionChains implements HeuristicMethod.Rule {
    private static final int STEPS = 40;
    private static final int MOST_ORDERED = 4;
    private static final double[] SHARES = {1, 0.8, 0.6, 0.45, 0.3};

    /** Like machines of one region. */
    private record Group(String region, List<Integer> nodes) {}

    /** A stage: so many layers on so many machines. */
    private record Part(int layers, int machines) {}

    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) throws HeuristicMethod.Impossible {
        List<Group> groups = groups(problem);
        double high = FlowBounds.flow(problem);
        double low = 0;
        for (int step = 0; step < STEPS; step++) {
            double flow = (low + high) / 2;
            if (stages(problem, groups, flow) != null) {
                low = flow;
            } else {
                high = flow;
            }
        }
        List<Layout> layouts = new ArrayList<>();
        for (double share : SHARES) {
            List<List<Part>> stages = low > 0 ? stages(problem, groups, low * share) : null;
            if (stages != null) {
                for (List<String> order : orders(groups)) {
                    layouts.add(written(problem, groups, stages, order));
                }
            }
        }
        if (layouts.isEmpty()) {
            throw new HeuristicMethod.Impossible("the machines that may be placed do not hold all " + problem.layers()
                    + " layers in stages of like machines");
        }
        return layouts;
    }

    private static List<Group> groups(PlacementProblem problem) {
        Map<String, Map<String, Group>> byRegion = new TreeMap<>();
        for (int node : Draft.free(problem)) {
            String region = problem.cluster().nodes().get(node).region();
            byRegion.computeIfAbsent(region, k -> new TreeMap<>())
                    .computeIfAbsent(problem.type(node).name(), k -> new Group(region, new ArrayList<>()))
                    .nodes()
                    .add(node);
        }
        return byRegion.values().stream().flatMap(m -> m.values().stream()).toList();
    }

    /** Stages per group that carry {@code flow} and together hold the model; null: there are none. */
    private static List<List<Part>> stages(PlacementProblem problem, List<Group> groups, double flow) {
        List<List<Part>> stages = new ArrayList<>();
        int held = 0;
        for (Group group : groups) {
            List<Part> parts = packed(problem, group, flow);
            held += parts.stream().mapToInt(Part::layers).sum();
            stages.add(parts);
        }
        return held >= problem.layers() ? stages : null;
    }

    /** The most layers the group can hold at {@code flow}; the fewest stages among equals. */
    private static List<Part> packed(PlacementProblem problem, Group group, double flow) {
        int count = group.nodes().size();
        int any = group.nodes().get(0);
        int most = problem.maxLayers(any);
        int[] held = new int[count + 1];
        int[] stages = new int[count + 1];
        int[] layers = new int[count + 1];
        int[] machines = new int[count + 1];
        for (int n = 1; n <= count; n++) {
            held[n] = held[n - 1];
            stages[n] = stages[n - 1];
            for (int k = 1; k <= most; k++) {
                double speed = problem.capacity(any, k);
                int needed =
                        speed > 0 ? (int) Math.min(count + 1, Math.max(1, Math.ceil(flow / speed - 1e-9))) : count + 1;
                if (needed > n) {
                    continue;
                }
                int total = held[n - needed] + k;
                int deep = stages[n - needed] + 1;
                if (total > held[n] || total == held[n] && deep < stages[n]) {
                    held[n] = total;
                    stages[n] = deep;
                    layers[n] = k;
                    machines[n] = needed;
                }
            }
        }
        List<Part> parts = new ArrayList<>();
        int n = count;
        while (n > 0) {
            if (layers[n] == 0 || held[n] == held[n - 1] && stages[n] == stages[n - 1]) {
                n--;
            } else {
                parts.add(new Part(layers[n], machines[n]));
                n -= machines[n];
            }
        }
        return parts;
    }

    private static List<List<String>> orders(List<Group> groups) {
        List<String> regions = groups.stream().map(Group::region).distinct().toList();
        if (regions.size() > MOST_ORDERED) {
            return List.of(regions);
        }
        List<List<String>> orders = new ArrayList<>();
        permute(regions, new ArrayList<>(), orders);
        return orders;
    }

    private static void permute(List<String> regions, List<String> chosen, List<List<String>> orders) {
        if (chosen.size() == regions.size()) {
            orders.add(List.copyOf(chosen));
            return;
        }
        for (String region : regions) {
            if (!chosen.contains(region)) {
                chosen.add(region);
                permute(regions, chosen, orders);
                chosen.remove(chosen.size() - 1);
            }
        }
    }

    private static Layout written(
            PlacementProblem problem, List<Group> groups, List<List<Part>> stages, List<String> order) {
        int[][] layers = new int[groups.size()][];
        int excess = -problem.layers();
        for (int g = 0; g < layers.length; g++) {
            layers[g] = stages.get(g).stream().mapToInt(Part::layers).toArray();
            excess += Arrays.stream(layers[g]).sum();
        }
        trim(problem, groups, stages, layers, excess);
        Draft draft = new Draft(problem);
        List<Integer> inOrder = new ArrayList<>();
        for (int g = 0; g < layers.length; g++) {
            inOrder.add(g);
        }
        inOrder.sort(
                Comparator.comparing((Integer g) -> order.indexOf(groups.get(g).region())));
        int first = 0;
        for (int g : inOrder) {
            int next = 0;
            int rangeFirst = first;
            int rangeEnd = first;
            for (int s = 0; s < layers[g].length; s++) {
                rangeFirst = first;
                rangeEnd = first + layers[g][s];
                for (int m = 0; m < stages.get(g).get(s).machines(); m++) {
                    draft.set(groups.get(g).nodes().get(next++), rangeFirst, rangeEnd);
                }
                first = rangeEnd;
            }
            // Machines the stages do not need help the group's last stage.
            while (next < groups.get(g).nodes().size() && rangeEnd > rangeFirst) {
                draft.set(groups.get(g).nodes().get(next++), rangeFirst, rangeEnd);
            }
        }
        return draft.layout();
    }

    /** Takes layers that are too many, one at a time, from the stage with the least flow. */
    private static void trim(
            PlacementProblem problem, List<Group> groups, List<List<Part>> stages, int[][] layers, int excess) {
        for (; excess > 0; excess--) {
            int group = -1;
            int stage = -1;
            double least = Double.POSITIVE_INFINITY;
            for (int g = 0; g < layers.length; g++) {
                for (int s = 0; s < layers[g].length; s++) {
                    double carried = layers[g][s] == 0
                            ? Double.POSITIVE_INFINITY
                            : stages.get(g).get(s).machines()
                                    * problem.capacity(groups.get(g).nodes().get(0), layers[g][s]);
                    if (carried < least) {
                        least = carried;
                        group = g;
                        stage = s;
                    }
                }
            }
            layers[group][stage]--;
        }
    }
}
