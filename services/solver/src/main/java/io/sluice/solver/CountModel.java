package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * How many nodes of every class hold layers [s, s + k): like nodes are interchangeable, so the program has one integer per
 * class and range where {@link MilpModel} has switches per pair of nodes, and no symmetry among like nodes.
 *
 * <p>Flow is conserved per layer boundary and region. Inside a region links are taken not to bind. Between regions flow at
 * a boundary is limited by how many nodes end and begin there: a nodes before and c behind carry at most the sum of the
 * widest links of such a block. So the program is a relaxation where links differ, exact in one region of fast links;
 * its layouts are checked with the exact maximum flow. Not thread-safe.
 */
final class CountModel implements AutoCloseable {
    /** Numbers of nodes on one side of a crossing that are told apart; more count as so many. */
    private static final int MOST_APART = 4;

    private final PlacementProblem problem;
    private final PlacementConstraints asked;
    private final int layers;
    private final double mostFlow;
    private final List<NodeClass> classes;
    private final List<String> regions;
    private final Mip mip;
    private final MPVariable flow;
    private final MPConstraint source;
    private final MPConstraint pipelines;
    private final MPConstraint[] covered;
    private final MPConstraint[][] leave;
    private final MPConstraint[][] enter;
    private final MPConstraint[] disjoint;
    private final List<List<MPConstraint>> ending = new ArrayList<>();
    private final List<List<MPConstraint>> beginning = new ArrayList<>();
    private final List<Range> ranges = new ArrayList<>();
    private final MPVariable[] depth;

    /** Nodes of a class on [first, end). */
    private record Range(int classNumber, int first, int end, MPVariable count) {}

    CountModel(PlacementProblem problem, double mostFlow) {
        this.problem = problem;
        this.asked = problem.constraints();
        this.layers = problem.layers();
        this.mostFlow = mostFlow;
        this.classes = NodeClass.of(problem);
        TreeSet<String> names = new TreeSet<>();
        classes.forEach(c -> names.add(c.region()));
        this.regions = List.copyOf(names);
        this.mip = Mip.integer();
        this.flow = mip.real(0, mostFlow);
        mip.objective(flow, 1);
        this.source = mip.row(0, 0);
        source.setCoefficient(flow, -1);
        this.pipelines = asked.minReplicas() > 1 ? mip.atLeast(asked.minReplicas()) : null;
        this.covered = new MPConstraint[layers];
        for (int layer = 0; layer < layers; layer++) {
            covered[layer] = mip.atLeast(0);
            covered[layer].setCoefficient(flow, -1);
        }
        this.leave = new MPConstraint[layers + 1][regions.size()];
        this.enter = new MPConstraint[layers + 1][regions.size()];
        this.disjoint = new MPConstraint[layers + 1];
        this.depth = asked.maxHops() > 0 ? new MPVariable[layers + 1] : null;
        boundaries();
        MPConstraint price = asked.priceCeilingPerHour() > 0 ? mip.atMost(asked.priceCeilingPerHour()) : null;
        for (int c = 0; c < classes.size(); c++) {
            nodes(c, price);
        }
        if (depth != null) {
            limitHops();
        }
    }

    private void boundaries() {
        for (int b = 0; b <= layers; b++) {
            if (depth != null) {
                depth[b] = mip.real(0, b == 0 ? 0 : asked.maxHops());
            }
            for (int r = 0; r < regions.size(); r++) {
                ending.add(new ArrayList<>());
                beginning.add(new ArrayList<>());
            }
            if (b == 0 || b == layers) {
                continue;
            }
            disjoint[b] = mip.row(0, 0);
            for (int r = 0; r < regions.size(); r++) {
                leave[b][r] = mip.row(0, 0);
                enter[b][r] = mip.row(0, 0);
            }
            for (int r = 0; r < regions.size(); r++) {
                for (int q = 0; q < regions.size(); q++) {
                    crossing(b, r, q);
                }
            }
        }
    }

    private void crossing(int boundary, int from, int to) {
        MPVariable passes = mip.real(0, mostFlow);
        leave[boundary][from].setCoefficient(passes, -1);
        enter[boundary][to].setCoefficient(passes, -1);
        if (from == to) {
            return;
        }
        MPConstraint limit = mip.atMost(0);
        limit.setCoefficient(passes, 1);
        MPConstraint one = mip.atMost(1);
        MPConstraint enoughBefore = mip.atLeast(0);
        MPConstraint enoughBehind = mip.atLeast(0);
        ending.get(boundary * regions.size() + from).add(enoughBefore);
        // Behind a boundary inside a node nobody counts how many are entered.
        if (!asked.partialInference()) {
            beginning.get(boundary * regions.size() + to).add(enoughBehind);
        }
        List<double[]> cases = cases(from, to);
        for (double[] apart : cases) {
            MPVariable on = mip.binary();
            one.setCoefficient(on, 1);
            limit.setCoefficient(on, -apart[2]);
            enoughBefore.setCoefficient(on, -apart[0]);
            if (!asked.partialInference()) {
                enoughBehind.setCoefficient(on, -apart[1]);
            }
        }
    }

    /** {before, behind, most flow}: none with fewer nodes and as much flow. */
    private List<double[]> cases(int from, int to) {
        List<double[]> cases = new ArrayList<>();
        for (int before = 1; before <= MOST_APART; before++) {
            for (int behind = 1; behind <= MOST_APART; behind++) {
                int a = before == MOST_APART ? Integer.MAX_VALUE : before;
                int c = behind == MOST_APART || asked.partialInference() ? Integer.MAX_VALUE : behind;
                double most = Math.min(mostFlow, widest(from, to, a, c));
                double[] here = {before, behind, most};
                if (most > 0 && cases.stream().noneMatch(k -> k[0] <= here[0] && k[1] <= here[1] && k[2] >= most)) {
                    cases.add(here);
                }
            }
        }
        return cases;
    }

    /** No a nodes of one region and c of the other have wider links together. */
    private double widest(int from, int to, int a, int c) {
        return Math.min(
                oneSide(members(from), members(to), a, c, true), oneSide(members(to), members(from), c, a, false));
    }

    private double oneSide(List<Integer> these, List<Integer> others, int a, int c, boolean forwards) {
        return these.stream()
                .map(u -> others.stream()
                        .map(v -> forwards ? problem.linkCapacity(u, v) : problem.linkCapacity(v, u))
                        .sorted(Comparator.reverseOrder())
                        .limit(c)
                        .mapToDouble(Double::doubleValue)
                        .sum())
                .sorted(Comparator.reverseOrder())
                .limit(a)
                .mapToDouble(Double::doubleValue)
                .sum();
    }

    private List<Integer> members(int region) {
        List<Integer> members = new ArrayList<>();
        classes.stream().filter(c -> c.region().equals(regions.get(region))).forEach(c -> members.addAll(c.members()));
        return members;
    }

    private void nodes(int number, MPConstraint price) {
        NodeClass c = classes.get(number);
        MPConstraint all = mip.atMost(c.count());
        var pinned = problem.pinned(c.members().get(0));
        for (int k = 1; k <= c.maxLayers(); k++) {
            for (int s = 0; s + k <= layers; s++) {
                if (pinned != null && (s != pinned.first() || s + k != pinned.end())) {
                    continue;
                }
                range(number, s, s + k, all, price, pinned != null);
            }
        }
    }

    private void range(int number, int s, int e, MPConstraint all, MPConstraint price, boolean pinned) {
        NodeClass c = classes.get(number);
        int region = regions.indexOf(c.region());
        double capacity = Math.min(c.capacity()[e - s], mostFlow);
        MPVariable count = mip.integer(pinned ? 1 : 0, c.count());
        ranges.add(new Range(number, s, e, count));
        all.setCoefficient(count, 1);
        for (int layer = s; layer < e; layer++) {
            covered[layer].setCoefficient(count, capacity);
        }
        if (price != null) {
            price.setCoefficient(count, problem.type(c.members().get(0)).pricePerHour());
        }
        if (s > 0) {
            beginning.get(s * regions.size() + region).forEach(row -> row.setCoefficient(count, 1));
        }
        if (e < layers) {
            ending.get(e * regions.size() + region).forEach(row -> row.setCoefficient(count, 1));
        }
        MPConstraint limit = mip.atMost(0);
        limit.setCoefficient(count, -capacity);
        MPConstraint once = pipelines == null || capacity == 0 ? null : mip.atMost(0);
        if (once != null) {
            once.setCoefficient(count, -1);
        }
        for (int b = s; b < (asked.partialInference() ? e : s + 1); b++) {
            through(b, e, region, limit, once);
        }
    }

    /** Flow that enters at a boundary and leaves at the range's end. */
    private void through(int b, int e, int region, MPConstraint limit, MPConstraint once) {
        MPVariable through = mip.real(0, mostFlow);
        limit.setCoefficient(through, 1);
        MPVariable path = once == null ? null : mip.real(0, problem.nodes());
        if (path != null) {
            once.setCoefficient(path, 1);
        }
        if (b == 0) {
            source.setCoefficient(through, 1);
            if (path != null) {
                pipelines.setCoefficient(path, 1);
            }
        } else {
            enter[b][region].setCoefficient(through, 1);
            if (path != null) {
                disjoint[b].setCoefficient(path, -1);
            }
        }
        if (e < layers) {
            leave[e][region].setCoefficient(through, 1);
            if (path != null) {
                disjoint[e].setCoefficient(path, 1);
            }
        }
    }

    private void limitHops() {
        for (int s = 0; s < layers; s++) {
            for (int e = s + 1; e <= layers; e++) {
                MPVariable held = null;
                MPConstraint any = null;
                for (Range range : ranges) {
                    if (range.first() == s && range.end() == e) {
                        if (held == null) {
                            held = mip.binary();
                            any = mip.atMost(0);
                            any.setCoefficient(held, -problem.nodes());
                        }
                        any.setCoefficient(range.count(), 1);
                    }
                }
                for (int b = s; held != null && b < (asked.partialInference() ? e : s + 1); b++) {
                    MPConstraint deeper = mip.atMost(asked.maxHops());
                    deeper.setCoefficient(held, asked.maxHops() + 1.0);
                    deeper.setCoefficient(depth[b], 1);
                    deeper.setCoefficient(depth[e], -1);
                }
            }
        }
    }

    /** Where the solver shall begin. */
    void hint(Layout layout) {
        for (Range range : ranges) {
            int held = 0;
            for (int node : classes.get(range.classNumber()).members()) {
                held += layout.first(node) == range.first() && layout.end(node) == range.end() ? 1 : 0;
            }
            mip.hint(range.count(), held);
        }
    }

    /** Ranges to nodes of their class in order. */
    Optional<Layout> solve(SearchControl control, double mostSeconds) {
        if (!mip.solve(control, mostSeconds)) {
            return Optional.empty();
        }
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        int[] next = new int[classes.size()];
        for (Range range : ranges) {
            for (long n = Math.round(range.count().solutionValue()); n > 0; n--) {
                int node = classes.get(range.classNumber()).members().get(next[range.classNumber()]++);
                first[node] = range.first();
                end[node] = range.end();
            }
        }
        return Optional.of(Layout.of(first, end));
    }

    double bound() {
        return mip.bound();
    }

    boolean infeasible() {
        return mip.infeasible();
    }

    @Override
    public void close() {
        mip.close();
    }
}
