package io.sluice.sharing.gpu;

import java.util.ArrayDeque;

/**
 * An ordered queue of launches with a priority (larger goes first), a mask of SM groups and a context. Made by
 * {@link SimulatedGpu#stream}. Not thread-safe.
 */
public final class GpuStream {
    final String name;
    final int number;
    int priority;
    int mask;
    final int context;
    final ArrayDeque<Launch> queue = new ArrayDeque<>();
    Launch head;

    GpuStream(String name, int number, int priority, int mask, int context) {
        this.name = name;
        this.number = number;
        this.priority = priority;
        this.mask = mask;
        this.context = context;
    }

    public String name() {
        return name;
    }

    public int mask() {
        return mask;
    }

    /** Launches queued and running. */
    public int depth() {
        return queue.size() + (head == null ? 0 : 1);
    }
}
