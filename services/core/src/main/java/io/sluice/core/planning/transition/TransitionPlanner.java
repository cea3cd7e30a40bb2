package io.sluice.core.planning.transition;

import io.sluice.core.LayerRange;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.transition.TransitionPlan.Phase;
import io.sluice.core.planning.transition.TransitionStates.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Orders the changes between two layouts so that the max flow never falls below a floor.
 *
 * <p>A worker that can hold its old and its new layers together serves the old ones until it switches. One that cannot
 * first narrows to the layers that both ranges share (perhaps none), lets its sessions end, drops what is left over, and
 * then loads. A worker gets done in its own time, so a phase counts with its worst moment: every combination of changes
 * done and not yet done while at most {@value #MOST_BOTH_WAYS} workers serve before and after, otherwise all of these
 * absent. The default floor is the smaller of a share of the present flow and the target's flow; it is lowered, with a
 * sentence why, only where no order of changes keeps it, and then to {@value #RESERVE} below the best that there is:
 * speeds are measured, and a floor that equals what is expected would be missed half of the time.
 *
 * <p>The order is the widest path over single changes ({@link TransitionStates}), where it can be with the same reserve
 * above the floor; neighbours on it are merged into phases while that is kept. Deterministic. Not thread-safe.
 */
public final class TransitionPlanner {
    /** Part of the present flow that is kept. */
    public static final double DEFAULT_FLOOR_SHARE = 0.8;
    /** Part by which a measured speed may be off: an allocation is published anew when one moves by more. */
    public static final double RESERVE = 0.1;

    private static final int MOST_BOTH_WAYS = 5;
    private static final double TOLERANCE = 1e-9;

    private final TransitionStates states;
    private final PlacementProblem problem;
    private final int[] maxLayers;

    private TransitionPlanner(TransitionStates states, PlacementProblem problem, int[] maxLayers) {
        this.states = states;
        this.problem = problem;
        this.maxLayers = maxLayers;
    }

    /**
     * The phases from {@code start} to {@code target}.
     *
     * @param maxLayers layers that fit on each node at once
     * @param floorShare part of the present flow to keep, 0 to 1
     * @throws IllegalArgumentException when a node's target range does not fit
     */
    public static TransitionPlan plan(
            PlacementProblem problem, Layout start, Layout target, int[] maxLayers, double floorShare) {
        for (int node = 0; node < problem.nodes(); node++) {
            boolean changes = start.first(node) != target.first(node) || start.end(node) != target.end(node);
            if (changes && target.layers(node) > maxLayers[node]) {
                throw new IllegalArgumentException("node " + name(problem, node) + " is to hold " + target.layers(node)
                        + " layers, but at most " + maxLayers[node] + " fit");
            }
        }
        TransitionStates states = new TransitionStates(problem, start, target, maxLayers);
        return new TransitionPlanner(states, problem, maxLayers.clone()).plan(floorShare);
    }

    /**
     * The least max flow while workers go from one layout to another in one phase, in whatever order they get done,
     * tokens/s.
     */
    public static double leastFlow(PlacementProblem problem, Layout before, Layout after, int[] maxLayers) {
        TransitionStates states = new TransitionStates(problem, before, after, maxLayers);
        int[] at = states.begin();
        List<Integer> moves = IntStream.range(0, at.length).boxed().toList();
        TransitionPlanner planner = new TransitionPlanner(states, problem, maxLayers.clone());
        return Math.min(planner.worst(at, moves), states.flow(states.goal()));
    }

    private static String name(PlacementProblem problem, int node) {
        return problem.cluster().nodes().get(node).id().value();
    }

    private TransitionPlan plan(double floorShare) {
        int[] at = states.begin();
        double startFlow = states.flow(at);
        double targetFlow = states.flow(states.goal());
        double wanted = Math.min(floorShare * startFlow, targetFlow);
        double ample = Math.min(wanted / (1 - RESERVE), Math.max(wanted, Math.min(startFlow, targetFlow)));
        Path path = states.widestPath(at, ample);
        boolean lowered = path.least() < wanted * (1 - TOLERANCE);
        double floor = lowered ? (1 - RESERVE) * path.least() : wanted;
        double kept = Math.min(path.least(), ample);
        Optional<String> why = lowered ? Optional.of(reason(path, wanted)) : Optional.empty();
        List<Phase> phases = new ArrayList<>();
        List<Integer> remaining = path.moves();
        while (!remaining.isEmpty()) {
            List<Integer> prefix = compatible(at, remaining, kept, true);
            List<Integer> chosen = prefix;
            List<Integer> after = remaining.subList(prefix.size(), remaining.size());
            List<Integer> wide = compatible(at, remaining, kept, false);
            if (wide.size() > prefix.size()) {
                Path onwards = states.widestPath(states.after(at, wide), kept);
                if (onwards.least() >= kept * (1 - TOLERANCE)) {
                    chosen = wide;
                    after = onwards.moves();
                }
            }
            double flow = worst(at, chosen);
            at = states.after(at, chosen);
            List<Integer> nodes = chosen.stream().map(states::node).sorted().toList();
            phases.add(new Phase(states.layout(at), flow, nodes));
            remaining = after;
        }
        return new TransitionPlan(
                states.layout(states.begin()), states.layout(at), phases, startFlow, targetFlow, floor, why);
    }

    /** Moves of {@code order} that can be one phase: as many from its beginning on, or as many as there are. */
    private List<Integer> compatible(int[] at, List<Integer> order, double floor, boolean prefixOnly) {
        List<Integer> phase = new ArrayList<>();
        for (int mover : order) {
            if (phase.contains(mover)) {
                if (prefixOnly) {
                    return phase;
                }
                continue;
            }
            phase.add(mover);
            // One move alone keeps the floor: it is on the path.
            if (phase.size() > 1 && worst(at, phase) < floor * (1 - TOLERANCE)) {
                phase.removeLast();
                if (prefixOnly) {
                    return phase;
                }
            }
        }
        return phase;
    }

    /** Least flow while the moves are being carried out, in whatever order they get done. */
    private double worst(int[] at, List<Integer> moves) {
        List<Integer> bothWays =
                moves.stream().filter(m -> states.servesBothWays(at, m)).toList();
        if (bothWays.size() > MOST_BOTH_WAYS) {
            return states.flowWithout(at, moves);
        }
        List<Integer> absent =
                moves.stream().filter(m -> !states.servesBothWays(at, m)).toList();
        double least = Double.POSITIVE_INFINITY;
        for (int done = 0; done < 1 << bothWays.size(); done++) {
            List<Integer> switched = new ArrayList<>();
            for (int i = 0; i < bothWays.size(); i++) {
                if ((done >> i & 1) == 1) {
                    switched.add(bothWays.get(i));
                }
            }
            least = Math.min(least, states.flowWithout(states.after(at, switched), absent));
        }
        return least;
    }

    private String reason(Path path, double wanted) {
        int[] at = states.begin();
        for (int mover : path.moves()) {
            int[] next = states.after(at, List.of(mover));
            double flow = states.flow(next);
            if (flow < wanted * (1 - TOLERANCE)) {
                int node = states.node(mover);
                Layout before = states.layout(at);
                LayerRange held = new LayerRange(before.first(node), before.end(node));
                boolean narrows = states.narrows(at, mover);
                String act = narrows
                        ? " must give up layers " + held + " before it can load others (at most " + maxLayers[node]
                                + " fit)"
                        : " gives up layers " + held;
                return String.format(
                        Locale.ROOT,
                        "no order of changes keeps %.1f tokens/s: while %s%s, %.1f pass",
                        wanted,
                        name(problem, node),
                        act,
                        flow);
            }
            at = next;
        }
        return String.format(Locale.ROOT, "no order of changes keeps %.1f tokens/s", wanted);
    }
}
