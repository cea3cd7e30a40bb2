package io.sluice.core.placement;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Tries every layout: the truth that other methods are tested against, and an answer for tiny clusters (up to four nodes
 * and six layers in seconds). Stateless and thread-safe.
 */
public final class BruteForce implements PlacementMethod {
    /** 22 ranges of six layers on four nodes are 234,256 layouts. */
    private static final double MOST_LAYOUTS = 3e6;

    @Override
    public String name() {
        return "brute-force";
    }

    @Override
    public String description() {
        return "every layout, for clusters of up to four nodes and six layers";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> infeasible = Feasibility.explain(problem);
        if (infeasible.isPresent()) {
            return new PlacementOutcome.Infeasible(infeasible.get());
        }
        List<List<int[]>> ranges = new ArrayList<>();
        double layouts = 1;
        for (int i = 0; i < problem.nodes(); i++) {
            ranges.add(ranges(problem, i));
            layouts *= ranges.get(i).size();
        }
        double bound = objective.upperBound(problem);
        if (layouts > MOST_LAYOUTS) {
            return new PlacementOutcome.TimedOut(
                    "brute-force would try " + layouts + " layouts; use it for up to four nodes and six layers", bound);
        }
        Enumeration all = new Enumeration(problem, objective, ranges, control);
        all.from(0);
        if (all.stopped) {
            return all.best == null
                    ? new PlacementOutcome.TimedOut("brute-force found nothing in time", bound)
                    : new PlacementOutcome.Feasible(all.best, all.value, bound);
        }
        return all.best == null
                ? new PlacementOutcome.Infeasible("none of the " + (long) layouts + " layouts of "
                        + problem.model().name() + " on cluster "
                        + problem.cluster().name() + " serves and keeps the constraints")
                : new PlacementOutcome.Optimal(all.best, all.value);
    }

    private static List<int[]> ranges(PlacementProblem problem, int node) {
        List<int[]> ranges = new ArrayList<>();
        if (problem.pinned(node) != null) {
            ranges.add(new int[] {
                problem.pinned(node).first(), problem.pinned(node).end()
            });
            return ranges;
        }
        ranges.add(new int[] {0, 0});
        for (int k = 1; k <= problem.maxLayers(node); k++) {
            for (int first = 0; first + k <= problem.layers(); first++) {
                ranges.add(new int[] {first, first + k});
            }
        }
        return ranges;
    }

    private static final class Enumeration {
        private final PlacementProblem problem;
        private final LayoutScore score;
        private final LayoutRules rules;
        private final List<List<int[]>> ranges;
        private final SearchControl control;
        private final int[] first;
        private final int[] end;
        private Layout best;
        private double value;
        private long tried;
        private boolean stopped;

        Enumeration(
                PlacementProblem problem,
                PlacementObjective objective,
                List<List<int[]>> ranges,
                SearchControl control) {
            this.problem = problem;
            this.score = objective.on(problem);
            this.rules = new LayoutRules(problem, new LayoutFlow(problem));
            this.ranges = ranges;
            this.control = control;
            this.first = new int[problem.nodes()];
            this.end = new int[problem.nodes()];
        }

        void from(int node) {
            if (stopped) {
                return;
            }
            if (node == first.length) {
                offer();
                return;
            }
            for (int[] range : ranges.get(node)) {
                first[node] = range[0];
                end[node] = range[1];
                from(node + 1);
            }
        }

        private void offer() {
            stopped = ++tried % 1024 == 0 && control.expired();
            if (rules.thinLayers(first, end, problem.constraints().minReplicas()) > 0) {
                return;
            }
            double found = score.of(first, end);
            if (found > value) {
                Layout layout = Layout.of(first, end);
                if (PlacementVerifier.verify(problem, layout).isEmpty()) {
                    best = layout;
                    value = found;
                }
            }
        }
    }
}
