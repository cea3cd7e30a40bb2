package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * One pipeline of {@link Block}s for a given flow, region after region, as a small integer program: how often each block is
 * used, which one a region begins and which one it ends with. Where layers are does not matter inside a region, so the
 * program has no symmetry to search through; a few hundred columns solve in milliseconds. Not thread-safe.
 */
final class BlockProgram {
    private static final int KEPT_PER_WIDTH = 150;
    private static final int FEW_NODES = 64;
    /** Rows on either side of a crossing that are looked at. */
    private static final int MOST_CROSSING_ROWS = 14;

    private final PlacementProblem problem;
    private final List<List<NodeClass>> regions;
    private final Crossing crossing;
    private final int kept;

    /** The widest link from one region to the next that is counted on, tokens/s. */
    @FunctionalInterface
    interface Crossing {
        double link(List<NodeClass> from, List<NodeClass> to);
    }

    /** @param regions in the order the pipeline passes them, each with its classes */
    BlockProgram(PlacementProblem problem, List<List<NodeClass>> regions, Crossing crossing) {
        this.problem = problem;
        this.regions = regions;
        this.crossing = crossing;
        int nodes = regions.stream()
                .flatMap(List::stream)
                .mapToInt(NodeClass::count)
                .sum();
        this.kept = nodes <= FEW_NODES ? KEPT_PER_WIDTH : KEPT_PER_WIDTH / 3;
    }

    /** A block in a pipeline, with the classes its rows are numbered by. */
    record Placed(List<NodeClass> classes, Block block) {}

    /** Columns of one region, or of two for the blocks between them. */
    private record Columns(
            List<NodeClass> classes,
            List<Block> blocks,
            List<Block> border,
            List<MPVariable> inner,
            List<MPVariable> begins,
            List<MPVariable> ends,
            List<MPVariable> only) {}

    /** Whether fractions of blocks could carry the flow: a quick no. */
    boolean relaxed(double flow, SearchControl control) {
        try (Mip program = Mip.linear()) {
            return build(program, flow).isPresent() && program.solve(control, Double.MAX_VALUE);
        }
    }

    /** Blocks in order that hold at least all layers; empty: none found in time, or there are none. */
    Optional<List<Placed>> solve(double flow, SearchControl control, double mostSeconds) {
        try (Mip program = Mip.integer()) {
            Optional<Built> built = build(program, flow);
            return built.isPresent() && program.solve(control, mostSeconds)
                    ? Optional.of(read(built.get().regions, built.get().between))
                    : Optional.empty();
        }
    }

    private record Built(List<Columns> regions, List<Columns> between) {}

    private Optional<Built> build(Mip mip, double flow) {
        var asked = problem.constraints();
        MPConstraint layers = mip.atLeast(problem.layers());
        MPConstraint hops = asked.maxHops() > 0 ? mip.atMost(asked.maxHops()) : null;
        MPConstraint price = asked.priceCeilingPerHour() > 0 ? mip.atMost(asked.priceCeilingPerHour()) : null;
        Shared shared = new Shared(mip, layers, hops, price);
        List<Columns> all = new ArrayList<>();
        List<MPConstraint[]> counts = new ArrayList<>();
        for (int r = 0; r < regions.size(); r++) {
            List<NodeClass> classes = regions.get(r);
            List<Block> blocks =
                    Block.all(classes, flow, asked.minReplicas(), kept, Double.POSITIVE_INFINITY, block -> true);
            if (blocks.isEmpty()) {
                return Optional.empty();
            }
            counts.add(counts(mip, classes));
            all.add(columns(shared, classes, counts.get(r), blocks, border(r, flow, blocks)));
        }
        List<Columns> between = new ArrayList<>();
        for (int r = 0; r + 1 < regions.size(); r++) {
            Columns transition = transition(shared, r, counts, flow);
            between.add(transition);
            cross(mip, r, all.get(r), all.get(r + 1), transition, flow);
        }
        return Optional.of(new Built(all, between));
    }

    /** Blocks a region may begin or end with: the usual ones, and those whose rows are small enough for slow links. */
    private List<Block> border(int region, double flow, List<Block> usual) {
        double link = 0;
        for (int r = 0; r + 1 < regions.size(); r++) {
            if (r == region || r + 1 == region) {
                link = Math.max(link, crossing.link(regions.get(r), regions.get(r + 1)));
            }
        }
        double slow = link;
        if (!(slow > 0) || Double.isInfinite(slow)) {
            return usual;
        }
        List<Block> border = new ArrayList<>(Block.all(
                regions.get(region),
                flow,
                problem.constraints().minReplicas(),
                kept / 2,
                slow * MOST_CROSSING_ROWS / 2,
                block -> block.partners(flow, slow) <= MOST_CROSSING_ROWS));
        usual.stream().filter(b -> b.partners(flow, slow) <= MOST_CROSSING_ROWS).forEach(border::add);
        return border;
    }

    /** Rows every column has an entry in. */
    private record Shared(Mip mip, MPConstraint layers, MPConstraint hops, MPConstraint price) {}

    private static MPConstraint[] counts(Mip mip, List<NodeClass> classes) {
        MPConstraint[] counts = new MPConstraint[classes.size()];
        for (int c = 0; c < counts.length; c++) {
            counts[c] = mip.atMost(classes.get(c).count());
        }
        return counts;
    }

    private MPVariable column(Shared shared, List<NodeClass> classes, MPConstraint[] counts, Block block, int most) {
        MPVariable variable = shared.mip.integer(0, most);
        shared.layers.setCoefficient(variable, block.width());
        double cost = 0;
        for (int c = 0; c < counts.length; c++) {
            if (block.used()[c] > 0) {
                counts[c].setCoefficient(variable, block.used()[c]);
                cost += block.used()[c]
                        * problem.type(classes.get(c).members().get(0)).pricePerHour();
            }
        }
        if (shared.hops != null) {
            shared.hops.setCoefficient(variable, block.hops());
        }
        if (shared.price != null) {
            shared.price.setCoefficient(variable, cost);
        }
        return variable;
    }

    /**
     * Blocks with rows in two regions that follow each other: the flow crosses bit by bit, into such a block and out of
     * it, each row over one link.
     */
    private Columns transition(Shared shared, int region, List<MPConstraint[]> counts, double flow) {
        List<NodeClass> before = regions.get(region);
        List<NodeClass> both = new ArrayList<>(before);
        both.addAll(regions.get(region + 1));
        double link = crossing.link(before, regions.get(region + 1));
        List<Block> blocks = Block.all(both, flow, problem.constraints().minReplicas(), kept, flow + link, block -> {
            long early = block.rows().stream()
                    .filter(row -> row.classNumber() < before.size())
                    .count();
            double spare = block.capacity() - flow;
            return early > 0
                    && early < block.rows().size()
                    && block.rows().stream().allMatch(row -> row.capacity() - spare <= link);
        });
        MPConstraint[] rows = new MPConstraint[both.size()];
        System.arraycopy(counts.get(region), 0, rows, 0, before.size());
        System.arraycopy(counts.get(region + 1), 0, rows, before.size(), both.size() - before.size());
        MPConstraint one = shared.mip.atMost(1);
        Columns columns = new Columns(
                both, blocks, blocks, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Block block : blocks) {
            MPVariable column = column(shared, both, rows, block, 1);
            one.setCoefficient(column, 1);
            columns.inner.add(column);
        }
        return columns;
    }

    private Columns columns(
            Shared shared, List<NodeClass> classes, MPConstraint[] counts, List<Block> blocks, List<Block> border) {
        Columns columns = new Columns(
                classes, blocks, border, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        if (regions.size() == 1) {
            blocks.forEach(block -> columns.inner.add(column(shared, classes, counts, block, problem.layers())));
            return columns;
        }
        MPConstraint oneBegin = shared.mip.row(classes == regions.get(0) ? 0 : 1, 1);
        MPConstraint oneEnd = shared.mip.row(classes == regions.get(regions.size() - 1) ? 0 : 1, 1);
        // A region of one block has nothing inside.
        MPConstraint noInner = shared.mip.atMost(problem.layers());
        for (Block block : blocks) {
            MPVariable inner = column(shared, classes, counts, block, problem.layers());
            noInner.setCoefficient(inner, 1);
            columns.inner.add(inner);
        }
        for (Block block : border) {
            MPVariable begin = column(shared, classes, counts, block, 1);
            MPVariable end = column(shared, classes, counts, block, 1);
            MPVariable only = column(shared, classes, counts, block, 1);
            noInner.setCoefficient(only, problem.layers());
            oneBegin.setCoefficient(begin, 1);
            oneBegin.setCoefficient(only, 1);
            oneEnd.setCoefficient(end, 1);
            oneEnd.setCoefficient(only, 1);
            columns.begins.add(begin);
            columns.ends.add(end);
            columns.only.add(only);
        }
        return columns;
    }

    /** Where regions meet, each side has the rows that the other needs to get the flow through slow links. */
    private void cross(Mip mip, int region, Columns before, Columns after, Columns transition, double flow) {
        double link = crossing.link(regions.get(region), regions.get(region + 1));
        Side early = new Side(before.border, List.of(before.ends, before.only));
        Side late = new Side(after.border, List.of(after.begins, after.only));
        for (int rows = 1; rows <= MOST_CROSSING_ROWS; rows++) {
            for (List<Side> sides : List.of(List.of(early, late), List.of(late, early))) {
                MPConstraint apart = mip.atMost(1);
                transition.inner.forEach(column -> apart.setCoefficient(column, -1));
                // No block that needs more partners across from one that has at most so many rows.
                int least = rows;
                sides.get(0).mark(apart, block -> block.partners(flow, link) > least);
                sides.get(1).mark(apart, block -> block.rows().size() <= least);
            }
        }
    }

    /** The blocks on one side of a crossing and the columns they have there. */
    private record Side(List<Block> blocks, List<List<MPVariable>> columns) {
        void mark(MPConstraint row, Predicate<Block> which) {
            for (int b = 0; b < blocks.size(); b++) {
                if (which.test(blocks.get(b))) {
                    for (List<MPVariable> variables : columns) {
                        row.setCoefficient(variables.get(b), 1);
                    }
                }
            }
        }
    }

    private static List<Placed> read(List<Columns> all, List<Columns> between) {
        List<Placed> placed = new ArrayList<>();
        for (int r = 0; r < all.size(); r++) {
            Columns columns = all.get(r);
            take(placed, columns, columns.border, columns.begins);
            take(placed, columns, columns.blocks, columns.inner);
            take(placed, columns, columns.border, columns.only);
            take(placed, columns, columns.border, columns.ends);
            if (r < between.size()) {
                take(placed, between.get(r), between.get(r).blocks, between.get(r).inner);
            }
        }
        return placed;
    }

    private static void take(List<Placed> placed, Columns columns, List<Block> blocks, List<MPVariable> chosen) {
        for (int b = 0; b < chosen.size(); b++) {
            for (long n = Math.round(chosen.get(b).solutionValue()); n > 0; n--) {
                placed.add(new Placed(columns.classes, blocks.get(b)));
            }
        }
    }
}
