package io.sluice.simulator;

import java.util.Arrays;

/** Work items that a node computes together, and how many layers of each. Reused; not thread-safe. */
public final class Batch {
    private Work[] works = new Work[16];
    private int[] layers = new int[16];
    private int size;

    /** Adds {@code work}, of which the batch computes {@code layerCount} layers. */
    public void add(Work work, int layerCount) {
        if (size == works.length) {
            works = Arrays.copyOf(works, 2 * size);
            layers = Arrays.copyOf(layers, 2 * size);
        }
        works[size] = work;
        layers[size++] = layerCount;
    }

    public int size() {
        return size;
    }

    public Work work(int index) {
        return works[index];
    }

    public int layers(int index) {
        return layers[index];
    }

    void clear() {
        Arrays.fill(works, 0, size, null);
        size = 0;
    }
}
