package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A rule as a {@link PlacementMethod}. Pinned nodes, nodes to leave empty and regions are kept by every rule; replicas,
 * hops and price are checked afterwards, and one sentence says so when the rule's layout misses one. Stateless and
 * thread-safe.
 */
final class HeuristicMethod implements PlacementMethod {
    private final String name;
    private final String description;
    private final Rule rule;

    HeuristicMethod(String name, String description, Rule rule) {
        this.name = Objects.requireNonNull(name, "name");
        this.description = Objects.requireNonNull(description, "description");
        this.rule = Objects.requireNonNull(rule, "rule");
    }

    /** Candidates of a rule; the best by objective counts. */
    @FunctionalInterface
    interface Rule {
        /**
         * @return at least one layout
         * @throws Impossible when the rule makes none; the message says why
         */
        List<Layout> layouts(PlacementProblem problem, SearchControl control) throws Impossible;
    }

    /** Why a rule makes no layout for a problem that others may solve. */
    static final class Impossible extends Exception {
        private static final long serialVersionUID = 1L;

        Impossible(String reason) {
            super(reason, null, false, false);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> infeasible = Feasibility.explain(problem);
        if (infeasible.isPresent()) {
            return new PlacementOutcome.Infeasible(infeasible.get());
        }
        List<Layout> layouts;
        try {
            layouts = rule.layouts(problem, control);
        } catch (Impossible e) {
            return new PlacementOutcome.Infeasible(name + ": " + e.getMessage() + "; try method search");
        }
        LayoutFlow flow = new LayoutFlow(problem);
        Layout best = null;
        double value = Double.NEGATIVE_INFINITY;
        String wrong = null;
        for (Layout layout : layouts) {
            List<String> violations = PlacementVerifier.verify(problem, layout);
            if (!violations.isEmpty() || !(flow.value(layout) > 0)) {
                wrong = wrong == null ? why(problem, violations) : wrong;
                continue;
            }
            double worth = objective.value(problem, layout);
            if (worth > value) {
                best = layout;
                value = worth;
            }
        }
        if (best == null) {
            return new PlacementOutcome.Infeasible(
                    name + " does not look at this, and its layout breaks it: " + wrong + "; try method search");
        }
        double bound = objective.upperBound(problem);
        control.listener().accept(new SearchProgress(name, control.elapsedSeconds(), Optional.of(best), value, bound));
        return new PlacementOutcome.Feasible(best, value, bound);
    }

    private static String why(PlacementProblem problem, List<String> violations) {
        if (violations.isEmpty()) {
            return "no pipeline carries any flow";
        }
        boolean overlaps = violations.get(0).startsWith("no pipeline");
        return overlaps && !problem.constraints().partialInference()
                ? violations.get(0) + " (ranges may overlap: allow partial inference)"
                : violations.get(0);
    }
}
