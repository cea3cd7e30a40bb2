package io.sluice.launcher.plan;

import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Says in words what limits the flow of a placement: its minimum cut. */
final class Bottleneck {
    private static final int MOST_NAMES = 6;
    private static final double FULL = 0.999;

    private Bottleneck() {}

    /** One or two sentences. */
    static String words(PlacementProblem problem, Layout layout, LayoutFlow.Detail flow, PlanGraph graph) {
        if (flow.value() <= 0) {
            return "Nothing flows: no pipeline of connected nodes covers all " + problem.layers() + " layers.";
        }
        List<String> parts = new ArrayList<>();
        Map<String, List<Integer>> alike = new LinkedHashMap<>();
        for (int node : flow.cutNodes()) {
            String key = problem.type(node).name() + " " + layout.first(node) + "-" + layout.end(node);
            alike.computeIfAbsent(key, k -> new ArrayList<>()).add(node);
        }
        int named = 0;
        for (List<Integer> nodes : alike.values()) {
            parts.add(nodes(problem, layout, nodes));
            named += nodes.size();
        }
        for (LinkFlow link : flow.cutLinks()) {
            parts.add(link(problem, link));
        }
        int left = parts.size() - MOST_NAMES;
        if (left > 1) {
            parts = new ArrayList<>(parts.subList(0, MOST_NAMES));
            parts.add(left + " more");
        }
        boolean one = named + flow.cutLinks().size() == 1;
        String sentence = "Every pipeline passes " + join(parts) + ", which " + (one ? "is" : "are") + " full: "
                + rate(flow.value()) + " tokens/s together.";
        return (one ? sentence.replace(" together.", ".") : sentence) + behind(graph);
    }

    /** The minimum cut named is the one nearest the source; there may be others. */
    private static String behind(PlanGraph graph) {
        long full = graph.nodes().stream()
                .filter(node -> node.holds() && node.used() >= FULL && !node.bottleneck())
                .count();
        return full == 0
                ? ""
                : full == 1 ? " One other node is full, too." : " " + full + " other nodes are full, too.";
    }

    private static String nodes(PlacementProblem problem, Layout layout, List<Integer> nodes) {
        int any = nodes.get(0);
        String layers = problem.type(any).name() + ", layers " + layout.first(any) + "-" + layout.end(any);
        if (nodes.size() > 3) {
            return nodes.size() + " nodes of type " + layers;
        }
        return join(nodes.stream().map(i -> name(problem, i)).toList()) + " (" + layers + ")";
    }

    private static String link(PlacementProblem problem, LinkFlow link) {
        if (link.from() == Links.COORDINATOR) {
            return "the coordinator's link to " + name(problem, link.to());
        }
        if (link.to() == Links.COORDINATOR) {
            return "the link from " + name(problem, link.from()) + " back to the coordinator";
        }
        Node from = problem.cluster().nodes().get(link.from());
        Node to = problem.cluster().nodes().get(link.to());
        String regions =
                from.region().equals(to.region()) ? "" : " (region " + from.region() + " to " + to.region() + ")";
        return "the link " + from.id() + " to " + to.id() + regions;
    }

    private static String name(PlacementProblem problem, int node) {
        return problem.cluster().nodes().get(node).id().value();
    }

    /** {@code a, b or c}. */
    static String join(List<String> parts) {
        if (parts.size() < 2) {
            return parts.isEmpty() ? "" : parts.get(0);
        }
        return String.join(", ", parts.subList(0, parts.size() - 1)) + " or " + parts.get(parts.size() - 1);
    }

    static String rate(double tokensPerSecond) {
        return String.format(Locale.ROOT, tokensPerSecond >= 100 ? "%,.0f" : "%.3g", tokensPerSecond);
    }
}
