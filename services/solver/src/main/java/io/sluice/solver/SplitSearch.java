package io.sluice.solver;

import io.sluice.core.cluster.Node;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelVerifier;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import io.sluice.solver.ModelSplit.Worth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/** One run of {@link MultiModelPlacement}. Not thread-safe. */
final class SplitSearch {
    private static final int FEW_SPLITS = 512;
    private static final double TURN = 0.5;
    private static final double WORTH_A_ROUND_SECONDS = 1;
    private static final double BETTER = 1e-9;

    private final MultiModelProblem problem;
    private final SearchControl control;
    private final long changes;
    private final long mostSplits;
    private final ModelSplit split;
    private final double bound;
    private final SplittableRandom random;
    private long splits;
    private int[] best;
    private List<Worth> bestWorth = List.of();

    SplitSearch(
            MultiModelProblem problem,
            PlacementObjective objective,
            SearchControl control,
            long changes,
            long mostSplits) {
        this.problem = problem;
        this.control = control;
        this.changes = changes;
        this.mostSplits = mostSplits;
        this.split = new ModelSplit(problem, objective);
        this.random = new SplittableRandom(control.seed());
        double most = Double.POSITIVE_INFINITY;
        for (int m = 0; m < problem.models(); m++) {
            most = Math.min(most, objective.upperBound(problem.problem(m)) / problem.weight(m));
        }
        this.bound = objective.name().equals("flow") ? Math.min(most, MultiModelBounds.concurrentFlow(problem)) : most;
    }

    MultiModelOutcome run(PlacementMethod method) {
        List<int[]> starts = SplitStarts.of(problem, split, MultiModelBounds.concurrentFlow(problem));
        boolean all = few(starts.get(0));
        boolean first = true;
        do {
            SearchControl turn = within(control.remainingSeconds() * TURN);
            if (first) {
                starts.forEach(start -> offer(start, turn));
            }
            if (all) {
                tryAll(starts.get(0).clone(), 0, turn);
            } else {
                walk(turn);
            }
            polish(method);
            first = false;
        } while (!all && !done(control) && control.remainingSeconds() > WORTH_A_ROUND_SECONDS);
        return outcome(all);
    }

    private MultiModelOutcome outcome(boolean all) {
        int worst = worst(bestWorth);
        if (!(bestWorth.get(worst).level() > 0)) {
            return new MultiModelOutcome.TimedOut("no pipeline was found for model " + problem.name(worst)
                    + " beside the"
                    + " others in " + splits + " splits of the nodes"
                    + (all ? "" : " tried in time; give more time") + "; add machines or links, or drop a constraint");
        }
        List<Layout> layouts = bestWorth.stream().map(Worth::layout).toList();
        List<String> wrong = MultiModelVerifier.verify(problem, layouts);
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("the search made a placement that the verifier refuses: " + wrong.get(0));
        }
        List<Double> values = new ArrayList<>();
        for (int m = 0; m < problem.models(); m++) {
            values.add(bestWorth.get(m).level() * problem.weight(m));
        }
        double level = bestWorth.get(worst).level();
        return new MultiModelOutcome.Found(layouts, values, level, Math.max(bound, level), splits);
    }

    /** Whether the nodes that could be another model's allow only few splits. */
    private boolean few(int[] start) {
        double count = 1;
        for (int i = 0; i < start.length && count <= FEW_SPLITS; i++) {
            count *= Math.max(1, owners(i).size());
        }
        return count <= Math.min(FEW_SPLITS, mostSplits);
    }

    private List<Integer> owners(int i) {
        List<Integer> owners = new ArrayList<>();
        for (int m = 0; m < problem.models(); m++) {
            if (split.allowed(m, i)) {
                owners.add(m);
            }
        }
        return owners;
    }

    private void tryAll(int[] owner, int node, SearchControl turn) {
        if (node == owner.length) {
            offer(owner, turn);
            return;
        }
        List<Integer> owners = owners(node);
        if (owners.isEmpty()) {
            tryAll(owner, node + 1, turn);
        }
        for (int m : owners) {
            if (!turn.expired()) {
                owner[node] = m;
                tryAll(owner, node + 1, turn);
            }
        }
    }

    /** Downhill from the best split, then from changed copies of it, until the turn is over. */
    private void walk(SearchControl turn) {
        descend(best.clone(), turn);
        while (!done(turn)) {
            int[] kicked = best.clone();
            int kicks = 2 + random.nextInt(3);
            for (int k = 0; k < kicks; k++) {
                int node = random.nextInt(kicked.length);
                List<Integer> owners = owners(node);
                if (!owners.isEmpty()) {
                    kicked[node] = owners.get(random.nextInt(owners.size()));
                }
            }
            descend(kicked, turn);
        }
    }

    private void descend(int[] owner, SearchControl turn) {
        List<Worth> worth = offer(owner, turn);
        boolean better = true;
        while (better && !done(turn)) {
            better = false;
            for (int[] next : neighbours(owner, worst(worth))) {
                if (done(turn)) {
                    return;
                }
                if (!promising(next, owner, worth)) {
                    continue;
                }
                List<Worth> found = offer(next, turn);
                if (compare(found, worth) > 0) {
                    owner = next;
                    worth = found;
                    better = true;
                    break;
                }
            }
        }
    }

    /** Splits that give the poorest model one node more, or one for another; of equal machines one is tried. */
    private List<int[]> neighbours(int[] owner, int poor) {
        List<int[]> all = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < owner.length; i++) {
            if (owner[i] == poor || !split.allowed(poor, i)) {
                continue;
            }
            if (seen.add(owner[i] + "<" + kind(i))) {
                int[] moved = owner.clone();
                moved[i] = poor;
                all.add(moved);
            }
            for (int j = 0; j < owner.length && owner[i] >= 0; j++) {
                if (owner[j] == poor
                        && split.allowed(owner[i], j)
                        && !kind(i).equals(kind(j))
                        && seen.add(owner[i] + "<" + kind(i) + "<" + kind(j))) {
                    int[] swapped = owner.clone();
                    swapped[i] = poor;
                    swapped[j] = owner[i];
                    all.add(swapped);
                }
            }
        }
        for (int i = all.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int[] other = all.get(i);
            all.set(i, all.get(j));
            all.set(j, other);
        }
        return all;
    }

    private String kind(int i) {
        Node node = problem.cluster().nodes().get(i);
        return node.type() + "@" + node.region();
    }

    /** Whether bounds leave room for a model worst off that is better off than now. */
    private boolean promising(int[] next, int[] owner, List<Worth> worth) {
        double least = worth.get(worst(worth)).level();
        for (int m = 0; m < problem.models() && least > 0; m++) {
            BitSet mine = split.nodes(m, next);
            if (!mine.equals(split.nodes(m, owner)) && split.bound(m, mine) <= least) {
                return false;
            }
        }
        return true;
    }

    private List<Worth> offer(int[] owner, SearchControl turn) {
        splits++;
        List<Worth> worth = new ArrayList<>();
        for (int m = 0; m < problem.models(); m++) {
            worth.add(split.worth(m, split.nodes(m, owner), changes, turn));
        }
        keep(owner, worth);
        return worth;
    }

    private void keep(int[] owner, List<Worth> worth) {
        if (best != null && compare(worth, bestWorth) <= 0) {
            return;
        }
        best = owner.clone();
        bestWorth = List.copyOf(worth);
        double level = worth.get(worst(worth)).level();
        if (level > 0) {
            control.listener()
                    .accept(new SearchProgress(
                            "split", control.elapsedSeconds(), Optional.empty(), level, Math.max(bound, level)));
        }
    }

    /** More search for the models of the best split, the poorest first. */
    private void polish(PlacementMethod method) {
        int[] owner = best.clone();
        List<Worth> worth = new ArrayList<>(bestWorth);
        Integer[] order = new Integer[worth.size()];
        Arrays.setAll(order, m -> m);
        Arrays.sort(
                order,
                (a, b) -> Double.compare(worth.get(a).level(), worth.get(b).level()));
        for (int done = 0; done < order.length && !control.expired(); done++) {
            int m = order[done];
            SearchControl turn = within(control.remainingSeconds() * TURN / (order.length - done));
            worth.set(m, split.deepened(m, split.nodes(m, owner), method, turn));
            keep(owner, worth);
        }
    }

    private static int worst(List<Worth> worth) {
        int worst = 0;
        for (int m = 1; m < worth.size(); m++) {
            worst = worth.get(m).level() < worth.get(worst).level() ? m : worst;
        }
        return worst;
    }

    /** By the least value by weight, then the next. */
    private static int compare(List<Worth> a, List<Worth> b) {
        double[] left = a.stream().mapToDouble(Worth::level).sorted().toArray();
        double[] right = b.stream().mapToDouble(Worth::level).sorted().toArray();
        for (int i = 0; i < left.length; i++) {
            if (Math.abs(left[i] - right[i]) > BETTER * Math.abs(right[i])) {
                return Double.compare(left[i], right[i]);
            }
        }
        return 0;
    }

    private boolean done(SearchControl turn) {
        double level = bestWorth.isEmpty() ? 0 : bestWorth.get(worst(bestWorth)).level();
        return turn.expired()
                || splits >= mostSplits
                || level > 0 && bound <= level * (1 + control.gapTarget() + BETTER);
    }

    private SearchControl within(double seconds) {
        return new SearchControl(
                control.seed(),
                Math.round(Math.min(seconds, 1e9) * 1e9),
                control.nanoTime().getAsLong(),
                control.nanoTime(),
                control.stopped(),
                control.gapTarget(),
                List.of(),
                progress -> {});
    }
}
