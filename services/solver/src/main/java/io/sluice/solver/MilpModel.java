package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.cluster.Links;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Helix's placement program (ASPLOS'25, section 4.4): per node a start layer and one binary per number of layers held,
 * per link a flow and a switch that is on only where the ranges meet; flow is conserved, limited by what a node carries
 * with the layers it holds and by links; maximised is what leaves the source.
 *
 * <p>Beyond Helix: a node may stay empty; the flow is at most a proven bound, which makes every big-M small; nodes must
 * together work L layers at the flow; replicas are a second flow of as many disjoint pipelines; hops, price, pins. Any
 * part of the nodes can be fixed to a layout ({@link LnsPlacement}). Exact unless links are pruned. Not thread-safe.
 */
final class MilpModel implements AutoCloseable {
    private final PlacementProblem problem;
    private final PlacementConstraints asked;
    private final int layers;
    private final double mostFlow;
    private final Mip mip;
    private final MPVariable[] start;
    private final MPVariable[][] held;
    private final Layout fixedTo;
    private final boolean[] free;
    private final MPConstraint[] conserved;
    private final MPConstraint[] carried;
    private final MPConstraint[] disjoint;
    private final MPConstraint[] passedOnce;
    private final MPConstraint total;
    private final MPConstraint pipelines;

    /**
     * @param backend SCIP, HIGHS or SAT
     * @param mostFlow bound on the flow, tokens/s
     * @param links which links to use, by sender and receiver; others stay unused
     * @param fixedTo ranges of the nodes that are not free
     */
    MilpModel(
            PlacementProblem problem,
            String backend,
            double mostFlow,
            boolean[][] links,
            Layout fixedTo,
            boolean[] free) {
        this.problem = problem;
        this.asked = problem.constraints();
        this.layers = problem.layers();
        this.mostFlow = mostFlow;
        this.mip = Mip.with(backend);
        this.fixedTo = fixedTo;
        this.free = free.clone();
        int nodes = problem.nodes();
        this.start = new MPVariable[nodes];
        this.held = new MPVariable[nodes][];
        this.conserved = new MPConstraint[nodes];
        this.carried = new MPConstraint[nodes];
        this.disjoint = new MPConstraint[nodes];
        this.passedOnce = new MPConstraint[nodes];
        MPVariable flow = mip.real(0, mostFlow);
        mip.objective(flow, 1);
        this.total = mip.row(0, 0);
        total.setCoefficient(flow, -1);
        this.pipelines = asked.minReplicas() > 1 ? mip.atLeast(asked.minReplicas()) : null;
        MPConstraint work = mip.atLeast(0);
        work.setCoefficient(flow, -layers);
        MPConstraint price = asked.priceCeilingPerHour() > 0 ? mip.atMost(asked.priceCeilingPerHour()) : null;
        for (int i = 0; i < nodes; i++) {
            node(i, work, price);
        }
        for (int i = 0; i < nodes; i++) {
            edges(i, links);
        }
        if (asked.maxHops() > 0) {
            limitHops();
        }
    }

    private void node(int i, MPConstraint work, MPConstraint price) {
        int most = problem.pinned(i) != null ? problem.pinned(i).size() : problem.maxLayers(i);
        if (problem.pinned(i) != null) {
            free[i] = false;
        }
        int begins = free[i] ? 0 : begin(i);
        int holds = free[i] ? 0 : end(i) - begin(i);
        most = Math.max(most, holds);
        start[i] = mip.integer(free[i] ? 0 : begins, free[i] ? layers - 1 : begins);
        held[i] = new MPVariable[most + 1];
        MPConstraint one = mip.row(1, 1);
        MPConstraint inside = mip.atMost(layers);
        inside.setCoefficient(start[i], 1);
        conserved[i] = mip.row(0, 0);
        carried[i] = mip.atMost(0);
        if (pipelines != null) {
            disjoint[i] = mip.row(0, 0);
            passedOnce[i] = mip.atMost(0);
        }
        for (int k = 0; k <= most; k++) {
            held[i][k] = mip.integer(!free[i] && k == holds ? 1 : 0, free[i] || k == holds ? 1 : 0);
            one.setCoefficient(held[i][k], 1);
            double capacity = Math.min(problem.capacity(i, k), mostFlow);
            if (k > 0) {
                inside.setCoefficient(held[i][k], k);
                carried[i].setCoefficient(held[i][k], -capacity);
                work.setCoefficient(held[i][k], k * capacity);
                if (price != null) {
                    price.setCoefficient(held[i][k], problem.type(i).pricePerHour());
                }
                if (passedOnce[i] != null && capacity > 0) {
                    passedOnce[i].setCoefficient(held[i][k], -1);
                }
            }
        }
    }

    private int begin(int i) {
        return problem.pinned(i) != null ? problem.pinned(i).first() : fixedTo.first(i);
    }

    private int end(int i) {
        return problem.pinned(i) != null ? problem.pinned(i).end() : fixedTo.end(i);
    }

    private void edges(int i, boolean[][] links) {
        double in = useful(Links.COORDINATOR, i);
        if (in > 0 && (free[i] || begin(i) == 0 && end(i) > 0)) {
            MPVariable on = edge(Links.COORDINATOR, i, in);
            // s_i <= L (1 - d)
            MPConstraint row = mip.atMost(layers);
            row.setCoefficient(start[i], 1);
            row.setCoefficient(on, layers);
        }
        double out = useful(i, Links.COORDINATOR);
        if (out > 0 && (free[i] || end(i) == layers)) {
            MPVariable on = edge(i, Links.COORDINATOR, out);
            // L d <= e_i
            MPConstraint row = mip.atMost(0);
            row.setCoefficient(on, layers);
            addEnd(row, i, -1);
        }
        for (int j = 0; j < problem.nodes(); j++) {
            if (i == j || !links[i][j] || !(useful(i, j) > 0)) {
                continue;
            }
            if (free[i] || free[j]) {
                meet(i, j, edge(i, j, useful(i, j)));
            } else if (end(i) > begin(i) && problem.connects(end(i), begin(j), end(j))) {
                edge(i, j, useful(i, j));
            }
        }
    }

    /** What a link can carry given its ends and the bound; 0: nothing. */
    private double useful(int from, int to) {
        return Math.min(Math.min(problem.linkCapacity(from, to), mostFlow), Math.min(most(from), most(to)));
    }

    private double most(int i) {
        if (i == Links.COORDINATOR) {
            return Double.POSITIVE_INFINITY;
        }
        double most = 0;
        for (int k = 1; k < held[i].length; k++) {
            most = Math.max(most, problem.capacity(i, k));
        }
        return most;
    }

    /** A flow with its switch, in all rows of flow; returns the switch. */
    private MPVariable edge(int from, int to, double capacity) {
        MPVariable flow = mip.real(0, capacity);
        MPVariable on = mip.binary();
        MPConstraint row = mip.atMost(0);
        row.setCoefficient(flow, 1);
        row.setCoefficient(on, -capacity);
        MPVariable path = null;
        if (pipelines != null) {
            path = mip.real(0, 1);
            MPConstraint limit = mip.atMost(0);
            limit.setCoefficient(path, 1);
            limit.setCoefficient(on, -1);
        }
        if (from == Links.COORDINATOR) {
            total.setCoefficient(flow, 1);
            if (path != null) {
                pipelines.setCoefficient(path, 1);
            }
        } else {
            conserved[from].setCoefficient(flow, -1);
            if (path != null) {
                disjoint[from].setCoefficient(path, -1);
            }
        }
        if (to != Links.COORDINATOR) {
            conserved[to].setCoefficient(flow, 1);
            carried[to].setCoefficient(flow, 1);
            if (path != null) {
                disjoint[to].setCoefficient(path, 1);
                passedOnce[to].setCoefficient(path, 1);
            }
        }
        return on;
    }

    private void addEnd(MPConstraint row, int i, double factor) {
        row.setCoefficient(start[i], factor);
        for (int k = 1; k < held[i].length; k++) {
            row.setCoefficient(held[i][k], factor * k);
        }
    }

    /** On only where a pipeline can go from i to j: {@code s_j <= e_i} and {@code e_i <= s_j} or {@code e_i < e_j}. */
    private void meet(int i, int j, MPVariable on) {
        MPConstraint notBefore = mip.atMost(layers);
        notBefore.setCoefficient(on, layers);
        notBefore.setCoefficient(start[j], 1);
        addEnd(notBefore, i, -1);
        int slack = asked.partialInference() ? layers + 1 : layers;
        MPConstraint notAfter = mip.atMost(asked.partialInference() ? layers : slack);
        notAfter.setCoefficient(on, slack);
        addEnd(notAfter, i, 1);
        if (asked.partialInference()) {
            addEnd(notAfter, j, -1);
        } else {
            notAfter.setCoefficient(start[j], -1);
        }
    }

    /** Depth of every boundary is more than that of any boundary a node that ends there may be entered at. */
    private void limitHops() {
        MPVariable[] depth = new MPVariable[layers + 1];
        for (int b = 0; b <= layers; b++) {
            depth[b] = mip.real(0, b == 0 ? 0 : asked.maxHops());
        }
        for (int i = 0; i < start.length; i++) {
            MPConstraint begins = mip.row(0, 0);
            begins.setCoefficient(start[i], -1);
            for (int k = 1; k < held[i].length; k++) {
                MPConstraint holds = mip.row(0, 0);
                holds.setCoefficient(held[i][k], -1);
                for (int s = 0; s + k <= layers; s++) {
                    MPVariable here = mip.binary();
                    begins.setCoefficient(here, s);
                    holds.setCoefficient(here, 1);
                    for (int b = s; b < (asked.partialInference() ? s + k : s + 1); b++) {
                        // depth(e) >= depth(b) + 1 when the node is here
                        MPConstraint deeper = mip.atMost(asked.maxHops());
                        deeper.setCoefficient(here, asked.maxHops() + 1.0);
                        deeper.setCoefficient(depth[b], 1);
                        deeper.setCoefficient(depth[s + k], -1);
                    }
                }
            }
            // An empty node's start is of no meaning, yet the row above needs one.
            MPVariable idle = mip.real(0, layers);
            begins.setCoefficient(idle, 1);
            MPConstraint onlyIdle = mip.atMost(0);
            onlyIdle.setCoefficient(idle, 1);
            onlyIdle.setCoefficient(held[i][0], -layers);
        }
    }

    /** Where the solver shall begin. */
    void hint(Layout layout) {
        for (int i = 0; i < start.length; i++) {
            if (free[i] && layout.layers(i) < held[i].length) {
                mip.hint(start[i], layout.first(i));
                for (int k = 0; k < held[i].length; k++) {
                    mip.hint(held[i][k], k == layout.layers(i) ? 1 : 0);
                }
            }
        }
    }

    /** The layout found, if one was. */
    Optional<Layout> solve(SearchControl control, double mostSeconds) {
        if (!mip.solve(control, mostSeconds)) {
            return Optional.empty();
        }
        List<int[]> ranges = new ArrayList<>();
        for (int i = 0; i < start.length; i++) {
            int begin = (int) Math.round(start[i].solutionValue());
            int holds = 0;
            for (int k = 1; k < held[i].length; k++) {
                holds = held[i][k].solutionValue() > 0.5 ? k : holds;
            }
            ranges.add(new int[] {begin, begin + holds});
        }
        return Optional.of(Layout.of(
                ranges.stream().mapToInt(r -> r[0]).toArray(),
                ranges.stream().mapToInt(r -> r[1]).toArray()));
    }

    boolean optimal() {
        return mip.optimal();
    }

    boolean infeasible() {
        return mip.infeasible();
    }

    double bound() {
        return mip.bound();
    }

    @Override
    public void close() {
        mip.close();
    }
}
