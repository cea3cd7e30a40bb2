package io.sluice.solver;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * Consecutive layers held by rows of nodes that work in parallel: a row is one node for all the layers or a few of one
 * class in series. Blocks put one after the other are a pipeline of any length, whatever their order. Immutable.
 *
 * @param width layers
 * @param rows at least one
 * @param used members used by class, classes numbered as in the region's list
 */
record Block(int width, List<Row> rows, int[] used) {
    private static final int MOST_ROWS_IN_SERIES = 4;
    private static final int MOST_LEAVES = 6_000;
    private static final int MOST_PARTNERS = 24;

    /** {@code nodes} members of a class in series, together {@code width} layers; capacity in tokens/s. */
    record Row(int classNumber, int nodes, double capacity) {
        /** Layers of the i-th node of the row; the first ones hold one more where it does not come out even. */
        int layers(int i, int width) {
            return width / nodes + (i < width % nodes ? 1 : 0);
        }
    }

    /** Rows needed across slow links of so much each, so that all rows together get the flow through; huge: never. */
    int partners(double flow, double link) {
        for (int partners = 1; partners <= MOST_PARTNERS; partners++) {
            double through = 0;
            for (Row row : rows) {
                through += Math.min(row.capacity(), link * partners);
            }
            if (through >= flow) {
                return partners;
            }
        }
        return Integer.MAX_VALUE;
    }

    double capacity() {
        return rows.stream().mapToDouble(Row::capacity).sum();
    }

    int hops() {
        return rows.stream().mapToInt(Row::nodes).max().orElse(0);
    }

    /**
     * The most economical blocks that carry {@code flow}: a row that could be left out is.
     *
     * @param replicas least rows of a block
     * @param most most blocks per width
     * @param mostRow most capacity a row may have
     * @param wanted which ones
     */
    static List<Block> all(
            List<NodeClass> classes, double flow, int replicas, int most, double mostRow, Predicate<Block> wanted) {
        return all(classes, flow, replicas, Integer.MAX_VALUE, most, mostRow, wanted);
    }

    /** The same with at most {@code mostWidth} layers. */
    static List<Block> all(
            List<NodeClass> classes,
            double flow,
            int replicas,
            int mostWidth,
            int most,
            double mostRow,
            Predicate<Block> wanted) {
        List<Block> blocks = new ArrayList<>();
        int widest = 0;
        for (NodeClass c : classes) {
            widest = Math.max(widest, c.maxLayers());
        }
        for (int width = 1; width <= Math.min(widest, mostWidth); width++) {
            Search search = new Search(classes, flow, replicas, width, mostRow, wanted);
            search.add(0, 0);
            search.found.sort(Comparator.comparingDouble((Block b) -> b.work(classes, flow) / b.width)
                    .thenComparingInt(b -> b.rows.size()));
            blocks.addAll(search.found.subList(0, Math.min(most, search.found.size())));
        }
        return blocks;
    }

    /** What its nodes could work elsewhere, layer-tokens/s. */
    private double work(List<NodeClass> classes, double flow) {
        double work = 0;
        for (int c = 0; c < used.length; c++) {
            work += used[c] == 0 ? 0 : used[c] * classes.get(c).work(flow);
        }
        return work;
    }

    /** Depth-first over rows of falling capacity. */
    private static final class Search {
        private final List<NodeClass> classes;
        private final double flow;
        private final int replicas;
        private final int width;
        private final double mostRow;
        private final Predicate<Block> wanted;
        private final List<Row> options = new ArrayList<>();
        private final List<Row> chosen = new ArrayList<>();
        private final int[] used;
        private final List<Block> found = new ArrayList<>();
        private int leaves;

        Search(List<NodeClass> classes, double flow, int replicas, int width, double mostRow, Predicate<Block> wanted) {
            this.wanted = wanted;
            this.mostRow = mostRow;
            this.classes = classes;
            this.flow = flow;
            this.replicas = replicas;
            this.width = width;
            this.used = new int[classes.size()];
            for (int c = 0; c < classes.size(); c++) {
                addOptions(c, classes.get(c));
            }
            options.sort(Comparator.comparingDouble(Row::capacity)
                    .reversed()
                    .thenComparingInt(Row::classNumber)
                    .thenComparingInt(Row::nodes));
        }

        private void addOptions(int number, NodeClass members) {
            double before = 0;
            for (int nodes = 1; nodes <= Math.min(MOST_ROWS_IN_SERIES, Math.min(width, members.count())); nodes++) {
                int most = (width + nodes - 1) / nodes;
                if (most > members.maxLayers()) {
                    continue;
                }
                double capacity = Math.min(members.capacity()[most], members.capacity()[Math.max(1, width / nodes)]);
                if (capacity > before && capacity <= mostRow) {
                    options.add(new Row(number, nodes, capacity));
                    before = capacity;
                }
                if (capacity >= flow) {
                    return;
                }
            }
        }

        void add(int from, double carried) {
            if (carried >= flow && chosen.size() >= replicas) {
                leaves++;
                // Nothing but series is several blocks, which are found by themselves.
                if (chosen.stream().anyMatch(row -> row.nodes() == 1)) {
                    Block block = new Block(width, List.copyOf(chosen), used.clone());
                    if (wanted.test(block)) {
                        found.add(block);
                    }
                }
                return;
            }
            for (int i = from; i < options.size() && leaves < MOST_LEAVES; i++) {
                Row row = options.get(i);
                int free = classes.get(row.classNumber()).count() - used[row.classNumber()];
                if (free < row.nodes()) {
                    continue;
                }
                used[row.classNumber()] += row.nodes();
                chosen.add(row);
                add(i, carried + row.capacity());
                chosen.remove(chosen.size() - 1);
                used[row.classNumber()] -= row.nodes();
            }
        }
    }
}
