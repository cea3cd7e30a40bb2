package io.sluice.core.placement;

import java.util.Arrays;

/**
 * Maximum flow on reusable arrays: Dinic's algorithm with an explicit stack. Arc {@code 2a} is the a-th arc added, arc
 * {@code 2a + 1} its reverse. Infinite capacities are allowed where every path from source to sink has a finite arc.
 * O(V²E) at worst, a few microseconds on the graphs of two dozen nodes. Not thread-safe.
 */
final class FlowArrays {
    /** Residual capacity below this share of the largest finite capacity counts as none. */
    private static final double NONE = 1e-11;

    private int vertices;
    private int arcs;
    private int[] firstArc = new int[16];
    private int[] level = new int[16];
    private int[] queue = new int[16];
    private int[] current = new int[16];
    private int[] path = new int[16];
    private int[] nextArc = new int[64];
    private int[] head = new int[64];
    private double[] residual = new double[64];
    private double largest;
    private double least;

    /** Forgets everything; {@code count} vertices, no arcs. */
    void reset(int count) {
        if (count > firstArc.length) {
            int size = Math.max(count, 2 * firstArc.length);
            firstArc = new int[size];
            level = new int[size];
            queue = new int[size];
            current = new int[size];
            path = new int[size];
        }
        vertices = count;
        arcs = 0;
        largest = 0;
        Arrays.fill(firstArc, 0, count, -1);
    }

    /** Adds an arc and returns its number for {@link #flow}. */
    int add(int tail, int to, double capacity) {
        if (arcs + 2 > head.length) {
            int size = 2 * head.length;
            nextArc = Arrays.copyOf(nextArc, size);
            head = Arrays.copyOf(head, size);
            residual = Arrays.copyOf(residual, size);
        }
        int arc = arcs;
        head[arc] = to;
        residual[arc] = capacity;
        nextArc[arc] = firstArc[tail];
        firstArc[tail] = arc;
        head[arc + 1] = tail;
        residual[arc + 1] = 0;
        nextArc[arc + 1] = firstArc[to];
        firstArc[to] = arc + 1;
        arcs += 2;
        if (capacity > largest && capacity < Double.POSITIVE_INFINITY) {
            largest = capacity;
        }
        return arc >> 1;
    }

    /** Flow of the arc with this number after {@link #maxFlow}. */
    double flow(int arc) {
        return residual[2 * arc + 1];
    }

    /** Value of the maximum flow. */
    double maxFlow(int source, int sink) {
        least = largest * NONE;
        double total = 0;
        while (levels(source, sink)) {
            System.arraycopy(firstArc, 0, current, 0, vertices);
            total += block(source, sink);
        }
        return total;
    }

    /** After {@link #maxFlow}: whether the vertex is on the source's side of the minimum cut nearest the source. */
    boolean reached(int vertex) {
        return level[vertex] >= 0;
    }

    private boolean levels(int source, int sink) {
        Arrays.fill(level, 0, vertices, -1);
        level[source] = 0;
        queue[0] = source;
        int filled = 1;
        for (int taken = 0; taken < filled; taken++) {
            int at = queue[taken];
            for (int arc = firstArc[at]; arc >= 0; arc = nextArc[arc]) {
                int to = head[arc];
                if (level[to] < 0 && residual[arc] > least) {
                    level[to] = level[at] + 1;
                    queue[filled++] = to;
                }
            }
        }
        return level[sink] >= 0;
    }

    /** A blocking flow: walks on while an arc leads down a level, steps back where none does. */
    private double block(int source, int sink) {
        double total = 0;
        int depth = 0;
        int at = source;
        while (true) {
            if (at == sink) {
                double amount = Double.POSITIVE_INFINITY;
                for (int i = 0; i < depth; i++) {
                    amount = Math.min(amount, residual[path[i]]);
                }
                int keep = depth;
                for (int i = depth - 1; i >= 0; i--) {
                    int arc = path[i];
                    residual[arc] -= amount;
                    residual[arc ^ 1] += amount;
                    if (residual[arc] <= least) {
                        keep = i;
                    }
                }
                total += amount;
                depth = keep;
                at = head[path[keep] ^ 1];
            }
            int arc = current[at];
            while (arc >= 0 && !(residual[arc] > least && level[head[arc]] == level[at] + 1)) {
                arc = nextArc[arc];
            }
            current[at] = arc;
            if (arc >= 0) {
                path[depth++] = arc;
                at = head[arc];
            } else if (depth == 0) {
                return total;
            } else {
                int back = path[--depth];
                at = head[back ^ 1];
                current[at] = nextArc[back];
            }
        }
    }
}
