package io.sluice.core.planning.transition;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * The states between two layouts: for every worker that changes (a mover) how far it is, and the max flow there. A mover
 * takes one move (it switches, it drops all, or it loads) or two (it narrows, then loads). Not thread-safe.
 */
final class TransitionStates {
    /** States looked at before the search takes the best move at hand without looking back. */
    private static final int MOST_EXPANDED = 400;

    private final PlacementProblem problem;
    private final LayoutFlow flows;
    private final Layout start;
    private final List<Mover> movers = new ArrayList<>();
    private final Map<String, Double> known = new HashMap<>();

    /** A worker that changes: ranges in the order it serves them, two or three. */
    private record Mover(int node, List<int[]> ranges) {
        int moves() {
            return ranges.size() - 1;
        }

        boolean empty(int step) {
            return ranges.get(step)[0] == ranges.get(step)[1];
        }
    }

    /** Moves in order, a mover each, and the least flow of the states they lead to. */
    record Path(List<Integer> moves, double least) {}

    TransitionStates(PlacementProblem problem, Layout start, Layout target, int[] maxLayers) {
        this.problem = problem;
        this.flows = new LayoutFlow(problem);
        this.start = start;
        for (int node = 0; node < problem.nodes(); node++) {
            int[] from = {start.first(node), start.end(node)};
            int[] to = {target.first(node), target.end(node)};
            if (!Arrays.equals(from, to)) {
                movers.add(new Mover(node, ranges(from, to, maxLayers[node])));
            }
        }
    }

    private static List<int[]> ranges(int[] from, int[] to, int maxLayers) {
        boolean either = from[0] == from[1] || to[0] == to[1];
        int shared = Math.max(0, Math.min(from[1], to[1]) - Math.max(from[0], to[0]));
        int together = from[1] - from[0] + to[1] - to[0] - shared;
        if (either || together <= maxLayers) {
            return List.of(from, to);
        }
        int[] narrowed =
                shared == 0 ? new int[] {0, 0} : new int[] {Math.max(from[0], to[0]), Math.min(from[1], to[1])};
        return List.of(from, narrowed, to);
    }

    int[] begin() {
        return new int[movers.size()];
    }

    int[] goal() {
        return movers.stream().mapToInt(Mover::moves).toArray();
    }

    int node(int mover) {
        return movers.get(mover).node();
    }

    /** The state after one move of each of {@code moving}. */
    int[] after(int[] state, List<Integer> moving) {
        int[] next = state.clone();
        moving.forEach(mover -> next[mover]++);
        return next;
    }

    /** Whether a mover serves layers before and after its next move; else its absence is the worst that can be. */
    boolean servesBothWays(int[] state, int mover) {
        Mover m = movers.get(mover);
        return !m.empty(state[mover]) && !m.empty(state[mover] + 1);
    }

    /** Whether a mover's next move is the first of two. */
    boolean narrows(int[] state, int mover) {
        return state[mover] == 0 && movers.get(mover).moves() == 2;
    }

    Layout layout(int[] state) {
        Layout layout = start;
        for (int i = 0; i < state.length; i++) {
            int[] range = movers.get(i).ranges().get(state[i]);
            layout = layout.with(movers.get(i).node(), range[0], range[1]);
        }
        return layout;
    }

    double flow(int[] state) {
        return flowWithout(state, List.of());
    }

    /** Max flow of a state in which some movers serve nothing, tokens/s. */
    double flowWithout(int[] state, List<Integer> absent) {
        char[] key = new char[state.length];
        for (int i = 0; i < key.length; i++) {
            key[i] = (char) state[i];
        }
        absent.forEach(mover -> key[mover] = Character.MAX_VALUE);
        return known.computeIfAbsent(new String(key), ignored -> {
            Layout layout = layout(state);
            for (int mover : absent) {
                layout = layout.with(node(mover), 0, 0);
            }
            return flows.value(layout);
        });
    }

    private record Reached(int[] state, List<Integer> moves, double least, double flow, int order) {}

    /**
     * The order of single moves from {@code from} to the goal whose least flow is largest; flows above {@code enough}
     * count alike, and of paths that are equal so far the one that got furthest goes on. Loads of idle workers are taken
     * at once: they only add flow.
     */
    Path widestPath(int[] from, double enough) {
        Comparator<Reached> best = Comparator.comparingDouble((Reached r) -> -Math.min(r.least(), enough))
                .thenComparingInt(r -> -r.moves().size())
                .thenComparingDouble(r -> -r.flow())
                .thenComparingInt(Reached::order);
        PriorityQueue<Reached> open = new PriorityQueue<>(best);
        Set<String> seen = new HashSet<>();
        int[] goal = goal();
        int order = 0;
        open.add(settled(new Reached(from, List.of(), Double.POSITIVE_INFINITY, flow(from), order++)));
        for (int expanded = 0; !open.isEmpty(); expanded++) {
            Reached at = open.poll();
            if (Arrays.equals(at.state(), goal)) {
                return new Path(at.moves(), at.least());
            }
            if (!seen.add(Arrays.toString(at.state()))) {
                continue;
            }
            if (expanded >= MOST_EXPANDED) {
                open.clear();
            }
            List<Reached> next = new ArrayList<>();
            for (int mover = 0; mover < goal.length; mover++) {
                if (at.state()[mover] < goal[mover]) {
                    next.add(settled(moved(at, mover, order++)));
                }
            }
            if (expanded >= MOST_EXPANDED) {
                open.add(Collections.min(next, best));
            } else {
                open.addAll(next);
            }
        }
        throw new IllegalStateException(
                "no path between layouts of " + problem.cluster().name());
    }

    private Reached moved(Reached at, int mover, int order) {
        int[] state = after(at.state(), List.of(mover));
        List<Integer> moves = new ArrayList<>(at.moves());
        moves.add(mover);
        double flow = flow(state);
        return new Reached(state, moves, Math.min(at.least(), flow), flow, order);
    }

    /** Takes the loads that are possible. */
    private Reached settled(Reached reached) {
        int[] state = reached.state();
        List<Integer> moves = new ArrayList<>(reached.moves());
        for (int mover = 0; mover < state.length; mover++) {
            Mover m = movers.get(mover);
            if (state[mover] < m.moves() && m.empty(state[mover])) {
                state = after(state, List.of(mover));
                moves.add(mover);
            }
        }
        return moves.size() == reached.moves().size()
                ? reached
                : new Reached(state, moves, reached.least(), flow(state), reached.order());
    }
}
