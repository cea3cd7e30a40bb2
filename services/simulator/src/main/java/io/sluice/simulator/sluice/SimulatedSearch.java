package io.sluice.simulator.sluice;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The last step of placement: simulates the layouts it is given and improves the best by small changes, each judged by
 * short simulations under Sluice's policy with the same random numbers. Changes whose value by the objective, which costs
 * microseconds, is far below that of the best are not simulated. Deterministic for a seed and a number of simulations, if
 * time does not end it first. Thread-safe if its score is.
 */
public final class SimulatedSearch implements PlacementMethod {
    /** Part of the best layout's objective value below which a change is not worth a simulation. */
    private static final double WORTH_SIMULATING = 0.93;
    /** A change must be better by this factor, so that chance alone does not drive the search. */
    private static final double BETTER = 1.002;

    private static final int MOST_DRAWS_PER_SIMULATION = 2000;

    private final SimulatedScore score;
    private final int mostSimulatedLayouts;
    private final long startChanges;

    /**
     * @param mostSimulatedLayouts layouts to simulate at most
     * @param startChanges changes of the search by objective that gives the start where no layouts are given
     */
    public SimulatedSearch(SimulatedScore score, int mostSimulatedLayouts, long startChanges) {
        this.score = Objects.requireNonNull(score, "score");
        if (mostSimulatedLayouts < 1 || startChanges < 1) {
            throw new IllegalArgumentException(mostSimulatedLayouts + " layouts to simulate and " + startChanges
                    + " changes for the start must both be at least 1");
        }
        this.mostSimulatedLayouts = mostSimulatedLayouts;
        this.startChanges = startChanges;
    }

    @Override
    public String name() {
        return "simulated";
    }

    @Override
    public String description() {
        return "improves the best layouts by small changes, each judged by short simulations of serving (Sluice)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> infeasible = Feasibility.explain(problem);
        if (infeasible.isPresent()) {
            return new PlacementOutcome.Infeasible(infeasible.get());
        }
        List<Layout> starts = new ArrayList<>(control.starts());
        if (starts.isEmpty()) {
            new LocalSearch(startChanges)
                    .place(problem, objective, control)
                    .found()
                    .ifPresent(starts::add);
        }
        Run run = new Run(problem, objective, control);
        for (Layout start : starts) {
            run.consider(start);
        }
        run.improve();
        if (run.best == null) {
            return new PlacementOutcome.TimedOut(
                    "no start layout serves in simulation; give better starts or more time", Double.POSITIVE_INFINITY);
        }
        return new PlacementOutcome.Feasible(run.best, run.bestScore, Double.POSITIVE_INFINITY);
    }

    private final class Run {
        private final PlacementProblem problem;
        private final PlacementObjective objective;
        private final SearchControl control;
        private final Map<Layout, Double> seen = new HashMap<>();
        private final LayoutMoves moves;
        private final SplittableRandom random;
        private Layout best;
        private double bestScore;

        private Run(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
            this.problem = problem;
            this.objective = objective;
            this.control = control;
            this.random = new SplittableRandom(control.seed());
            this.moves = new LayoutMoves(problem, random);
        }

        private boolean over() {
            return control.expired() || seen.size() >= mostSimulatedLayouts;
        }

        /** Simulates a layout unless it was before. */
        private void consider(Layout layout) {
            if (over() || seen.containsKey(layout)) {
                return;
            }
            double value = score.of(problem, layout);
            seen.put(layout, value);
            if (value > bestScore * (best == null ? 1 : BETTER)) {
                best = layout;
                bestScore = value;
                control.listener()
                        .accept(new SearchProgress(
                                name(),
                                control.elapsedSeconds(),
                                Optional.of(layout),
                                value,
                                Double.POSITIVE_INFINITY));
            }
        }

        private void improve() {
            while (best != null && !over()) {
                Optional<Layout> candidate = candidate();
                if (candidate.isEmpty()) {
                    return;
                }
                consider(candidate.get());
            }
        }

        /** A new neighbour of the best layout that may be better. */
        private Optional<Layout> candidate() {
            double least = objective.value(problem, best) * WORTH_SIMULATING;
            for (int draw = 0; draw < MOST_DRAWS_PER_SIMULATION; draw++) {
                Layout changed = best;
                for (int step = 0; step <= random.nextInt(3); step++) {
                    changed = moves.change(changed);
                }
                if (!seen.containsKey(changed)
                        && objective.value(problem, changed) >= least
                        && PlacementVerifier.verify(problem, changed).isEmpty()) {
                    return Optional.of(changed);
                }
            }
            return Optional.empty();
        }
    }
}
