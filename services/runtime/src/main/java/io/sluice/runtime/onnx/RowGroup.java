package io.sluice.runtime.onnx;

import io.sluice.runtime.StageRunner.StageInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Inputs of one position each that run as one batch: neighbouring rows of one pool, entering at one layer. Rows between
 * them that have nothing to do run idle.
 *
 * @param firstRow first row of the pool
 * @param inputs per row its index in the batch, or {@link #IDLE}
 */
record RowGroup(KvPool pool, int enterLayer, int firstRow, int[] inputs) {
    static final int IDLE = -1;

    /**
     * Most idle rows in a row. A run reads all weights once, which costs as much as computing about ten rows more
     * (SmolLM2-135M on two cores: 24 ms for the first row, 2 ms for each further one); beyond that two runs are
     * cheaper.
     */
    static final int IDLE_ROWS_MAX = 8;

    /**
     * Groups the inputs of one position, ordered by entry, range, pool and row, as the rows are now.
     *
     * @param takesPart whether an input of the batch is to run
     */
    static List<RowGroup> of(List<StageInput> batch, IntPredicate takesPart) {
        List<Integer> singles = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            if (batch.get(i).count() == 1 && takesPart.test(i)) {
                singles.add(i);
            }
        }
        singles.sort(Comparator.<Integer>comparingInt(i -> batch.get(i).enterLayer())
                .thenComparing(i -> slot(batch, i).layers())
                .thenComparingInt(i -> slot(batch, i).pool().slotLength())
                .thenComparingInt(i -> slot(batch, i).row()));
        List<RowGroup> groups = new ArrayList<>();
        int start = 0;
        for (int end = 1; end <= singles.size(); end++) {
            if (end == singles.size() || !joins(batch, singles.get(end - 1), singles.get(end))) {
                groups.add(group(batch, singles.subList(start, end)));
                start = end;
            }
        }
        return groups;
    }

    int rows() {
        return inputs.length;
    }

    private static boolean joins(List<StageInput> batch, int left, int right) {
        CacheSlot a = slot(batch, left);
        CacheSlot b = slot(batch, right);
        return batch.get(left).enterLayer() == batch.get(right).enterLayer()
                && a.pool() == b.pool()
                && b.row() - a.row() - 1 <= IDLE_ROWS_MAX
                && mayIdle(a.pool(), a.row() + 1, b.row());
    }

    /**
     * Whether rows may be written at their idle positions. Where another lane may be at work on a row at this moment, that
     * must be none of the positions that it computes.
     */
    private static boolean mayIdle(KvPool pool, int first, int end) {
        for (int row = first; row < end && pool.beside(); row++) {
            CacheSlot slot = pool.at(row);
            if (slot != null && slot.pending() > 0 && slot.idlePosition() < slot.length() + slot.pending()) {
                return false;
            }
        }
        return true;
    }

    private static RowGroup group(List<StageInput> batch, List<Integer> members) {
        CacheSlot first = slot(batch, members.getFirst());
        int[] inputs = new int[slot(batch, members.getLast()).row() - first.row() + 1];
        Arrays.fill(inputs, IDLE);
        members.forEach(i -> inputs[slot(batch, i).row() - first.row()] = i);
        return new RowGroup(first.pool(), batch.get(members.getFirst()).enterLayer(), first.row(), inputs);
    }

    private static CacheSlot slot(List<StageInput> batch, int index) {
        return (CacheSlot) batch.get(index).slot();
    }
}
