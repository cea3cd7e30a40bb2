package io.sluice.core.placement;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.planning.PlacementPlan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Proves that a layout can serve and keeps the owner's constraints, whatever method made it: it shares no code with the
 * methods and their flow. What flows through it is for {@link io.sluice.core.planning.AllocationVerifier}.
 * O(nodes² + nodes × layers), times the nodes when replicas are asked for. Stateless and thread-safe.
 */
public final class PlacementVerifier {
    private final PlacementProblem problem;
    private final int[] first;
    private final int[] end;
    private final List<String> violations = new ArrayList<>();

    private PlacementVerifier(PlacementProblem problem, Layout layout) {
        this.problem = problem;
        this.first = new int[problem.nodes()];
        this.end = new int[problem.nodes()];
        for (int i = 0; i < problem.nodes(); i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
    }

    /** Everything wrong with {@code layout}, one sentence each; empty: it serves as asked. */
    public static List<String> verify(PlacementProblem problem, Layout layout) {
        if (layout.nodes() != problem.nodes()) {
            return List.of("the layout is for " + layout.nodes() + " nodes, but cluster "
                    + problem.cluster().name() + " has " + problem.nodes());
        }
        PlacementVerifier verifier = new PlacementVerifier(problem, layout);
        verifier.checkRanges();
        verifier.checkCoverage();
        verifier.checkPrice();
        if (verifier.violations.isEmpty()) {
            verifier.checkPipelines();
        }
        return List.copyOf(verifier.violations);
    }

    /** Everything wrong with a published or imported plan, its model and names included. */
    public static List<String> verify(PlacementProblem problem, PlacementPlan plan) {
        List<String> violations = new ArrayList<>();
        var model = problem.model();
        if (!plan.model().equals(model.name())) {
            violations.add("the plan is for model " + plan.model() + ", the problem for " + model.name());
        }
        if (plan.layerCount() != model.layerCount()) {
            violations.add(
                    "the plan counts " + plan.layerCount() + " layers, " + model.name() + " has " + model.layerCount());
        }
        if (plan.hiddenSize() != model.hiddenSize() || plan.activationBytes() != model.activationBytes()) {
            violations.add("the plan sends " + plan.activationBytesPerToken() + " bytes per token between stages, "
                    + model.name() + " needs " + model.activationBytesPerToken());
        }
        Map<WorkerId, Integer> index = problem.cluster().indexById();
        for (Stage stage : plan.stages()) {
            if (!index.containsKey(stage.worker())) {
                violations.add("the plan puts layers " + stage.layers() + " on " + stage.worker()
                        + ", which is not in cluster " + problem.cluster().name());
            }
        }
        if (violations.isEmpty()) {
            violations.addAll(verify(problem, Layout.of(problem, plan.stages())));
        }
        return List.copyOf(violations);
    }

    private void violation(String text) {
        violations.add(text);
    }

    private Node node(int i) {
        return problem.cluster().nodes().get(i);
    }

    private boolean holds(int i) {
        return end[i] > first[i];
    }

    private void checkRanges() {
        PlacementConstraints asked = problem.constraints();
        for (int i = 0; i < first.length; i++) {
            String name = "node " + node(i).id();
            LayerRange pinned = problem.pinned(i);
            boolean asPinned = pinned != null && pinned.first() == first[i] && pinned.end() == end[i];
            if (pinned != null && !asPinned) {
                violation(name + " is pinned to layers " + pinned + ", but holds " + range(i));
            }
            if (!holds(i)) {
                continue;
            }
            if (end[i] > problem.layers()) {
                violation(name + " holds " + range(i) + " of a model of " + problem.layers() + " layers");
            }
            if (asked.emptyNodes().contains(node(i).id())) {
                violation(name + " was to be left empty, but holds " + range(i));
            } else if (!asked.allowedRegions().isEmpty()
                    && !asked.allowedRegions().contains(node(i).region())) {
                violation(name + " holds " + range(i) + " in region " + node(i).region() + ", but only "
                        + asked.allowedRegions() + " may hold "
                        + problem.model().name());
            } else if (problem.maxLayers(i) == 0) {
                violation(name + " holds " + range(i) + ", but no layer of "
                        + problem.model().name() + " fits machine type " + node(i).type());
            } else if (!asPinned && end[i] - first[i] > problem.maxLayers(i)) {
                violation(name + " holds " + range(i) + ", " + (end[i] - first[i]) + " layers, but only "
                        + problem.maxLayers(i) + " fit machine type " + node(i).type());
            }
        }
    }

    private String range(int i) {
        return holds(i) ? "layers [" + first[i] + ", " + end[i] + ")" : "nothing";
    }

    private void checkCoverage() {
        int asked = problem.constraints().minReplicas();
        int from = -1;
        int seen = 0;
        for (int layer = 0; layer <= problem.layers(); layer++) {
            int held = 0;
            for (int i = 0; i < first.length && layer < problem.layers(); i++) {
                held += first[i] <= layer && layer < end[i] ? 1 : 0;
            }
            boolean thin = layer < problem.layers() && held < asked;
            if (from >= 0 && (!thin || held != seen)) {
                violation(
                        seen == 0
                                ? "no node holds layers [" + from + ", " + layer + ")"
                                : "layers [" + from + ", " + layer + ") are on " + seen + " nodes, but " + asked
                                        + " replicas are asked for");
                from = -1;
            }
            if (thin && from < 0) {
                from = layer;
                seen = held;
            }
        }
    }

    private void checkPrice() {
        double ceiling = problem.constraints().priceCeilingPerHour();
        double price = 0;
        for (int i = 0; i < first.length; i++) {
            price += holds(i) ? problem.type(i).pricePerHour() : 0;
        }
        if (ceiling > 0 && price > ceiling * (1 + 1e-9)) {
            violation("the nodes used cost " + price + " per hour, the ceiling is " + ceiling);
        }
    }

    private void checkPipelines() {
        int hops = longestPipeline();
        if (hops < 0) {
            violation("no pipeline passes every layer over links that exist and nodes that have throughput: ranges do"
                    + " not meet, or the links between them are missing");
            return;
        }
        int most = problem.constraints().maxHops();
        if (most > 0 && hops > most) {
            violation("a pipeline can have " + hops + " stages, but at most " + most + " are allowed");
        }
        if (problem.constraints().minReplicas() > 1) {
            for (int i = 0; i < first.length; i++) {
                if (holds(i) && !servesWithout(Set.of(i))) {
                    violation("without node " + node(i).id() + " no pipeline passes every layer, although "
                            + problem.constraints().minReplicas() + " replicas are asked for");
                    return;
                }
            }
        }
    }

    /** Stages of the longest pipeline from source to sink; -1: there is none. */
    private int longestPipeline() {
        Integer[] order = new Integer[first.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Integer.compare(end[a], end[b]));
        int[] hops = new int[first.length];
        int longest = -1;
        for (int v : order) {
            hops[v] = -1;
            if (!works(v)) {
                continue;
            }
            if (first[v] == 0 && problem.linkCapacity(Links.COORDINATOR, v) > 0) {
                hops[v] = 1;
            }
            for (int u = 0; u < first.length; u++) {
                if (joined(u, v) && hops[u] > 0) {
                    hops[v] = Math.max(hops[v], hops[u] + 1);
                }
            }
            if (end[v] == problem.layers() && problem.linkCapacity(v, Links.COORDINATOR) > 0) {
                longest = Math.max(longest, hops[v]);
            }
        }
        return longest;
    }

    private boolean works(int node) {
        return holds(node) && problem.capacity(node, end[node] - first[node]) > 0;
    }

    private boolean joined(int u, int v) {
        return u != v && works(u) && problem.connects(end[u], first[v], end[v]) && problem.linkCapacity(u, v) > 0;
    }

    private boolean servesWithout(Set<Integer> lost) {
        Set<Integer> seen = new HashSet<>(lost);
        ArrayDeque<Integer> queue = new ArrayDeque<>();
        for (int i = 0; i < first.length; i++) {
            if (works(i) && first[i] == 0 && problem.linkCapacity(Links.COORDINATOR, i) > 0 && seen.add(i)) {
                queue.add(i);
            }
        }
        while (!queue.isEmpty()) {
            int u = queue.remove();
            if (end[u] == problem.layers() && problem.linkCapacity(u, Links.COORDINATOR) > 0) {
                return true;
            }
            for (int v = 0; v < first.length; v++) {
                if (works(v) && joined(u, v) && seen.add(v)) {
                    queue.add(v);
                }
            }
        }
        return false;
    }
}
