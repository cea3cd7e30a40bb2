package io.sluice.core.placement;

import io.sluice.core.placement.heuristics.Heuristics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Simulated annealing on the layer ranges of all nodes with the objective's exact value (Kirkpatrick et al., 1983):
 * anytime, starts from the given layouts and every heuristic, and restarts warm from the best few. A constraint that is
 * missed counts as a negative value, so the search walks back to where all hold; what it returns keeps them all.
 * Deterministic for a seed until time, gap or the user ends it. Stateless and thread-safe.
 */
public final class LocalSearch implements PlacementMethod {
    private static final int CYCLE_PER_NODE = 1_500;
    private static final int ELITE = 6;
    private static final int CLOCK_EVERY = 64;
    private static final double HOT = 0.04;
    private static final double COLD = 0.0005;

    private final long mostChanges;

    public LocalSearch() {
        this(Long.MAX_VALUE);
    }

    /** @param mostChanges changes to try at most, for results that no clock decides */
    public LocalSearch(long mostChanges) {
        this.mostChanges = mostChanges;
    }

    @Override
    public String name() {
        return "search";
    }

    @Override
    public String description() {
        return "simulated annealing on every node's layers with the exact objective, from the heuristics (Sluice)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> infeasible = Feasibility.explain(problem);
        if (infeasible.isPresent()) {
            return new PlacementOutcome.Infeasible(infeasible.get());
        }
        Run run = new Run(problem, objective, control);
        run.start();
        run.anneal(mostChanges);
        if (run.best == null) {
            return new PlacementOutcome.TimedOut(
                    "search found no layout that serves and keeps the constraints in " + run.changes
                            + " changes; allow more time or fewer constraints",
                    run.bound);
        }
        return run.bestValue >= run.bound * (1 - 1e-9)
                ? new PlacementOutcome.Optimal(run.best, run.bestValue)
                : new PlacementOutcome.Feasible(run.best, run.bestValue, run.bound);
    }

    /** A layout worth returning to. */
    private record Kept(int[] first, int[] end, double value) {}

    private static final class Run {
        private final PlacementProblem problem;
        private final SearchControl control;
        private final LayoutScore score;
        private final LayoutFlow flow;
        private final LayoutRules rules;
        private final SplittableRandom random;
        private final double bound;
        private final int[] first;
        private final int[] end;
        private final LocalMoves moves;
        private final List<Kept> elite = new ArrayList<>();
        private Layout best;
        private double bestValue;
        private long changes;

        Run(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
            this.problem = problem;
            this.control = control;
            this.score = objective.on(problem);
            this.flow = new LayoutFlow(problem);
            this.rules = new LayoutRules(problem, flow);
            this.random = new SplittableRandom(control.seed());
            this.bound = objective.upperBound(problem);
            this.first = new int[problem.nodes()];
            this.end = new int[problem.nodes()];
            this.moves = new LocalMoves(problem, first, end);
        }

        /** Value; negative: how far from serving as asked. */
        private double value() {
            double missed = rules.onlyCoverage() ? 0 : rules.missed(first, end);
            if (missed > 0) {
                return -missed;
            }
            double value = score.of(first, end);
            if (value > 0) {
                return value;
            }
            int thin = rules.thinLayers(first, end, 1);
            return -1e-3 - (double) thin / problem.layers();
        }

        void start() {
            SearchControl quiet = control.withListener(progress -> {});
            PlacementObjective scored = new Scored();
            List<Layout> starts = new ArrayList<>(control.starts());
            for (PlacementMethod rule : Heuristics.all()) {
                rule.place(problem, scored, quiet).found().ifPresent(starts::add);
            }
            for (Layout start : starts) {
                if (start.nodes() == problem.nodes()) {
                    take(start);
                    keep(value());
                }
            }
            if (elite.isEmpty()) {
                take(anyhow());
                keep(value());
            }
        }

        /** Heuristics with several layouts choose by the objective. */
        private final class Scored implements PlacementObjective {
            @Override
            public String name() {
                return "search";
            }

            @Override
            public String unit() {
                return "";
            }

            @Override
            public double value(PlacementProblem any, Layout layout) {
                take(layout);
                return Run.this.value();
            }

            @Override
            public double upperBound(PlacementProblem any) {
                return bound;
            }
        }

        /** Copies a start, made to fit and to keep pins. */
        private void take(Layout start) {
            for (int i = 0; i < first.length; i++) {
                first[i] = start.first(i);
                end[i] = Math.min(start.end(i), start.first(i) + problem.maxLayers(i));
                if (problem.pinned(i) != null) {
                    first[i] = problem.pinned(i).first();
                    end[i] = problem.pinned(i).end();
                }
            }
        }

        /** Nodes one after the other with all they can hold, round and round. */
        private Layout anyhow() {
            int[] begin = new int[first.length];
            int[] stop = new int[first.length];
            int next = 0;
            for (int i = 0; i < first.length; i++) {
                begin[i] = next;
                stop[i] = Math.min(problem.layers(), next + problem.maxLayers(i));
                next = stop[i] == problem.layers() ? 0 : stop[i];
            }
            return Layout.of(begin, stop);
        }

        void anneal(long mostChanges) {
            if (!moves.any()) {
                return;
            }
            int[] savedFirst = new int[first.length];
            int[] savedEnd = new int[first.length];
            long cycle = (long) CYCLE_PER_NODE * Math.max(8, first.length);
            int round = 0;
            while (changes < mostChanges && !done()) {
                Kept from = elite.get(round % 2 == 0 ? 0 : random.nextInt(elite.size()));
                System.arraycopy(from.first(), 0, first, 0, first.length);
                System.arraycopy(from.end(), 0, end, 0, end.length);
                double current = from.value();
                double scale = Math.max(Math.abs(current), 1e-3);
                double hot = HOT * Math.pow(0.5, round / 2 % 4) * (round == 0 ? 0.5 : 1);
                double top = current;
                for (long step = 0; step < cycle && changes < mostChanges; step++) {
                    if (changes % CLOCK_EVERY == 0 && done()) {
                        break;
                    }
                    changes++;
                    double heat = scale * hot * Math.pow(COLD / hot, (double) step / cycle);
                    System.arraycopy(first, 0, savedFirst, 0, first.length);
                    System.arraycopy(end, 0, savedEnd, 0, end.length);
                    moves.change(random);
                    if (random.nextInt(4) == 0) {
                        moves.change(random);
                    }
                    double next = value();
                    if (next >= current || random.nextDouble() < Math.exp((next - current) / heat)) {
                        current = next;
                        if (current > top) {
                            top = current;
                            keep(current);
                        }
                    } else {
                        System.arraycopy(savedFirst, 0, first, 0, first.length);
                        System.arraycopy(savedEnd, 0, end, 0, end.length);
                    }
                }
                round++;
            }
        }

        private boolean done() {
            return control.expired() || bestValue > 0 && bound <= bestValue * (1 + control.gapTarget() + 1e-9);
        }

        /** Remembers the ranges as they are, and tells of a new best. */
        private void keep(double value) {
            Kept kept = new Kept(first.clone(), end.clone(), value);
            elite.removeIf(k -> Arrays.equals(k.first(), kept.first()) && Arrays.equals(k.end(), kept.end()));
            elite.add(kept);
            elite.sort(Comparator.comparing(Kept::value).reversed());
            if (elite.size() > ELITE) {
                elite.remove(elite.size() - 1);
            }
            if (value > bestValue && value > 0) {
                Layout layout = Layout.of(first, end);
                if (PlacementVerifier.verify(problem, layout).isEmpty()) {
                    best = layout;
                    bestValue = value;
                    control.listener()
                            .accept(new SearchProgress(
                                    "search", control.elapsedSeconds(), Optional.of(best), bestValue, bound));
                }
            }
        }
    }
}
