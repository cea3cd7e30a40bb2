package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.locks.ReadWriteLock;

/**
 * One batch on its way through the layers. What it has reached is kept here while it rests, and rows are grouped anew
 * whenever it goes on, because slots may have moved, and neighbours come, gone or grown. Its slots say how many positions
 * are under way, so that runs over neighbouring rows do not write into them ({@link CacheSlot#idlePosition}). Not
 * thread-safe.
 */
final class BatchRun implements StageRunner.StageRun {
    private final BatchWork work;
    private final List<BatchWork> lanes;
    private final ReadWriteLock structure;
    private final List<StageInput> batch;
    private final BatchOutputs results;
    private final int[] stamps;
    private final boolean[] dropped;
    private final int end;
    private int next;
    /** Hidden states of all positions before layer {@link #next}; null while the batch has not rested. */
    private FloatBuffer saved;

    private boolean over;

    /** Whether other threads may use its slots' neighbours: then every use of them holds {@link #structure}. */
    private final boolean guarded;

    private final boolean mayRunBeside;

    /**
     * @param lanes on the second set of layers, one for each batch that runs beside others at once
     * @param structure its write lock is held by whoever changes slots or layers, its read lock by a layer that other
     *     threads' layers may run beside
     * @param batch checked
     * @param results taken by this run until it is over
     */
    BatchRun(
            BatchWork work,
            List<BatchWork> lanes,
            ReadWriteLock structure,
            List<StageInput> batch,
            BatchOutputs results) {
        this.work = work;
        this.lanes = lanes;
        this.structure = structure;
        this.batch = batch;
        this.results = results;
        guarded = batch.stream()
                .anyMatch(input -> ((CacheSlot) input.slot()).pool().beside());
        mayRunBeside = batch.stream()
                .allMatch(input -> ((CacheSlot) input.slot()).pool().beside());
        stamps = new int[batch.size()];
        dropped = new boolean[batch.size()];
        int first = batch.isEmpty() ? 0 : Integer.MAX_VALUE;
        int last = 0;
        lock();
        for (int i = 0; i < stamps.length; i++) {
            first = Math.min(first, batch.get(i).enterLayer());
            last = Math.max(last, slot(i).layers().end());
            stamps[i] = slot(i).stamp();
            slot(i).begin(batch.get(i).count());
        }
        unlock();
        next = first;
        end = last;
        results.begin(batch);
    }

    @Override
    public int nextLayer() {
        return next;
    }

    @Override
    public int layersLeft() {
        return end - next;
    }

    @Override
    public int headLeft() {
        return over ? 0 : results.headLeft(this::counts);
    }

    @Override
    public int advance(int layers) {
        return advance(work, layers);
    }

    @Override
    public int advanceHead(int parts) {
        return advanceHead(work, parts);
    }

    @Override
    public int advanceHeadBeside(int lane, int parts) {
        if (lane < 0 || lane >= lanes.size()) {
            return StageRunner.StageRun.super.advanceHeadBeside(lane, parts);
        }
        requireMayRunBeside();
        return advanceHead(lanes.get(lane), parts);
    }

    private int advanceHead(BatchWork on, int parts) {
        if (parts < 1) {
            throw new IllegalArgumentException(
                    "a batch cannot advance by " + parts + " parts of the head: give at least 1");
        }
        requireThroughLayers();
        int done = 0;
        try {
            while (done < parts && headPart(on)) {
                done++;
            }
        } catch (RuntimeException | Error e) {
            abandon();
            throw e;
        }
        return done;
    }

    /** One part of the head, with its slots and layers held where they are guarded; false: none is left. */
    private boolean headPart(BatchWork on) {
        if (guarded) {
            structure.readLock().lock();
        }
        try {
            requireUnderWay();
            boolean left = headLeft() > 0;
            if (left) {
                results.advanceHead(on.head(), this::counts);
            }
            return left;
        } finally {
            if (guarded) {
                structure.readLock().unlock();
            }
        }
    }

    @Override
    public int advanceBeside(int lane, int layers) {
        if (lane < 0 || lane >= lanes.size()) {
            return StageRunner.StageRun.super.advanceBeside(lane, layers);
        }
        requireMayRunBeside();
        return advance(lanes.get(lane), layers);
    }

    private void requireMayRunBeside() {
        if (!mayRunBeside) {
            throw new IllegalArgumentException(
                    "a slot of this batch cannot be in a batch beside others: reserve it with reserveBestEffort");
        }
    }

    private void lock() {
        if (guarded) {
            structure.writeLock().lock();
        }
    }

    private void unlock() {
        if (guarded) {
            structure.writeLock().unlock();
        }
    }

    /** Layers on one of the two sets; lets others in after each where the slots are guarded. */
    private int advance(BatchWork on, int layers) {
        if (layers < 1) {
            throw new IllegalArgumentException("a batch cannot advance by " + layers + " layers: give at least 1");
        }
        try {
            if (!guarded) {
                return layers(on, layers);
            }
            int done = 0;
            do {
                done += guardedLayer(on);
            } while (done < layers && layersLeft() > 0);
            return done;
        } catch (RuntimeException | Error e) {
            // With no lock held: whoever ends a batch waits for all layers at hand, and so would this thread for its
            // own.
            abandon();
            throw e;
        }
    }

    private int guardedLayer(BatchWork on) {
        structure.readLock().lock();
        try {
            return layers(on, 1);
        } finally {
            structure.readLock().unlock();
        }
    }

    private int layers(BatchWork on, int layers) {
        requireUnderWay();
        int to = next + Math.min(layers, end - next);
        for (RowGroup group : RowGroup.of(batch, this::counts)) {
            LayerRange span = span(group.enterLayer(), group.pool().range().end(), to);
            if (span != null) {
                on.rows(this, group, span);
            }
        }
        for (int i = 0; i < stamps.length; i++) {
            StageInput input = batch.get(i);
            if (input.count() > 1 && counts(i)) {
                LayerRange span = span(input.enterLayer(), slot(i).layers().end(), to);
                if (span != null) {
                    on.positions(this, i, input, span);
                }
            }
        }
        int done = to - next;
        next = to;
        return done;
    }

    @Override
    public void drop(KvSlot slot) {
        lock();
        try {
            for (int i = 0; i < stamps.length; i++) {
                if (batch.get(i).slot() == slot && !over && counts(i)) {
                    dropped[i] = true;
                    slot(i).giveUp();
                }
            }
        } finally {
            unlock();
        }
    }

    @Override
    public List<StageOutput> finish() {
        advanceHead(Integer.MAX_VALUE);
        List<StageOutput> outputs = results.finish(work.head(), this::counts);
        lock();
        try {
            for (int i = 0; i < stamps.length; i++) {
                if (counts(i)) {
                    slot(i).complete();
                }
            }
            over = true;
        } finally {
            unlock();
        }
        return outputs;
    }

    @Override
    public void abandon() {
        lock();
        try {
            for (int i = 0; i < stamps.length && !over; i++) {
                if (counts(i)) {
                    slot(i).giveUp();
                }
            }
            over = true;
        } finally {
            unlock();
        }
    }

    /** Writes what {@code count} positions of an input have before {@code layer}, from row {@code row} of {@code x} on. */
    void put(int index, int layer, FloatBuffer x, int row, int from, int count) {
        StageInput input = batch.get(index);
        if (layer == input.enterLayer()) {
            work.fill(x, row, input, from, count);
        } else {
            int size = work.config().hiddenSize();
            x.put(row * size, saved, (place(index) + from) * size, count * size);
        }
    }

    /** Takes what {@code count} positions of an input have before {@code layer}, from row {@code row} of {@code y} on. */
    void take(int index, int layer, FloatBuffer y, int row, int from, int count) {
        if (layer == slot(index).layers().end()) {
            results.take(index, y, row, from, count);
            return;
        }
        int size = work.config().hiddenSize();
        if (saved == null) {
            saved = FloatBuffer.allocate(Math.multiplyExact(place(batch.size()), size));
        }
        saved.put((place(index) + from) * size, y, row * size, count * size);
    }

    /** Whether the input's session still wants it: its slot is neither free nor cut, and nobody has dropped it. */
    private boolean counts(int index) {
        return !dropped[index] && slot(index).live() && slot(index).stamp() == stamps[index];
    }

    /** First position of an input among those of the batch. */
    private int place(int index) {
        int place = 0;
        for (int i = 0; i < index; i++) {
            place += batch.get(i).count();
        }
        return place;
    }

    /** The layers from the next one to {@code to} that an input passes; null: none. */
    private LayerRange span(int enter, int leave, int to) {
        int first = Math.max(next, enter);
        int last = Math.min(to, leave);
        return first < last ? new LayerRange(first, last) : null;
    }

    private CacheSlot slot(int index) {
        return (CacheSlot) batch.get(index).slot();
    }

    private void requireThroughLayers() {
        requireUnderWay();
        if (next < end) {
            throw new IllegalStateException("the batch has " + (end - next) + " layers to go: advance it first");
        }
    }

    private void requireUnderWay() {
        work.requireOpen();
        if (over) {
            throw new IllegalStateException("the batch is over: it was finished or abandoned, or has failed");
        }
    }
}
