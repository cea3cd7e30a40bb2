package io.sluice.solver;

import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelSolution;
import io.sluice.core.placement.MultiModelSolution.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The most that several placed models can carry at the same time: a multi-commodity flow as a linear program. Helix's
 * graph (ASPLOS'25, section 4) once per model; a node that holds layers of several shares its time,
 * {@code sum of flow_m / capacity_m <= 1}, a link its bytes/s. Goal {@link Goal#CONCURRENT} finds the largest λ with
 * {@code flow_m >= λ × weight_m} for every model (maximum concurrent flow), then raises the models that can carry more
 * in the same way, and so on (lexicographic, by water filling); among flows of equal value the one of least link latency
 * is taken.
 *
 * <p>GLOP, OR-Tools' simplex: nothing is integral here, a simplex basis is exact where first-order methods (PDLP) only
 * come close, its vertices use few links, and its dual prices name the bottleneck. Stateless and thread-safe.
 */
public final class MultiModelFlow {
    private MultiModelFlow() {}

    /** What is made large. */
    public enum Goal {
        /** The least flow by weight, then the next. */
        CONCURRENT,
        /** The sum of flow times weight; a model may get nothing. */
        WEIGHTED_SUM
    }

    /**
     * A node or link whose capacity holds the goal down.
     *
     * @param name {@code node a} or {@code link a>b}
     * @param price how much of the goal its whole capacity is worth, relative; larger limits more
     * @param users how much of it each model has, percent, in words
     */
    public record Binding(String name, double price, String users) {}

    /**
     * The flow of all models.
     *
     * @param bindings what limits the goal, most first
     */
    public record Result(MultiModelSolution solution, List<Binding> bindings) {
        private static final int MOST_NAMED = 6;

        public Result {
            bindings = List.copyOf(bindings);
        }

        /** What limits λ in words, and which models carry more than their share. */
        public String bottleneck(MultiModelProblem problem) {
            List<String> names = new ArrayList<>();
            bindings.stream().limit(MOST_NAMED).forEach(b -> names.add(b.name() + " (" + b.users() + ")"));
            if (bindings.size() > MOST_NAMED) {
                names.add((bindings.size() - MOST_NAMED) + " more");
            }
            StringBuilder text = new StringBuilder(names.isEmpty() ? "a model has no flow" : String.join(", ", names));
            for (int m = 0; m < problem.models(); m++) {
                double share = solution.lambda() * problem.weight(m);
                double more = share > 0 ? solution.models().get(m).flow() / share - 1 : 0;
                if (more > 0.001) {
                    text.append(String.format(
                            Locale.ROOT, "; %s can carry %.1f %% more than its share", problem.name(m), 100 * more));
                }
            }
            return text.toString();
        }
    }

    /**
     * Solves the program.
     *
     * @param layouts one per model, in the problem's order
     * @throws IllegalStateException when the solver fails, which no valid problem explains
     */
    public static Result solve(MultiModelProblem problem, List<Layout> layouts, Goal goal) {
        if (layouts.size() != problem.models()) {
            throw new IllegalArgumentException(layouts.size() + " layouts for " + problem.models() + " models");
        }
        try (MultiModelProgram program = new MultiModelProgram(problem, layouts)) {
            if (goal == Goal.CONCURRENT) {
                program.fill();
            } else {
                program.weightedSum();
            }
            List<Binding> bindings = program.bindings();
            program.leastLatency();
            List<Served> served = new ArrayList<>();
            double lambda = Double.POSITIVE_INFINITY;
            for (int m = 0; m < problem.models(); m++) {
                List<LinkFlow> links = program.links(m);
                double flow = links.stream()
                        .filter(link -> link.from() == Links.COORDINATOR)
                        .mapToDouble(LinkFlow::flow)
                        .sum();
                lambda = Math.min(lambda, flow / problem.weight(m));
                served.add(new Served(layouts.get(m), flow, links));
            }
            return new Result(new MultiModelSolution(lambda, served), bindings);
        }
    }
}
