package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.Arrays;
import java.util.Optional;

/**
 * Method {@code milp}: Helix's placement program ({@link MilpModel}) with SCIP, started from the best layout given, else
 * from that of the placement rules. Exact
 * on small clusters; on two dozen nodes its relaxation is far from what layouts reach, and {@link BlockPlacement} or
 * {@link CountMilpPlacement} are the methods to take. Above {@value #PRUNED_ABOVE} nodes every node keeps its
 * {@value #KEPT_LINKS} fastest links as in Helix's artefact; the bound then comes from covers alone. Stateless and
 * thread-safe.
 */
public final class MilpPlacement implements PlacementMethod {
    private static final int PRUNED_ABOVE = 24;
    private static final int KEPT_LINKS = 12;
    /** Below this a relative improvement is rounding. */
    private static final double ROUNDING = 1e-9;

    private final String backend;

    public MilpPlacement() {
        this("SCIP");
    }

    /** @param backend SCIP, HIGHS or SAT, as OR-Tools names them */
    MilpPlacement(String backend) {
        this.backend = backend;
    }

    @Override
    public String name() {
        return "milp";
    }

    @Override
    public String description() {
        return "start layer and layer count of every machine by a mixed-integer program (Helix, ASPLOS'25, section 4, with"
                + " an open solver)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        return BestSoFar.search(name(), problem, objective, control, best -> run(problem, best, control));
    }

    private PlacementOutcome run(PlacementProblem problem, BestSoFar best, SearchControl control) {
        if (best.layout().isEmpty()) {
            Starts.offer(problem, best, control);
        }
        double bound = new CoverBound(problem).flow(control);
        best.flowBound(bound);
        boolean pruned = problem.nodes() > PRUNED_ABOVE;
        boolean[] free = new boolean[problem.nodes()];
        Arrays.fill(free, true);
        try (MilpModel model = new MilpModel(
                problem,
                backend,
                bound * (1 + ROUNDING),
                LinkPruning.keep(problem, pruned ? KEPT_LINKS : 0),
                Layout.empty(problem.nodes()),
                free)) {
            best.layout().ifPresent(model::hint);
            Optional<Layout> found = best.done() ? Optional.empty() : model.solve(control, Double.MAX_VALUE);
            found.ifPresent(best::offer);
            if (!pruned && found.isPresent()) {
                best.flowBound(model.bound());
            }
            if (!pruned && model.infeasible() && best.layout().isEmpty()) {
                return new PlacementOutcome.Infeasible(
                        "no layout keeps every constraint; relax replicas, hops, price or pins");
            }
        }
        return best.outcome("the solver found no layout within the time; give it more, or a start from another method");
    }
}
