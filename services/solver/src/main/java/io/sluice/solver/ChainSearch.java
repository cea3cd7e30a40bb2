package io.sluice.solver;

import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The pipeline of largest flow through all nodes of a problem with several regions of many nodes ({@link ChainProgram}):
 * the linear program says which flow there can be at most, the integer program is asked for parts of it from above until
 * one succeeds; then other orders of the regions are asked for a little more. Not thread-safe.
 */
final class ChainSearch {
    private static final double[] SHARES = {0.99, 0.98, 0.97, 0.96, 0.945, 0.93, 0.91, 0.88, 0.84, 0.78, 0.7, 0.55, 0.4
    };
    private static final double RELAXED_PRECISION = 3e-3;
    private static final double PRECISION = 1e-3;
    /** By how much a target is above the best flow, as a share. */
    private static final double FIRST_STEP = 6e-3;

    private static final double LEAST_STEP = 7e-4;
    /** Into so many parts the time is cut for integer programs. */
    private static final int PROGRAMS = 12;

    private static final double MOST_PROGRAM_SECONDS = 10;
    private static final int MOST_ORDERS = 40;
    private static final int MOST_SWAPS = 3_000;

    private final PlacementProblem problem;
    private final SearchControl control;
    private final LayoutFlow flow;
    private final double until;
    private final BooleanSupplier done;
    private final double programSeconds;
    private Found best;
    private Consumer<Found> better = found -> {};

    /** Ranges and their flow, tokens/s. */
    record Found(int[] first, int[] end, double flow) {}

    /**
     * @param until on the control's clock, when to come back
     * @param done whether what was found is enough
     */
    ChainSearch(PlacementProblem problem, SearchControl control, double until, BooleanSupplier done) {
        this.done = done;
        this.problem = problem;
        this.control = control;
        this.until = until;
        this.flow = new LayoutFlow(problem);
        this.programSeconds = Math.clamp((until - control.elapsedSeconds()) / PROGRAMS, 1, MOST_PROGRAM_SECONDS);
    }

    private boolean late() {
        return done.getAsBoolean() || control.expired() || control.elapsedSeconds() >= until;
    }

    /** The best ranges found, each better one told to {@code better}; flow 0: none. */
    Found run(Consumer<Found> better) {
        Map<String, List<NodeClass>> byRegion = new LinkedHashMap<>();
        for (NodeClass c : NodeClass.of(problem)) {
            if (c.pinnedTo() == 0) {
                byRegion.computeIfAbsent(c.region(), r -> new ArrayList<>()).add(c);
            }
        }
        List<List<NodeClass>> regions = new ArrayList<>(byRegion.values());
        best = new Found(new int[problem.nodes()], new int[problem.nodes()], 0);
        this.better = better;
        if (!regions.isEmpty()) {
            ChainProgram program = new ChainProgram(problem, regions, this::meanLink);
            descend(program, relaxed(program));
            Set<List<List<NodeClass>>> tried = new HashSet<>(List.of(regions));
            SplittableRandom random = new SplittableRandom(control.seed());
            for (int order = 0; order < MOST_ORDERS && best.flow > 0 && !late(); order++) {
                List<List<NodeClass>> other = shuffled(regions, random);
                if (tried.add(other)) {
                    climb(new ChainProgram(problem, other, this::meanLink));
                }
            }
        }
        return best;
    }

    /** Parts of the flow from above until one is found, then halving in. */
    private void descend(ChainProgram program, double high) {
        double failed = high;
        for (double share : SHARES) {
            if (best.flow > 0 || late() || !(high > 0)) {
                break;
            }
            failed = attempt(program, high * share) ? failed : high * share;
        }
        while (best.flow > 0 && failed - best.flow > PRECISION * failed && !late()) {
            double middle = (best.flow + failed) / 2;
            failed = attempt(program, middle) ? failed : middle;
        }
    }

    /** A little more than the best, as long as that is found. */
    private void climb(ChainProgram program) {
        double step = FIRST_STEP;
        while (step >= LEAST_STEP && !late()) {
            double target = best.flow * (1 + step);
            step = program.layers(target, control) >= problem.layers() && attempt(program, target) ? step : step / 2;
        }
    }

    private static <T> List<T> shuffled(List<T> all, SplittableRandom random) {
        List<T> order = new ArrayList<>(all);
        for (int i = order.size() - 1; i > 0; i--) {
            Collections.swap(order, i, random.nextInt(i + 1));
        }
        return order;
    }

    /** The largest flow whose linear program has a solution, or a little more. */
    private double relaxed(ChainProgram program) {
        double high = FlowBounds.flow(problem);
        double low = 0;
        while (high - low > RELAXED_PRECISION * high && high > 0 && !late()) {
            double middle = low > 0 ? (low + high) / 2 : high * 0.95;
            if (program.layers(middle, control) >= problem.layers()) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /** Whether a layout of this flow was found; the best one is kept. */
    private boolean attempt(ChainProgram program, double target) {
        var blocks = program.solve(target, control, programSeconds);
        if (blocks.isEmpty()) {
            return false;
        }
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        new BlockWriter(problem, first, end).write(blocks.get());
        double value = new CrossingSwaps(problem, flow, control).improve(first, end, target, MOST_SWAPS);
        if (value > best.flow) {
            best = new Found(first, end, value);
            better.accept(best);
        }
        return value >= target * (1 - 1e-9);
    }

    private double meanLink(List<NodeClass> from, List<NodeClass> to) {
        double sum = 0;
        int pairs = 0;
        for (NodeClass a : from) {
            for (NodeClass b : to) {
                for (int u : a.members()) {
                    for (int v : b.members()) {
                        sum += problem.linkCapacity(u, v);
                        pairs++;
                    }
                }
            }
        }
        return sum / pairs;
    }
}
