package io.sluice.launcher.bench;

import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.FlowCost;
import io.sluice.core.planning.FlowSolver;
import io.sluice.core.planning.WorkerGraph;
import io.sluice.launcher.UserException;
import io.sluice.solver.PlacementCatalogue;
import io.sluice.solver.SyntheticClusters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How solving grows with the cluster: max-flow solved again, and placement against its bound. */
final class ScalePart {
    private static final int SOLVES = 40;
    private static final int WARM_UP_SOLVES = 20;
    private static final long SEED = 7;

    private ScalePart() {}

    static void run(HelixCases cases, Bench.Setting setting, BenchReport report) {
        resolve(cases, setting, report);
        PlacementProblem like = cases.of("single24", HelixCases.LLAMA_70B).problem();
        setting.out()
                .printf(
                        Locale.ROOT,
                        "%nplacement by size, objective flow, synthetic clusters in the mix of single24%n  %6s %8s %10s %10s %7s %10s %10s%n",
                        "nodes",
                        "limit s",
                        "flow",
                        "bound",
                        "gap",
                        "5 % after",
                        "10 % after");
        int[] sizes = setting.quick() ? new int[] {24, 50, 100, 200} : new int[] {24, 50, 100, 200, 500, 1000};
        for (int nodes : sizes) {
            double limit = limit(nodes, setting.quick());
            setting.progress(nodes + " nodes, at most " + Math.round(limit) + " s");
            Placed placed = place(SyntheticClusters.of(like, nodes, SEED), limit);
            placed.print(nodes, limit, setting);
            String name = "scale.placement." + nodes;
            String target = nodes == 200 ? "<= 0.05" : nodes == 1000 ? "<= 0.1" : null;
            report.add(name + ".gap", "ratio", placed.gap(), null, target);
            report.add(name + ".seconds", "s", placed.seconds());
        }
    }

    private static double limit(int nodes, boolean quick) {
        if (nodes < 200) {
            return quick ? 10 : 20;
        }
        return nodes == 200 ? 60 : nodes <= 500 ? 120 : 300;
    }

    /** What a search reached; times are infinite when a gap was not reached. */
    private record Placed(double flow, double bound, double seconds, double fivePercent, double tenPercent) {
        double gap() {
            return flow > 0 ? Math.max(0, bound / flow - 1) : Double.POSITIVE_INFINITY;
        }

        void print(int nodes, double limit, Bench.Setting setting) {
            setting.out()
                    .printf(
                            Locale.ROOT,
                            "  %6d %8.0f %,10.0f %,10.0f %5.1f %% %10s %10s%n",
                            nodes,
                            limit,
                            flow,
                            bound,
                            100 * gap(),
                            time(fivePercent),
                            time(tenPercent));
            setting.out().flush();
        }

        private static String time(double seconds) {
            return Double.isInfinite(seconds) ? "-" : String.format(Locale.ROOT, "%.1f s", seconds);
        }
    }

    private static Placed place(PlacementProblem problem, double limitSeconds) {
        double[] reached = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
        PlacementMethod method = PlacementCatalogue.byName("sluice");
        SearchControl control = SearchControl.of(SEED, limitSeconds, System::nanoTime)
                .withListener(progress -> note(progress, reached));
        PlacementOutcome outcome = method.place(problem, Objectives.byName("flow"), control);
        double seconds = control.elapsedSeconds();
        return switch (outcome) {
            case PlacementOutcome.Optimal o -> {
                verify(problem, o);
                yield new Placed(
                        o.value(), o.value(), seconds, Math.min(reached[0], seconds), Math.min(reached[1], seconds));
            }
            case PlacementOutcome.Feasible f -> {
                verify(problem, f);
                yield new Placed(f.value(), f.bound(), seconds, reached[0], reached[1]);
            }
            case PlacementOutcome.Infeasible i -> throw new UserException(i.reason());
            case PlacementOutcome.TimedOut t -> new Placed(0, t.bound(), seconds, reached[0], reached[1]);
        };
    }

    private static synchronized void note(SearchProgress progress, double[] reached) {
        if (progress.gap() <= 0.05) {
            reached[0] = Math.min(reached[0], progress.elapsedSeconds());
        }
        if (progress.gap() <= 0.1) {
            reached[1] = Math.min(reached[1], progress.elapsedSeconds());
        }
    }

    private static void verify(PlacementProblem problem, PlacementOutcome outcome) {
        List<String> wrong = PlacementVerifier.verify(problem, outcome.found().orElseThrow());
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("a placement was refused by the verifier: " + wrong.get(0));
        }
    }

    /** The answer that live planning takes, and the flow of least cost whatever time it needs, in turns. */
    private static void resolve(HelixCases cases, Bench.Setting setting, BenchReport report) {
        setting.out()
                .printf(
                        Locale.ROOT,
                        "%nmax-flow solved again after every tenth capacity changed: as live, and of least cost at any"
                                + " size%n");
        for (int workers : new int[] {24, 100, 200, 300, 1000}) {
            Solved live = new Solved(new FlowSolver(cases.solver()));
            Solved exact = new Solved(FlowSolver.exact(cases.solver()));
            for (int i = 0; i < WARM_UP_SOLVES + SOLVES; i++) {
                WorkerGraph graph = SyntheticClusters.graph(workers, SEED, i % 2 == 0 ? 0.1 : -0.1);
                live.solve(graph, i);
                exact.solve(graph, i);
            }
            double more = live.costPerToken() / exact.costPerToken() - 1;
            setting.out()
                    .printf(
                            Locale.ROOT,
                            "  %5d workers %,7d edges: %6.2f ms, %,.0f tokens/s, cost %+.2f %%; least cost %7.2f ms%n",
                            workers,
                            exact.last.edges().size(),
                            Medians.median(live.millis),
                            live.last.maxFlow(),
                            100 * more,
                            Medians.median(exact.millis));
            String goal = workers == 1000 ? "<= 20" : null;
            report.add("scale.max_flow." + workers, "ms", Medians.median(live.millis), null, goal);
            report.add("scale.max_flow_least_cost." + workers, "ms", Medians.median(exact.millis), null, null);
            report.add("scale.max_flow_cost_above_least." + workers, "ratio", more, null, null);
        }
    }

    /** Times of one solver, the first solves left out. */
    private static final class Solved {
        private final FlowSolver solver;
        private final List<Double> millis = new ArrayList<>();
        private Allocation last;

        Solved(FlowSolver solver) {
            this.solver = solver;
        }

        void solve(WorkerGraph graph, int round) {
            long began = System.nanoTime();
            last = solver.solve(graph, round + 1);
            if (round >= WARM_UP_SOLVES) {
                millis.add((System.nanoTime() - began) / 1e6);
            }
        }

        double costPerToken() {
            return FlowCost.of(last).total() / last.maxFlow();
        }
    }
}
