package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Method {@code lns}: large-neighbourhood search over {@link MilpModel} (Shaw 1998). All nodes but a few are fixed to the
 * best layout; the program places the few: those of a layer window, of a region, of a machine type, of the minimum cut,
 * or any. More are freed when a program is solved without gain, fewer when it is not solved in time. Starts from the
 * layouts given, else from {@link BlockPlacement}; keeps improving until gap, time or the user ends it. Layouts of equal
 * flow are taken too, as a step sideways. Beyond a few hundred nodes the program of single nodes gains nothing in minutes:
 * there the neighbourhoods are those of {@link ChainSearch}, other orders of regions. Stateless and thread-safe.
 */
public final class LnsPlacement implements PlacementMethod {
    private static final int LEAST_FREE = 3;
    private static final double PROGRAM_SECONDS = 3;
    private static final int MOST_IDLE_ROUNDS = 400;

    private final int mostRounds;

    public LnsPlacement() {
        this(Integer.MAX_VALUE);
    }

    /** @param mostRounds neighbourhoods to try at most, for results that no clock decides */
    public LnsPlacement(int mostRounds) {
        this.mostRounds = mostRounds;
    }

    @Override
    public String name() {
        return "lns";
    }

    @Override
    public String description() {
        return "large-neighbourhood search: a few machines at a time are placed anew by the mixed-integer program (Sluice)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        return BestSoFar.search(name(), problem, objective, control, best -> run(problem, best, control));
    }

    private PlacementOutcome run(PlacementProblem problem, BestSoFar best, SearchControl control) {
        best.flowBound(new CoverBound(problem).flow(SluicePlacement.forBound(control)));
        if (best.layout().isEmpty()) {
            Starts.offer(problem, best, control);
            BlockPlacement.improve(problem, best, control);
        }
        improve(problem, best, control, mostRounds);
        best.prove();
        return best.outcome("no layout to start from was found; give more time or another method");
    }

    /** Improves the layout of {@code best}, should it have one. */
    static void improve(PlacementProblem problem, BestSoFar best, SearchControl control, int mostRounds) {
        boolean small = problem.nodes() <= SluicePlacement.MOST_NODES_ONE_BY_ONE;
        if (best.layout().isPresent() && best.isFlow() && small) {
            new Run(problem, best, control).run(mostRounds);
        }
    }

    private static final class Run {
        private final PlacementProblem problem;
        private final BestSoFar best;
        private final SearchControl control;
        private final SplittableRandom random;
        private final LayoutFlow flow;
        private final boolean[][] links;
        private final List<Integer> movable = new ArrayList<>();
        private Layout layout;

        Run(PlacementProblem problem, BestSoFar best, SearchControl control) {
            this.problem = problem;
            this.best = best;
            this.control = control;
            this.random = new SplittableRandom(control.seed());
            this.flow = new LayoutFlow(problem);
            this.links = LinkPruning.keep(problem, 0);
            this.layout = best.layout().orElseThrow();
            for (int i = 0; i < problem.nodes(); i++) {
                if (problem.pinned(i) == null && problem.maxLayers(i) > 0) {
                    movable.add(i);
                }
            }
        }

        void run(int mostRounds) {
            int size = LEAST_FREE + 1;
            int idle = 0;
            for (int round = 0; round < mostRounds && idle < MOST_IDLE_ROUNDS && !best.done(); round++) {
                double before = flow.value(layout);
                boolean[] free = neighbourhood(Math.min(size, movable.size()));
                try (MilpModel model = new MilpModel(problem, "SCIP", best.bound() * (1 + 1e-9), links, layout, free)) {
                    model.hint(layout);
                    Optional<Layout> found = model.solve(control, PROGRAM_SECONDS);
                    double after = found.map(flow::value).orElse(0.0);
                    if (after >= before * (1 - 1e-9)) {
                        layout = found.orElseThrow();
                        best.offer(layout);
                    }
                    boolean better = after > before * (1 + 1e-9);
                    idle = better ? 0 : idle + 1;
                    if (!better) {
                        size = model.optimal() ? size + (idle % 4 == 0 ? 1 : 0) : Math.max(LEAST_FREE, size - 1);
                    }
                }
            }
        }

        private boolean[] neighbourhood(int size) {
            List<Integer> near = new ArrayList<>();
            switch (random.nextInt(5)) {
                case 0 -> near.addAll(window());
                case 1 -> near.addAll(alike(true));
                case 2 -> near.addAll(alike(false));
                case 3 -> near.addAll(flow.detail(layout).cutNodes());
                default -> {
                    // Any nodes at all.
                }
            }
            near.retainAll(movable);
            boolean[] free = new boolean[problem.nodes()];
            int chosen = 0;
            while (chosen < size) {
                boolean fromNear = !near.isEmpty() && random.nextInt(8) > 0;
                List<Integer> from = fromNear ? near : movable;
                int node = from.get(random.nextInt(from.size()));
                if (fromNear) {
                    near.remove(Integer.valueOf(node));
                }
                if (!free[node]) {
                    free[node] = true;
                    chosen++;
                }
            }
            return free;
        }

        private List<Integer> window() {
            int width = 1 + random.nextInt(Math.max(1, problem.layers() / 3));
            int from = random.nextInt(problem.layers());
            List<Integer> found = new ArrayList<>();
            for (int i : movable) {
                if (!layout.holds(i) || layout.first(i) < from + width && layout.end(i) > from) {
                    found.add(i);
                }
            }
            return found;
        }

        private List<Integer> alike(boolean byRegion) {
            var nodes = problem.cluster().nodes();
            var pattern = nodes.get(movable.get(random.nextInt(movable.size())));
            List<Integer> found = new ArrayList<>();
            for (int i : movable) {
                var node = nodes.get(i);
                if (byRegion
                        ? node.region().equals(pattern.region())
                        : node.type().equals(pattern.type())) {
                    found.add(i);
                }
            }
            return found;
        }
    }
}
