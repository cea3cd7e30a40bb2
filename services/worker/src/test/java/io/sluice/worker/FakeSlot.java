package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;
import java.util.ArrayList;
import java.util.List;

/** The "KV cache" of a session at a {@link FakeStageRunner}: the sums at every position. */
final class FakeSlot implements StageRunner.KvSlot {
    final int[] sums = new int[FakeStageRunner.LAYERS];
    /** The sums before each position. */
    final List<int[]> history = new ArrayList<>();

    final LayerRange layers;
    private final int capacity;
    int length;
    /** Grows when what was begun on this slot no longer counts. */
    int stamp;

    FakeSlot(LayerRange layers, int capacity) {
        this.layers = layers;
        this.capacity = capacity;
    }

    void truncate(int newLength) {
        assertThat(newLength).isBetween(0, length);
        stamp++;
        if (newLength < length) {
            System.arraycopy(history.get(newLength), 0, sums, 0, FakeStageRunner.LAYERS);
            history.subList(newLength, length).clear();
            length = newLength;
        }
    }

    @Override
    public LayerRange layers() {
        return layers;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int capacityTokens() {
        return capacity;
    }
}
