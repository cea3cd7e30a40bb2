package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A bound on the flow of any layout that knows that nodes come in whole numbers, by column generation (Gilmore and Gomory
 * 1961, here for covers).
 *
 * <p>For a flow F every layer needs a <em>cover</em>: nodes that hold it and carry F together. Forget where layers are and
 * ask for L covers, where a node with k layers serves in k of them: if the linear program over all covers gives fewer
 * than L, no layout carries F. The largest F that passes is the bound; {@link FlowBounds} is the same without whole nodes.
 *
 * <p>Where every link between regions is slower than F and no region holds the model alone, one node cannot hand F over
 * to one node of another region; so at least one layer has two nodes at work, which costs capacity, and the bound falls
 * below F wherever there is none to spare. That is what proves the 24 machines in three regions optimal. More knowledge of
 * links would not close the gap of 5.9 % that is left at 50 synthetic machines: with every link as fast as inside a region
 * both the best flow found (4,384 tokens/s) and this bound (4,644) stay the same. It is positions that covers forget.
 *
 * <p>Capacities are rounded up to {@value #GRID} parts of F, so the bound is that much too high at most. Not thread-safe.
 */
final class CoverBound {
    private static final int GRID = 16_384;
    private static final int FINE_GRID = 1 << 19;
    /** How much better than a proven layout another could be at most, as a share. */
    static final double PROOF = 8e-6;

    private static final double PRECISION = 1e-5;
    private static final double LEAST_SHARE = 1e-4;
    private static final int MOST_ROUNDS = 400;

    private final PlacementProblem problem;
    private final List<NodeClass> classes;
    private int grid = GRID;

    CoverBound(PlacementProblem problem) {
        this.problem = problem;
        this.classes = NodeClass.of(problem);
    }

    /** Tokens/s that no layout exceeds; when the control expires early, a weaker bound. */
    double flow(SearchControl control) {
        double high = FlowBounds.flow(problem);
        if (!(high > 0) || carries(high * (1 - PRECISION), control)) {
            return high;
        }
        double low = 0;
        // Where no flow at all passes, halving would go on for ever.
        double least = high * LEAST_SHARE;
        while (high - low > PRECISION * high && high > least && !control.expired()) {
            double middle = low > 0 ? (low + high) / 2 : high * 0.9;
            if (carries(middle, control)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /**
     * A bound just above a layout's flow if it can be proven, with finer rounding; infinite if not.
     *
     * @param flow flow of a layout, tokens/s
     */
    double justAbove(double flow, SearchControl control) {
        grid = FINE_GRID;
        double above = flow * (1 + PROOF);
        return carries(above, control) ? Double.POSITIVE_INFINITY : above;
    }

    /** Whether F may be possible; true, too, when time ran out. */
    private boolean carries(double flow, SearchControl control) {
        boolean together = slowestCrossing() < flow;
        for (String region : together ? regions() : Set.<String>of()) {
            List<NodeClass> alone =
                    classes.stream().filter(c -> c.region().equals(region)).toList();
            together &= !enough(alone, flow, false, control);
        }
        return enough(classes, flow, together, control);
    }

    private Set<String> regions() {
        Set<String> regions = new TreeSet<>();
        classes.forEach(c -> regions.add(c.region()));
        return regions.size() > 1 ? regions : Set.of();
    }

    /** The widest link between two regions, tokens/s; infinite: one region. */
    private double slowestCrossing() {
        double widest = 0;
        boolean crossing = false;
        for (NodeClass a : classes) {
            for (NodeClass b : classes) {
                if (a.region().equals(b.region())) {
                    continue;
                }
                crossing = true;
                for (int u : a.members()) {
                    for (int v : b.members()) {
                        widest = Math.max(widest, problem.linkCapacity(u, v));
                    }
                }
            }
        }
        return crossing ? widest : Double.POSITIVE_INFINITY;
    }

    /** Whether the linear program finds L covers; {@code pair}: at least one of two nodes or more. */
    private boolean enough(List<NodeClass> members, double flow, boolean pair, SearchControl control) {
        double room =
                members.stream().mapToDouble(c -> c.count() * c.work(flow)).sum();
        if (room < problem.layers() * flow * (1 - 1e-9)) {
            return false;
        }
        try (Master master = new Master(members, flow, pair)) {
            for (int round = 0; round < MOST_ROUNDS; round++) {
                if (!master.program.solve(control, 10)) {
                    return true;
                }
                double found = master.program.value();
                if (found >= problem.layers() * (1 - 1e-9)) {
                    return true;
                }
                double cheapest = master.price();
                // Farley's bound: dual prices scaled until every cover costs at least 1 are feasible.
                boolean scalable = cheapest > 0 && master.pairPrice / cheapest > -Master.NO_PAIR * problem.layers();
                if (scalable && found / Math.min(1, cheapest) < problem.layers() * (1 - 1e-9)) {
                    return false;
                }
                if (cheapest > 1 - 1e-9) {
                    return found >= problem.layers() * (1 - 1e-9);
                }
            }
            return true;
        }
    }

    /** The restricted linear program: covers so far, and how many members of a class hold k layers. */
    private final class Master implements AutoCloseable {
        /** What a missing pair costs, in models. */
        private static final double NO_PAIR = 2;

        private final Mip program = Mip.linear();
        private final List<MPConstraint> served = new ArrayList<>();
        private final List<Integer> units = new ArrayList<>();
        private final MPConstraint pairs;
        private final Set<String> known = new HashSet<>();
        private double pairPrice;

        Master(List<NodeClass> members, double flow, boolean pair) {
            for (NodeClass c : members) {
                MPConstraint count = program.atMost(c.count());
                for (int k = 1; k <= c.maxLayers(); k++) {
                    if (c.capacity()[k] > 0 && (c.pinnedTo() == 0 || c.pinnedTo() == k)) {
                        MPVariable holding = program.real(0, c.count());
                        MPConstraint row = program.atMost(0);
                        count.setCoefficient(holding, 1);
                        row.setCoefficient(holding, -k);
                        served.add(row);
                        units.add((int) Math.min(grid, Math.ceil(c.capacity()[k] / flow * grid)));
                    }
                }
            }
            // So that the first program has a solution.
            pairs = pair ? program.atLeast(1) : null;
            MPVariable slack = pair ? program.real(0, 1) : null;
            if (pair) {
                pairs.setCoefficient(slack, 1);
                program.objective(slack, -NO_PAIR * problem.layers());
            }
            for (int i = 0; i < units.size(); i++) {
                int copies = (grid + units.get(i) - 1) / units.get(i);
                int[] cover = new int[units.size()];
                cover[i] = copies;
                add(cover);
                cover[i] = Math.max(2, copies);
                add(cover);
            }
        }

        private boolean add(int[] cover) {
            if (!known.add(Arrays.toString(cover))) {
                return false;
            }
            MPVariable layers = program.real(0, problem.layers());
            program.objective(layers, 1);
            int nodes = 0;
            for (int i = 0; i < cover.length; i++) {
                if (cover[i] > 0) {
                    served.get(i).setCoefficient(layers, cover[i]);
                    nodes += cover[i];
                }
            }
            if (pairs != null && nodes > 1) {
                pairs.setCoefficient(layers, 1);
            }
            return true;
        }

        /** Adds the cheapest covers at the present dual prices; returns the price of the cheapest of all. */
        double price() {
            double[] price = new double[units.size()];
            for (int i = 0; i < price.length; i++) {
                price[i] = Math.max(0, served.get(i).dualValue());
            }
            // In a maximisation the row of pairs has a dual value of at most 0: it pays for the pair.
            pairPrice = pairs == null ? 0 : Math.min(0, pairs.dualValue());
            double[] least = new double[grid + 1];
            int[] by = new int[grid + 1];
            for (int need = 1; need <= grid; need++) {
                least[need] = Double.POSITIVE_INFINITY;
                for (int i = 0; i < price.length; i++) {
                    double through = price[i] + least[Math.max(0, need - units.get(i))];
                    if (through < least[need]) {
                        least[need] = through;
                        by[need] = i;
                    }
                }
            }
            add(cover(by, grid, new int[price.length]));
            double cheapest = least[grid];
            if (pairs != null) {
                cheapest = Math.min(cheapest, pricePair(price, least, by));
            }
            return cheapest;
        }

        private double pricePair(double[] price, double[] least, int[] by) {
            int second = 0;
            for (int i = 0; i < price.length; i++) {
                second = price[i] < price[second] ? i : second;
            }
            double cheapest = Double.POSITIVE_INFINITY;
            int[] best = null;
            for (int i = 0; i < price.length; i++) {
                int rest = grid - units.get(i);
                double through = price[i] + (rest > 0 ? least[rest] : price[second]);
                if (through < cheapest) {
                    cheapest = through;
                    best = new int[price.length];
                    best[i]++;
                    if (rest > 0) {
                        cover(by, rest, best);
                    } else {
                        best[second]++;
                    }
                }
            }
            add(best);
            return cheapest + pairPrice;
        }

        private int[] cover(int[] by, int need, int[] into) {
            for (int left = need; left > 0; left -= units.get(by[left])) {
                into[by[left]]++;
            }
            return into;
        }

        @Override
        public void close() {
            program.close();
        }
    }
}
