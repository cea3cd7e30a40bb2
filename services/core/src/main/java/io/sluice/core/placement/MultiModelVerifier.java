package io.sluice.core.placement;

import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.MultiModelSolution.Served;
import java.util.ArrayList;
import java.util.List;

/**
 * Proves that several models can be held and served at the same time as a {@link MultiModelSolution} says; it shares no
 * code with the solvers. Every model's layout serves and keeps its owner's constraints ({@link PlacementVerifier}); the
 * layers of all models on a node fit its memory, {@code sum of layers_m / maxLayers_m <= 1}; every model's flow goes in
 * where it comes out, along links that its layers allow; nodes share their time, {@code sum of flow_m / capacity_m <= 1},
 * and links their bytes/s. Tolerance: a millionth. O(models × (nodes² + links)). Stateless and thread-safe.
 */
public final class MultiModelVerifier {
    private static final double TOLERANCE = 1e-6;

    private final MultiModelProblem problem;
    private final MultiModelSolution solution;
    private final List<String> violations = new ArrayList<>();

    private MultiModelVerifier(MultiModelProblem problem, MultiModelSolution solution) {
        this.problem = problem;
        this.solution = solution;
    }

    /** Everything wrong with {@code layouts} as a placement of all models, one sentence each; empty: they serve. */
    public static List<String> verify(MultiModelProblem problem, List<Layout> layouts) {
        if (layouts.size() != problem.models()) {
            return List.of(layouts.size() + " layouts for " + problem.models() + " models");
        }
        List<String> violations = new ArrayList<>();
        for (int m = 0; m < layouts.size(); m++) {
            for (String wrong : PlacementVerifier.verify(problem.problem(m), layouts.get(m))) {
                violations.add("model " + problem.name(m) + ": " + wrong);
            }
        }
        if (layouts.stream()
                .allMatch(layout -> layout.nodes() == problem.cluster().nodes().size())) {
            checkMemory(problem, layouts, violations);
        }
        return List.copyOf(violations);
    }

    /** Everything wrong with {@code solution}, its layouts included, one sentence each; empty: it can be. */
    public static List<String> verify(MultiModelProblem problem, MultiModelSolution solution) {
        List<String> violations = new ArrayList<>(verify(problem, solution.layouts()));
        if (violations.isEmpty()) {
            MultiModelVerifier verifier = new MultiModelVerifier(problem, solution);
            for (int m = 0; m < problem.models(); m++) {
                verifier.checkFlow(m);
            }
            if (verifier.violations.isEmpty()) {
                verifier.checkNodes();
                verifier.checkLinks();
                verifier.checkLambda();
            }
            violations.addAll(verifier.violations);
        }
        return List.copyOf(violations);
    }

    private static void checkMemory(MultiModelProblem problem, List<Layout> layouts, List<String> violations) {
        for (int i = 0; i < problem.cluster().nodes().size(); i++) {
            double filled = 0;
            int models = 0;
            for (int m = 0; m < layouts.size(); m++) {
                int held = layouts.get(m).layers(i);
                // Where nothing may be, the layout was refused already.
                if (held > 0 && problem.problem(m).maxLayers(i) > 0) {
                    filled += (double) held / problem.problem(m).layerProfile(i).maxLayers();
                    models++;
                }
            }
            // A model that has the node to itself may be pinned beyond what its profile says.
            if (models > 1 && filled > 1 + TOLERANCE) {
                violations.add("node " + id(problem, i) + ": the layers of " + models + " models fill "
                        + Math.round(100 * filled) + " % of its memory");
            }
        }
    }

    private static String id(MultiModelProblem problem, int node) {
        return problem.cluster().nodes().get(node).id().value();
    }

    private void checkFlow(int m) {
        PlacementProblem one = problem.problem(m);
        Served served = solution.models().get(m);
        double[] in = new double[one.nodes()];
        double[] out = new double[one.nodes()];
        double source = 0;
        double sink = 0;
        if (!(served.flow() >= 0) || Double.isInfinite(served.flow())) {
            violations.add("model " + problem.name(m) + ": a flow of " + served.flow() + " tokens/s");
        }
        for (LinkFlow link : served.links()) {
            if (!allowed(one, served.layout(), link)) {
                violations.add("model " + problem.name(m) + ": " + link.flow() + " tokens/s from node " + link.from()
                        + " to " + link.to() + ", between which its layers do not meet");
                return;
            }
            if (link.from() == Links.COORDINATOR) {
                source += link.flow();
            } else {
                out[link.from()] += link.flow();
            }
            if (link.to() == Links.COORDINATOR) {
                sink += link.flow();
            } else {
                in[link.to()] += link.flow();
            }
        }
        differ(m, "what the source sends", source, served.flow(), served.flow());
        differ(m, "what the sink gets", sink, served.flow(), served.flow());
        for (int i = 0; i < one.nodes(); i++) {
            differ(m, "what node " + id(problem, i) + " passes on", out[i], in[i], served.flow());
        }
    }

    private void differ(int m, String what, double is, double expected, double scale) {
        if (!(Math.abs(is - expected) <= TOLERANCE * Math.max(scale, 1e-9))) {
            violations.add(
                    "model " + problem.name(m) + ": " + what + " is " + is + " tokens/s, but should be " + expected);
        }
    }

    private static boolean allowed(PlacementProblem one, Layout layout, LinkFlow link) {
        int from = link.from();
        int to = link.to();
        boolean known = from >= Links.COORDINATOR && to >= Links.COORDINATOR && from < one.nodes() && to < one.nodes();
        if (!known || from == to || !(link.flow() >= 0) || Double.isInfinite(link.flow())) {
            return false;
        }
        if (from != Links.COORDINATOR && !layout.holds(from) || to != Links.COORDINATOR && !layout.holds(to)) {
            return false;
        }
        if (from == Links.COORDINATOR) {
            return layout.first(to) == 0;
        }
        if (to == Links.COORDINATOR) {
            return layout.end(from) == one.layers();
        }
        return one.connects(layout.end(from), layout.first(to), layout.end(to));
    }

    private void checkNodes() {
        double[] busy = new double[problem.cluster().nodes().size()];
        for (int m = 0; m < problem.models(); m++) {
            Served served = solution.models().get(m);
            double[] through = served.nodeFlow();
            for (int i = 0; i < busy.length; i++) {
                if (through[i] > 0) {
                    busy[i] += through[i]
                            / problem.problem(m).capacity(i, served.layout().layers(i));
                }
            }
        }
        for (int i = 0; i < busy.length; i++) {
            if (!(busy[i] <= 1 + TOLERANCE)) {
                violations.add("node " + id(problem, i) + " would be busy " + 100 * busy[i] + " % of the time");
            }
        }
    }

    private void checkLinks() {
        int nodes = problem.cluster().nodes().size();
        double[] bytes = new double[(nodes + 1) * (nodes + 1)];
        for (int m = 0; m < problem.models(); m++) {
            ModelSpec model = problem.problem(m).model();
            for (LinkFlow link : solution.models().get(m).links()) {
                boolean coordinator = link.from() == Links.COORDINATOR || link.to() == Links.COORDINATOR;
                bytes[(link.from() + 1) * (nodes + 1) + link.to() + 1] += link.flow()
                        * (coordinator ? model.tokenBytes() : model.tokenBytes() + model.activationBytesPerToken());
            }
        }
        for (int at = 0; at < bytes.length; at++) {
            int from = at / (nodes + 1) - 1;
            int to = at % (nodes + 1) - 1;
            if (bytes[at] == 0) {
                continue;
            }
            double most = problem.cluster().links().bytesPerSecond(from, to);
            if (!(bytes[at] <= most * (1 + TOLERANCE))) {
                violations.add("the link from " + (from < 0 ? "source" : id(problem, from)) + " to "
                        + (to < 0 ? "sink" : id(problem, to)) + " would carry " + bytes[at] + " bytes/s of " + most);
            }
        }
    }

    private void checkLambda() {
        double least = Double.POSITIVE_INFINITY;
        for (int m = 0; m < problem.models(); m++) {
            least = Math.min(least, solution.models().get(m).flow() / problem.weight(m));
        }
        if (!(Math.abs(solution.lambda() - least) <= TOLERANCE * Math.max(least, 1e-9))) {
            violations.add("every model carries " + least + " tokens/s by its weight, but " + solution.lambda()
                    + " is claimed");
        }
    }
}
