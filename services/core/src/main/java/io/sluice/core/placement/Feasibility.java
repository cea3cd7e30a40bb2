package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Says before any search that a problem has no solution, and why. A problem it finds nothing wrong with may still have
 * none. O(nodes²). Stateless and thread-safe.
 */
public final class Feasibility {
    private final PlacementProblem problem;
    private final List<Node> nodes;
    private final String model;

    private Feasibility(PlacementProblem problem) {
        this.problem = problem;
        this.nodes = problem.cluster().nodes();
        this.model = problem.model().name();
    }

    /** One sentence with the remedy; empty: nothing is known to be wrong. */
    public static Optional<String> explain(PlacementProblem problem) {
        Feasibility check = new Feasibility(problem);
        return Optional.ofNullable(check.machines())
                .or(() -> Optional.ofNullable(check.pins()))
                .or(() -> Optional.ofNullable(check.room()))
                .or(() -> Optional.ofNullable(check.links()))
                .or(() -> Optional.ofNullable(check.limits()));
    }

    /** Layers the node can hold: as pinned, or as many as fit. */
    private int room(int node) {
        return problem.pinned(node) != null ? problem.pinned(node).size() : problem.maxLayers(node);
    }

    private String machines() {
        PlacementConstraints asked = problem.constraints();
        if (nodes.isEmpty()) {
            return "cluster " + problem.cluster().name() + " has no nodes; add at least one";
        }
        TreeSet<String> regions = new TreeSet<>();
        nodes.forEach(n -> regions.add(n.region()));
        if (!asked.allowedRegions().isEmpty() && asked.allowedRegions().stream().noneMatch(regions::contains)) {
            return "none of the allowed regions " + asked.allowedRegions()
                    + " has a machine; the cluster's regions are " + regions;
        }
        if (nodes.stream().allMatch(n -> asked.emptyNodes().contains(n.id()))) {
            return "every node of cluster " + problem.cluster().name() + " is to be left empty; leave some for "
                    + model;
        }
        for (int i = 0; i < nodes.size(); i++) {
            if (problem.maxLayers(i) > 0) {
                return null;
            }
        }
        return "no node that may hold " + model + " fits a layer of it ("
                + problem.model().layerBytes() + " bytes each) or has a profile of it; add larger machines, profiles"
                + " or regions";
    }

    private String pins() {
        for (int i = 0; i < nodes.size(); i++) {
            if (problem.pinned(i) != null && problem.maxLayers(i) == 0) {
                return "node " + nodes.get(i).id() + " is pinned to layers " + problem.pinned(i)
                        + ", but it may not hold " + model + " or no layer fits its type "
                        + nodes.get(i).type() + "; drop the pin";
            }
        }
        return null;
    }

    private String room() {
        int replicas = problem.constraints().minReplicas();
        long room = 0;
        boolean works = false;
        for (int i = 0; i < nodes.size(); i++) {
            room += room(i);
            for (int k = 1; k <= problem.maxLayers(i); k++) {
                works |= problem.capacity(i, k) > 0;
            }
        }
        if (!works) {
            return "no node has any throughput for " + model + "; check tokens/s in the profiles";
        }
        if (room < problem.layers()) {
            return "all nodes that may hold " + model + " fit " + room + " of its " + problem.layers()
                    + " layers together; add machines or memory";
        }
        if (room < (long) problem.layers() * replicas) {
            return "all nodes fit " + room + " layers together, but " + replicas + " replicas of " + problem.layers()
                    + " layers are asked for; add machines or ask for fewer replicas";
        }
        return null;
    }

    private String links() {
        boolean in = false;
        boolean out = false;
        for (int i = 0; i < nodes.size(); i++) {
            if (room(i) > 0) {
                in |= problem.linkCapacity(Links.COORDINATOR, i) > 0;
                out |= problem.linkCapacity(i, Links.COORDINATOR) > 0;
            }
        }
        if (!in || !out) {
            return "the coordinator has no link " + (in ? "from" : "to") + " any node that may hold " + model
                    + " (every bandwidth is 0); add links";
        }
        return connectedGroups();
    }

    /** A pipeline stays within machines that links connect; each such group must hold the model by itself. */
    private String connectedGroups() {
        boolean[] seen = new boolean[nodes.size()];
        List<String> groups = new ArrayList<>();
        for (int start = 0; start < nodes.size(); start++) {
            if (seen[start] || room(start) == 0) {
                continue;
            }
            long room = 0;
            int count = 0;
            boolean in = false;
            boolean out = false;
            TreeSet<String> regions = new TreeSet<>();
            ArrayDeque<Integer> queue = new ArrayDeque<>(List.of(start));
            seen[start] = true;
            while (!queue.isEmpty()) {
                int u = queue.remove();
                count++;
                room += room(u);
                regions.add(nodes.get(u).region());
                in |= problem.linkCapacity(Links.COORDINATOR, u) > 0;
                out |= problem.linkCapacity(u, Links.COORDINATOR) > 0;
                for (int v = 0; v < nodes.size(); v++) {
                    boolean joined = v != u && (problem.linkCapacity(u, v) > 0 || problem.linkCapacity(v, u) > 0);
                    if (joined && !seen[v] && room(v) > 0) {
                        seen[v] = true;
                        queue.add(v);
                    }
                }
            }
            if (room >= problem.layers() && in && out) {
                return null;
            }
            String group = count + " machines in " + regions + " with room for " + room + " layers";
            groups.add(room < problem.layers() ? group : group + " but no link to or from the coordinator");
        }
        int shown = Math.min(4, groups.size());
        return "no group of machines that links connect holds all " + problem.layers() + " layers of " + model + ": "
                + String.join("; ", groups.subList(0, shown)) + (shown < groups.size() ? "; ..." : "")
                + "; connect them";
    }

    private String limits() {
        PlacementConstraints asked = problem.constraints();
        Integer[] order = new Integer[nodes.size()];
        Arrays.setAll(order, i -> i);
        if (asked.maxHops() > 0) {
            Arrays.sort(order, Comparator.comparing((Integer i) -> -room(i)));
            long room = 0;
            for (int i = 0; i < Math.min(asked.maxHops(), order.length); i++) {
                room += room(order[i]);
            }
            if (room < problem.layers()) {
                return "the " + asked.maxHops() + " largest nodes fit " + room + " of " + problem.layers()
                        + " layers, so no pipeline has at most " + asked.maxHops() + " stages; allow more hops";
            }
        }
        if (asked.priceCeilingPerHour() > 0) {
            double cheapest = cheapest(order, asked.minReplicas());
            if (cheapest > asked.priceCeilingPerHour() * (1 + 1e-9)) {
                return "nodes for all " + problem.layers() + " layers cost at least " + cheapest
                        + " per hour, the ceiling is " + asked.priceCeilingPerHour() + "; raise it";
            }
        }
        return null;
    }

    /** The fractional knapsack's lower bound on the price of holding every layer so many times, pins included. */
    private double cheapest(Integer[] order, int replicas) {
        Arrays.sort(order, Comparator.comparing((Integer i) -> room(i) == 0 ? Double.MAX_VALUE : price(i) / room(i)));
        double needed = (double) problem.layers() * replicas;
        double price = 0;
        for (int i : order) {
            if (problem.pinned(i) != null) {
                price += price(i);
                needed -= room(i);
            }
        }
        for (int i : order) {
            if (needed > 0 && room(i) > 0 && problem.pinned(i) == null) {
                price += price(i) * Math.min(1, needed / room(i));
                needed -= room(i);
            }
        }
        return price;
    }

    private double price(int node) {
        return problem.type(node).pricePerHour();
    }
}
