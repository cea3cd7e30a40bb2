package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One pipeline of {@link Block}s for a given flow, region after region, as a small integer program: how often each block is
 * used, which one a region begins and which one it ends with. Where layers are does not matter inside a region, so the
 * program has no symmetry to search through; a few hundred columns solve in milliseconds. Not thread-safe.
 */
final class BlockProgram {
    private final PlacementProblem problem;
    private final List<List<NodeClass>> regions;
    private final Crossing crossing;

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
    }

    /** A block in a pipeline, with the classes its rows are numbered by. */
    record Placed(List<NodeClass> classes, Block block) {}

    /** Columns of one region, or of two for the blocks between them. */
    private record Columns(
            List<NodeClass> classes,
            List<Block> blocks,
            List<MPVariable> inner,
            List<MPVariable> begins,
            List<MPVariable> ends,
            List<MPVariable> only) {}

    /** The blocks in order; empty: none found in time, or there are none. */
    Optional<List<Placed>> solve(double flow, SearchControl control, double mostSeconds) {
        var asked = problem.constraints();
        try (Mip mip = Mip.integer()) {
            MPConstraint layers = mip.row(problem.layers(), problem.layers());
            MPConstraint hops = asked.maxHops() > 0 ? mip.atMost(asked.maxHops()) : null;
            MPConstraint price = asked.priceCeilingPerHour() > 0 ? mip.atMost(asked.priceCeilingPerHour()) : null;
            Shared shared = new Shared(mip, layers, hops, price);
            List<Columns> all = new ArrayList<>();
            List<MPConstraint[]> counts = new ArrayList<>();
            for (List<NodeClass> classes : regions) {
                List<Block> blocks = Block.all(classes, flow, asked.minReplicas(), problem.layers(), block -> true);
                if (blocks.isEmpty()) {
                    return Optional.empty();
                }
                counts.add(counts(mip, classes));
                all.add(columns(shared, classes, counts.get(counts.size() - 1), blocks));
            }
            List<Columns> between = new ArrayList<>();
            for (int r = 0; r + 1 < regions.size(); r++) {
                Columns transition = transition(shared, r, counts, flow);
                between.add(transition);
                cross(mip, r, all.get(r), all.get(r + 1), transition, flow);
            }
            return mip.solve(control, mostSeconds) ? Optional.of(read(all, between)) : Optional.empty();
        }
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
        List<Block> blocks = Block.all(both, flow, problem.constraints().minReplicas(), problem.layers(), block -> {
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
        Columns columns =
                new Columns(both, blocks, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Block block : blocks) {
            MPVariable column = column(shared, both, rows, block, 1);
            one.setCoefficient(column, 1);
            columns.inner.add(column);
        }
        return columns;
    }

    private Columns columns(Shared shared, List<NodeClass> classes, MPConstraint[] counts, List<Block> blocks) {
        Columns columns = new Columns(
                classes, blocks, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        if (regions.size() == 1) {
            blocks.forEach(block -> columns.inner.add(column(shared, classes, counts, block, problem.layers())));
            return columns;
        }
        MPConstraint oneBegin = shared.mip.row(1, 1);
        MPConstraint oneEnd = shared.mip.row(1, 1);
        // A region of one block has nothing inside.
        MPConstraint noInner = shared.mip.atMost(problem.layers());
        for (Block block : blocks) {
            MPVariable inner = column(shared, classes, counts, block, problem.layers());
            MPVariable begin = column(shared, classes, counts, block, 1);
            MPVariable end = column(shared, classes, counts, block, 1);
            MPVariable only = column(shared, classes, counts, block, 1);
            noInner.setCoefficient(inner, 1);
            noInner.setCoefficient(only, problem.layers());
            oneBegin.setCoefficient(begin, 1);
            oneBegin.setCoefficient(only, 1);
            oneEnd.setCoefficient(end, 1);
            oneEnd.setCoefficient(only, 1);
            columns.inner.add(inner);
            columns.begins.add(begin);
            columns.ends.add(end);
            columns.only.add(only);
        }
        return columns;
    }

    /** No end of few rows right before a beginning of too few. */
    private void cross(Mip mip, int region, Columns before, Columns after, Columns transition, double flow) {
        double link = crossing.link(regions.get(region), regions.get(region + 1));
        int mostRows =
                before.blocks.stream().mapToInt(b -> b.rows().size()).max().orElse(1);
        int last = Integer.MAX_VALUE;
        for (int rows = mostRows; rows >= 1; rows--) {
            int needed = link > 0 ? (int) Math.min(1e6, Math.ceil(flow / (link * rows))) : Integer.MAX_VALUE;
            if (needed <= 1 || needed == last) {
                continue;
            }
            last = needed;
            MPConstraint apart = mip.atMost(1);
            transition.inner.forEach(column -> apart.setCoefficient(column, -1));
            for (int b = 0; b < before.blocks.size(); b++) {
                if (before.blocks.get(b).rows().size() <= rows) {
                    apart.setCoefficient(before.ends.get(b), 1);
                    apart.setCoefficient(before.only.get(b), 1);
                }
            }
            for (int b = 0; b < after.blocks.size(); b++) {
                if (after.blocks.get(b).rows().size() < needed) {
                    apart.setCoefficient(after.begins.get(b), 1);
                    apart.setCoefficient(after.only.get(b), 1);
                }
            }
        }
    }

    private static List<Placed> read(List<Columns> all, List<Columns> between) {
        List<Placed> placed = new ArrayList<>();
        for (int r = 0; r < all.size(); r++) {
            Columns columns = all.get(r);
            take(placed, columns, columns.begins);
            take(placed, columns, columns.inner);
            take(placed, columns, columns.only);
            take(placed, columns, columns.ends);
            if (r < between.size()) {
                take(placed, between.get(r), between.get(r).inner);
            }
        }
        return placed;
    }

    private static void take(List<Placed> placed, Columns columns, List<MPVariable> chosen) {
        for (int b = 0; b < chosen.size(); b++) {
            for (long n = Math.round(chosen.get(b).solutionValue()); n > 0; n--) {
                placed.add(new Placed(columns.classes, columns.blocks.get(b)));
            }
        }
    }
}
