package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;

/** One session's row of a {@link KvPool}; the row may move when a pool is compacted. Not thread-safe. */
final class CacheSlot implements StageRunner.KvSlot {
    private final KvPool pool;
    private final int capacityTokens;
    private int row;
    private int length;
    private boolean live = true;

    CacheSlot(KvPool pool, int row, int capacityTokens) {
        this.pool = pool;
        this.row = row;
        this.capacityTokens = capacityTokens;
    }

    @Override
    public LayerRange layers() {
        return pool.range();
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int capacityTokens() {
        return capacityTokens;
    }

    KvPool pool() {
        return pool;
    }

    int row() {
        return row;
    }

    void moveTo(int newRow) {
        row = newRow;
    }

    void advance(int positions) {
        length += positions;
    }

    /** Keys and values beyond the length are never read, and written before the length passes them. */
    void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException(this + " cannot be cut to " + newLength + " positions");
        }
        length = newLength;
    }

    boolean live() {
        return live;
    }

    void kill() {
        live = false;
    }

    /**
     * Position at which this row is written when it only stands between two rows at work: the next one, which the
     * session itself overwrites before anything reads it. A full slot has no next position, but also no future reader,
     * so its last one serves.
     */
    int idlePosition() {
        return Math.min(length, capacityTokens - 1);
    }

    @Override
    public String toString() {
        return "slot " + row + " of " + pool + " (" + length + " of " + capacityTokens + " positions)";
    }
}
