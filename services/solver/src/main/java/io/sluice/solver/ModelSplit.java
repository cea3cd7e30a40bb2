package io.sluice.solver;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What each model is worth on a set of nodes, remembered: the value by weight of the best layout that a short search
 * found there; negative: it does not serve, and how far it is from room for its layers. Not thread-safe.
 */
final class ModelSplit {
    private static final int MOST_REMEMBERED = 20_000;

    private final MultiModelProblem problem;
    private final PlacementObjective objective;
    private final List<Map<BitSet, Worth>> known = new ArrayList<>();
    private final List<Layout> last = new ArrayList<>();

    /** A layout and its value by the model's weight; layout null: none serves. */
    record Worth(Layout layout, double level) {}

    ModelSplit(MultiModelProblem problem, PlacementObjective objective) {
        this.problem = problem;
        this.objective = objective;
        for (int m = 0; m < problem.models(); m++) {
            known.add(new HashMap<>());
            last.add(null);
        }
    }

    /** Whether node {@code i} can be of use to model {@code m}, and no other model has it pinned. */
    boolean allowed(int m, int i) {
        for (int other = 0; other < problem.models(); other++) {
            if (other != m && problem.problem(other).pinned(i) != null) {
                return false;
            }
        }
        return problem.problem(m).maxLayers(i) > 0;
    }

    /** The nodes of model {@code m} in a split that gives node i to model {@code owner[i]}. */
    BitSet nodes(int m, int[] owner) {
        BitSet mine = new BitSet(owner.length);
        for (int i = 0; i < owner.length; i++) {
            mine.set(i, owner[i] == m && problem.problem(m).maxLayers(i) > 0);
        }
        return mine;
    }

    /** A value by weight that no layout of the model on these nodes exceeds. */
    double bound(int m, BitSet mine) {
        Worth worth = known.get(m).get(mine);
        if (worth != null) {
            return worth.level();
        }
        return room(m, mine) < problem.problem(m).layers()
                ? 0
                : objective.upperBound(only(m, mine)) / problem.weight(m);
    }

    /** The model on these nodes alone, by at most so many changes. */
    Worth worth(int m, BitSet mine, long changes, SearchControl control) {
        Worth worth = known.get(m).get(mine);
        if (worth == null) {
            worth = searched(m, mine, new LocalSearch(changes), control);
            if (known.get(m).size() < MOST_REMEMBERED) {
                known.get(m).put(mine, worth);
            }
        }
        if (worth.layout() != null) {
            last.set(m, worth.layout());
        }
        return worth;
    }

    /** Searches longer, with another method, from what is known; the better of both is remembered. */
    Worth deepened(int m, BitSet mine, PlacementMethod method, SearchControl control) {
        Worth before = known.get(m).get(mine);
        if (before != null && before.layout() != null) {
            last.set(m, before.layout());
        }
        Worth after = searched(m, mine, method, control);
        Worth better = before == null || after.level() > before.level() ? after : before;
        known.get(m).put(mine, better);
        return better;
    }

    private Worth searched(int m, BitSet mine, PlacementMethod method, SearchControl control) {
        PlacementProblem whole = problem.problem(m);
        long room = room(m, mine);
        long needed = (long) whole.layers() * whole.constraints().minReplicas();
        if (room < needed) {
            return new Worth(null, -1 + (double) room / needed);
        }
        PlacementProblem only = only(m, mine);
        if (Feasibility.explain(only).isPresent()) {
            return new Worth(null, -1e-3);
        }
        List<Layout> starts = new ArrayList<>();
        if (last.get(m) != null) {
            starts.add(within(last.get(m), mine));
        }
        SearchControl seeded = new SearchControl(
                control.seed() * 31 + mine.hashCode() * 7L + m,
                control.timeLimitNanos(),
                control.startNanos(),
                control.nanoTime(),
                control.stopped(),
                control.gapTarget(),
                starts,
                progress -> {});
        Layout layout = method.place(only, objective, seeded)
                .found()
                .filter(found -> PlacementVerifier.verify(whole, found).isEmpty())
                .orElse(null);
        return layout == null
                ? new Worth(null, -1e-3)
                : new Worth(layout, objective.value(whole, layout) / problem.weight(m));
    }

    private long room(int m, BitSet mine) {
        long room = 0;
        for (int i = mine.nextSetBit(0); i >= 0; i = mine.nextSetBit(i + 1)) {
            PlacementProblem one = problem.problem(m);
            room += one.pinned(i) != null ? one.pinned(i).size() : one.maxLayers(i);
        }
        return room;
    }

    private static Layout within(Layout layout, BitSet mine) {
        int[] first = new int[layout.nodes()];
        int[] end = new int[layout.nodes()];
        for (int i = 0; i < first.length; i++) {
            first[i] = mine.get(i) ? layout.first(i) : 0;
            end[i] = mine.get(i) ? layout.end(i) : 0;
        }
        return Layout.of(first, end);
    }

    /** The model's problem with every node but these left empty. */
    private PlacementProblem only(int m, BitSet mine) {
        return problem.problem(m).leavingEmpty(i -> !mine.get(i));
    }
}
