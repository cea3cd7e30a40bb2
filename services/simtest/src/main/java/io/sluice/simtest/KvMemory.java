package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.stage.KvPool;
import java.util.Optional;

/** The memory of a simulated worker for KV cache; can be made to leak. */
final class KvMemory implements KvPool<KvCache> {
    private final int capacity;
    private int reserved;
    private boolean leaks;

    KvMemory(int capacity) {
        this.capacity = capacity;
    }

    int capacity() {
        return capacity;
    }

    int reserved() {
        return reserved;
    }

    /** Whether what is released from now on is forgotten instead of freed. */
    void leak(boolean on) {
        leaks = on;
    }

    @Override
    public long capacityTokens(LayerRange layers) {
        return capacity;
    }

    @Override
    public int mostPositions() {
        return Integer.MAX_VALUE;
    }

    @Override
    public Optional<KvCache> reserve(int tokens, LayerRange layers) {
        if (reserved + tokens > capacity) {
            return Optional.empty();
        }
        reserved += tokens;
        return Optional.of(new KvCache(layers.first(), layers.size(), tokens));
    }

    @Override
    public void release(KvCache slot) {
        reserved -= leaks ? 0 : slot.capacity();
    }

    @Override
    public void truncate(KvCache slot, int positions) {
        slot.truncate(positions);
    }

    @Override
    public LayerRange layers(KvCache slot) {
        return new LayerRange(slot.firstLayer(), slot.firstLayer() + slot.layers());
    }

    @Override
    public int length(KvCache slot) {
        return slot.length();
    }

    @Override
    public int roomFor(KvCache slot) {
        return slot.capacity();
    }
}
