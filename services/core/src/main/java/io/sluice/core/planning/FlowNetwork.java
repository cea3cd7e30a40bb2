package io.sluice.core.planning;

import java.util.Arrays;

/**
 * A directed network with arc capacities and unit costs, the input of {@link MaxFlowSolver}: vertices are
 * {@code 0..vertexCount-1}, arcs are numbered in the order they were added, parallel arcs are allowed. Not thread-safe
 * while being built.
 */
public final class FlowNetwork {
    private final int vertexCount;
    private final int source;
    private final int sink;
    private int arcCount;
    private int[] tails = new int[16];
    private int[] heads = new int[16];
    private double[] capacities = new double[16];
    private long[] costs = new long[16];

    public FlowNetwork(int vertexCount, int source, int sink) {
        boolean inside = Math.min(source, sink) >= 0 && Math.max(source, sink) < vertexCount;
        if (!inside || source == sink) {
            throw new IllegalArgumentException("network of " + vertexCount + " vertices with source " + source
                    + " and sink " + sink + ": two different vertices of the network are needed");
        }
        this.vertexCount = vertexCount;
        this.source = source;
        this.sink = sink;
    }

    /**
     * Adds an arc and returns its number.
     *
     * @param capacity finite, not negative
     * @param unitCost cost per unit of flow, not negative
     */
    public int addArc(int tail, int head, double capacity, long unitCost) {
        if (tail < 0 || tail >= vertexCount || head < 0 || head >= vertexCount) {
            throw new IllegalArgumentException(
                    "arc " + tail + " to " + head + " leaves the network of " + vertexCount + " vertices");
        }
        if (!(capacity >= 0) || Double.isInfinite(capacity) || unitCost < 0) {
            throw new IllegalArgumentException("arc " + tail + " to " + head + ": capacity " + capacity
                    + " must be finite and not negative, unit cost " + unitCost + " not negative");
        }
        if (arcCount == tails.length) {
            int grown = 2 * arcCount;
            tails = Arrays.copyOf(tails, grown);
            heads = Arrays.copyOf(heads, grown);
            capacities = Arrays.copyOf(capacities, grown);
            costs = Arrays.copyOf(costs, grown);
        }
        tails[arcCount] = tail;
        heads[arcCount] = head;
        capacities[arcCount] = capacity;
        costs[arcCount] = unitCost;
        return arcCount++;
    }

    public int vertexCount() {
        return vertexCount;
    }

    public int source() {
        return source;
    }

    public int sink() {
        return sink;
    }

    public int arcCount() {
        return arcCount;
    }

    public int tail(int arc) {
        return tails[arc];
    }

    public int head(int arc) {
        return heads[arc];
    }

    public double capacity(int arc) {
        return capacities[arc];
    }

    public long cost(int arc) {
        return costs[arc];
    }
}
