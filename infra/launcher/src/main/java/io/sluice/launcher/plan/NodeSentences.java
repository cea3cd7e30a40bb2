package io.sluice.launcher.plan;

import io.sluice.core.cluster.Node;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementReasons;
import io.sluice.core.placement.PlacementReasons.NodeReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says in sentences why a node holds the layers it holds: what the objective would be otherwise. */
final class NodeSentences {
    private static final double SAME = 0.0005;

    private final PlacementProblem problem;
    private final Layout layout;
    private final PlacementObjective objective;
    private final PlacementReasons reasons;
    private final PlanGraph graph;
    private final NeighbourMoves moves;

    NodeSentences(
            PlacementProblem problem,
            Layout layout,
            PlanGraph graph,
            PlacementObjective objective,
            PlacementReasons reasons) {
        this.problem = problem;
        this.layout = layout;
        this.graph = graph;
        this.moves = new NeighbourMoves(problem, layout, objective);
        this.objective = objective;
        this.reasons = reasons;
    }

    /** The sentences about one node; the first names it. */
    List<String> of(NodeReason reason) {
        int i = reason.node();
        Node node = problem.cluster().nodes().get(i);
        String name = node.id() + " (" + node.type() + ", region " + node.region() + ")";
        List<String> said = new ArrayList<>();
        if (!layout.holds(i)) {
            said.add(name + " holds nothing.");
            said.add(unused(i, reason));
            return said;
        }
        int held = layout.layers(i);
        said.add(String.format(
                Locale.ROOT,
                "%s holds layers %d-%d, %d of the %d that fit, and uses %.0f %% of the %s tokens/s it can carry with them.",
                name,
                layout.first(i),
                layout.end(i),
                held,
                Math.max(held, problem.maxLayers(i)),
                100 * graph.nodes().get(i).used(),
                PlanTable.count(problem.capacity(i, held))));
        if (problem.pinned(i) != null) {
            said.add("It is pinned to these layers.");
        }
        if (reason.inMinimumCut()) {
            said.add("It is a bottleneck: more of it would give more flow.");
        }
        said.add(without(reason));
        said.add(boundaries(i));
        said.add(swap(i));
        if (reason.leastReplicas() > 1) {
            said.add(elsewhere(reason));
        }
        return said;
    }

    private String unused(int i, NodeReason reason) {
        if (problem.maxLayers(i) == 0) {
            return "It may not hold " + problem.model().name() + ", or no layer fits.";
        }
        if (Double.isNaN(reason.bestElsewhere()) || reason.bestElsewhere() <= reasons.value() * (1 + SAME)) {
            return "No range between the others' boundaries would raise " + what() + ".";
        }
        return "With layers " + reason.elsewhereFirst() + "-" + reason.elsewhereEnd() + " " + what() + " would be "
                + value(reason.bestElsewhere()) + ".";
    }

    private String without(NodeReason reason) {
        if (reason.leastReplicas() <= 1) {
            return "Some of its layers are on no other node: without it nothing is served.";
        }
        return "Its layers are on " + reason.leastReplicas() + " nodes or more; without it " + what() + " would be "
                + value(reason.without()) + ".";
    }

    /** What moving a boundary between it and its neighbours would do. */
    private String boundaries(int i) {
        List<String> parts = new ArrayList<>();
        part(parts, "begin one layer earlier", moves.boundary(layout.first(i), -1));
        part(parts, "begin one later", moves.boundary(layout.first(i), 1));
        part(parts, "end one earlier", moves.boundary(layout.end(i), -1));
        part(parts, "end one later", moves.boundary(layout.end(i), 1));
        return parts.isEmpty()
                ? "No boundary with its neighbours can move."
                : "Did it, with its neighbours, " + String.join(", ", parts) + ".";
    }

    private void part(List<String> parts, String move, double value) {
        if (!Double.isNaN(value)) {
            parts.add(move + ": " + value(value));
        }
    }

    private String swap(int i) {
        NeighbourMoves.Swap best = moves.bestSwap(i);
        if (best.node() < 0) {
            return "Its layers fit no node of another type in exchange.";
        }
        return "The best exchange of layers, with "
                + graph.nodes().get(best.node()).id() + ", gives " + value(best.value()) + ".";
    }

    private String elsewhere(NodeReason reason) {
        if (Double.isNaN(reason.bestElsewhere())) {
            return "No other range between the others' boundaries fits.";
        }
        return "The best other range, " + reason.elsewhereFirst() + "-" + reason.elsewhereEnd() + ", gives "
                + value(reason.bestElsewhere()) + ".";
    }

    private String what() {
        return objective.name().startsWith("serving") ? "the estimate" : objective.name();
    }

    /** A value beside what it is now. */
    private String value(double value) {
        if (!(value > 0)) {
            return "nothing";
        }
        double change = value / reasons.value() - 1;
        if (Math.abs(change) < SAME) {
            return "the same";
        }
        return PlanTable.count(value) + String.format(Locale.ROOT, " (%+.1f %%)", 100 * change);
    }
}
