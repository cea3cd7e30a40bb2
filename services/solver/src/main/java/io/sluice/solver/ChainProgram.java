package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * One pipeline for a given flow through regions that have many nodes each, one region after the other: how often each
 * {@link Block} is used, as one integer program over all regions. Where regions meet, the last block of one has rows
 * enough for the first of the next and the other way round, so that the flow gets through the slow links between every
 * pair of rows. The linear program over all blocks says which ones may be of use (those of least reduced cost); the
 * integer program has only these. Not thread-safe.
 */
final class ChainProgram {
    private static final int KEPT_PER_WIDTH = 120;
    private static final int KEPT_PER_BORDER_WIDTH = 60;
    private static final int INNER_PRICED = 80;
    private static final int BORDER_PRICED = 40;
    /** Rows more than the square root of what is needed that are tried on either side of a crossing. */
    private static final int MORE_ROWS = 1;

    private static final int WIDEST = 8;
    private static final int WIDEST_BORDER = 3;

    private final PlacementProblem problem;
    private final List<List<NodeClass>> regions;
    private final BlockProgram.Crossing crossing;

    /** @param crossing the mean link from one region to the next, tokens/s */
    ChainProgram(PlacementProblem problem, List<List<NodeClass>> regions, BlockProgram.Crossing crossing) {
        this.problem = problem;
        this.regions = regions;
        this.crossing = crossing;
    }

    private enum Role {
        BEGIN,
        INNER,
        END,
        MIXED
    }

    /** Rows before and behind a crossing, and whether a block of both regions is between them. */
    private record Rows(int before, int behind, boolean mixed) {}

    /** A block as it may be used; {@code rows} is null inside a region. */
    private record Column(int region, Role role, Rows rows, Block block) {}

    /** Columns for a flow with the reduced costs of the linear program. */
    private record Priced(List<Column> columns, double[] away, double layers) {}

    /** Layers that fractions of blocks could carry the flow through; 0: time ran out. */
    double layers(double flow, SearchControl control) {
        return price(flow, control).layers;
    }

    /** Blocks in order that hold at least all layers; empty: none found in time, or there are none. */
    Optional<List<BlockProgram.Placed>> solve(double flow, SearchControl control, double mostSeconds) {
        Priced priced = price(flow, control);
        if (priced.layers < problem.layers()) {
            return Optional.empty();
        }
        List<Column> columns = cheapest(priced);
        try (Mip mip = Mip.integer()) {
            List<MPVariable> used = build(mip, columns, problem.layers());
            if (!mip.solve(control, mostSeconds)) {
                return Optional.empty();
            }
            return read(columns, used);
        }
    }

    private Priced price(double flow, SearchControl control) {
        List<Column> columns = columns(flow);
        double[] away = new double[columns.size()];
        try (Mip mip = Mip.linear()) {
            List<MPVariable> used = build(mip, columns, Double.POSITIVE_INFINITY);
            if (columns.isEmpty() || !mip.solve(control, Double.MAX_VALUE)) {
                return new Priced(columns, away, 0);
            }
            for (int i = 0; i < away.length; i++) {
                MPVariable variable = used.get(i);
                away[i] = variable.solutionValue() > 0 ? 0 : Math.abs(variable.reducedCost());
            }
            return new Priced(columns, away, mip.value());
        }
    }

    private List<Column> cheapest(Priced priced) {
        List<Column> kept = new ArrayList<>();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < priced.away.length; i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingDouble(i -> priced.away[i]));
        int[][] count = new int[regions.size()][Role.values().length];
        for (int i : order) {
            Column column = priced.columns.get(i);
            int most = column.role == Role.INNER ? INNER_PRICED : BORDER_PRICED;
            if (count[column.region][column.role.ordinal()]++ < most) {
                kept.add(column);
            }
        }
        return kept;
    }

    private List<Column> columns(double flow) {
        int replicas = problem.constraints().minReplicas();
        List<Column> columns = new ArrayList<>();
        for (int r = 0; r < regions.size(); r++) {
            int region = r;
            Block.all(regions.get(r), flow, replicas, WIDEST, KEPT_PER_WIDTH, Double.POSITIVE_INFINITY, b -> true)
                    .forEach(block -> columns.add(new Column(region, Role.INNER, null, block)));
            if (r + 1 < regions.size()) {
                double link = crossing.link(regions.get(r), regions.get(r + 1));
                for (Rows rows : rows(flow, link)) {
                    border(columns, r, Role.END, rows, flow, link);
                    border(columns, r + 1, Role.BEGIN, rows, flow, link);
                    if (rows.mixed) {
                        mixed(columns, r, rows, flow, link);
                    }
                }
            }
        }
        return columns;
    }

    private static List<Rows> rows(double flow, double link) {
        int least = (int) Math.ceil(Math.sqrt(flow / link));
        List<Rows> rows = new ArrayList<>();
        for (int before = least - 1; before <= least + MORE_ROWS; before++) {
            for (int behind = least - 1; behind <= least + MORE_ROWS; behind++) {
                if (before > 0 && behind > 0 && before * behind * link >= flow && Math.abs(before - behind) <= 1) {
                    rows.add(new Rows(before, behind, false));
                }
            }
        }
        for (int same = Math.max(1, (least + 1) / 2); same <= least; same++) {
            rows.add(new Rows(same, same, true));
        }
        return rows;
    }

    private void border(List<Column> columns, int region, Role role, Rows rows, double flow, double link) {
        int own = role == Role.END ? rows.before : rows.behind;
        int others = role == Role.END ? rows.behind : rows.before;
        Block.all(
                        regions.get(region),
                        flow,
                        Math.max(problem.constraints().minReplicas(), own),
                        WIDEST_BORDER,
                        KEPT_PER_BORDER_WIDTH,
                        rows.mixed ? Double.POSITIVE_INFINITY : 2 * link * others,
                        b -> rows.mixed || b.partners(flow, link) <= others)
                .forEach(block -> columns.add(new Column(region, role, rows, block)));
    }

    /** Blocks with rows in both regions: part of the flow crosses into them, the rest out of them. */
    private void mixed(List<Column> columns, int region, Rows rows, double flow, double link) {
        int early = regions.get(region).size();
        Block.all(
                        classes(region, Role.MIXED),
                        flow,
                        problem.constraints().minReplicas(),
                        WIDEST_BORDER,
                        KEPT_PER_BORDER_WIDTH,
                        link * rows.before,
                        b -> b.rows().stream().anyMatch(row -> row.classNumber() < early)
                                && b.rows().stream().anyMatch(row -> row.classNumber() >= early))
                .forEach(block -> columns.add(new Column(region, Role.MIXED, rows, block)));
    }

    /** Classes a column's rows are numbered by. */
    private List<NodeClass> classes(int region, Role role) {
        if (role != Role.MIXED) {
            return regions.get(region);
        }
        List<NodeClass> both = new ArrayList<>(regions.get(region));
        both.addAll(regions.get(region + 1));
        return both;
    }

    /** Rows of the program. */
    private final class Limits {
        private final Mip mip;
        private final MPConstraint held;
        private final List<MPConstraint[]> counts = new ArrayList<>();
        private final List<MPConstraint> one = new ArrayList<>();
        private final List<List<Rows>> known = new ArrayList<>();
        private final List<List<MPConstraint>> begun = new ArrayList<>();
        private final List<List<MPConstraint>> between = new ArrayList<>();

        Limits(Mip mip) {
            this.mip = mip;
            this.held = mip.atMost(0);
            for (int r = 0; r < regions.size(); r++) {
                MPConstraint[] ofClass = new MPConstraint[regions.get(r).size()];
                for (int c = 0; c < ofClass.length; c++) {
                    ofClass[c] = mip.atMost(regions.get(r).get(c).count());
                }
                counts.add(ofClass);
                one.add(r + 1 < regions.size() ? mip.row(1, 1) : null);
                known.add(new ArrayList<>());
                begun.add(new ArrayList<>());
                between.add(new ArrayList<>());
            }
        }

        void add(Column column, MPVariable variable) {
            held.setCoefficient(variable, -column.block.width());
            int own = regions.get(column.region).size();
            for (int c = 0; c < column.block.used().length; c++) {
                if (column.block.used()[c] > 0) {
                    MPConstraint count =
                            c < own ? counts.get(column.region)[c] : counts.get(column.region + 1)[c - own];
                    count.setCoefficient(variable, column.block.used()[c]);
                }
            }
            if (column.role != Role.INNER) {
                cross(column, variable);
            }
        }

        /** As often as a region ends in a way, the next begins in that way, with the block between them if there is one. */
        private void cross(Column column, MPVariable variable) {
            int border = column.role == Role.BEGIN ? column.region - 1 : column.region;
            int at = known.get(border).indexOf(column.rows);
            if (at < 0) {
                at = known.get(border).size();
                known.get(border).add(column.rows);
                begun.get(border).add(mip.row(0, 0));
                between.get(border).add(column.rows.mixed ? mip.row(0, 0) : null);
            }
            if (column.role == Role.END) {
                one.get(border).setCoefficient(variable, 1);
            }
            if (column.role != Role.MIXED) {
                begun.get(border).get(at).setCoefficient(variable, column.role == Role.END ? 1 : -1);
            }
            if (column.rows.mixed && column.role != Role.BEGIN) {
                between.get(border).get(at).setCoefficient(variable, column.role == Role.END ? 1 : -1);
            }
        }
    }

    /** Maximises layers up to {@code most}. */
    private List<MPVariable> build(Mip mip, List<Column> columns, double most) {
        MPVariable layers = mip.real(0, most);
        mip.objective(layers, 1);
        Limits limits = new Limits(mip);
        limits.held.setCoefficient(layers, 1);
        List<MPVariable> used = new ArrayList<>();
        for (Column column : columns) {
            used.add(mip.integer(0, column.role == Role.INNER ? problem.layers() : 1));
            limits.add(column, used.get(used.size() - 1));
        }
        return used;
    }

    private Optional<List<BlockProgram.Placed>> read(List<Column> columns, List<MPVariable> used) {
        List<BlockProgram.Placed> placed = new ArrayList<>();
        int layers = 0;
        for (int r = 0; r < regions.size(); r++) {
            for (Role role : Role.values()) {
                for (int i = 0; i < columns.size(); i++) {
                    Column column = columns.get(i);
                    long times = column.region == r && column.role == role
                            ? Math.round(used.get(i).solutionValue())
                            : 0;
                    for (; times > 0; times--) {
                        placed.add(new BlockProgram.Placed(classes(r, role), column.block));
                        layers += column.block.width();
                    }
                }
            }
        }
        return layers >= problem.layers() ? Optional.of(placed) : Optional.empty();
    }
}
