package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;

/** One session's row of a {@link KvPool}; the row may move when a pool is compacted. Not thread-safe. */
final class CacheSlot implements StageRunner.KvSlot {
    private final KvPool pool;
    private final int capacityTokens;
    private int row;
    private int length;
    /** Positions after the length that a batch under way computes; 0: none does. */
    private int pending;
    /** Grows when what was begun on this slot no longer counts. */
    private int stamp;

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

    /** A batch begins to compute so many positions. */
    void begin(int positions) {
        pending = positions;
    }

    /** The positions begun have passed all layers. */
    void complete() {
        length += pending;
        pending = 0;
    }

    /** The positions begun will not pass all layers: they never were. */
    void giveUp() {
        pending = 0;
    }

    int pending() {
        return pending;
    }

    int stamp() {
        return stamp;
    }

    /** Keys and values beyond the length are never read, and written before the length passes them. */
    void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException(this + " cannot be cut to " + newLength + " positions");
        }
        length = newLength;
        pending = 0;
        stamp++;
    }

    boolean live() {
        return live;
    }

    void kill() {
        live = false;
        pending = 0;
    }

    /**
     * Position at which this row is written when it only stands between two rows at work: the first that no batch under
     * way computes, which the session itself overwrites before anything reads it. A full slot has no such position, but
     * its last one serves: in layers that are done nobody reads it again, in those to come it is written before it is read.
     */
    int idlePosition() {
        return Math.min(length + pending, capacityTokens - 1);
    }

    @Override
    public String toString() {
        return "slot " + row + " of " + pool + " (" + length + " of " + capacityTokens + " positions)";
    }
}
