package io.sluice.core.planning;

import java.util.Arrays;

/**
 * A flow that only grows: shortest augmenting paths in blocking flows (Dinic), capacities may be raised between calls.
 * What flows already is kept unless a path takes it elsewhere, so raising capacities step by step spreads the flow.
 * O(arcs) per blocking flow on the layered graphs of workers, O(vertices² × arcs) at worst. Not thread-safe.
 */
final class AugmentingFlow {
    /** Room below this share of the largest capacity counts as none. */
    private static final double NONE = 1e-11;

    private final int source;
    private final int sink;
    private final int[] tail;
    private final int[] head;
    private final double[] capacity;
    private final double[] flow;
    private final double least;
    /** Steps of vertex v: {@code steps[first[v]..first[v + 1])}; 2a takes arc a forwards, 2a + 1 backwards. */
    private final int[] steps;

    private final int[] first;
    private final int[] level;
    private final int[] queue;
    private final int[] current;
    private final int[] path;

    /** @param largest largest capacity there will be, the measure of what counts as none */
    AugmentingFlow(int vertices, int source, int sink, int[] tail, int[] head, double largest) {
        this.source = source;
        this.sink = sink;
        this.tail = tail;
        this.head = head;
        this.capacity = new double[tail.length];
        this.flow = new double[tail.length];
        this.least = largest * NONE;
        this.first = new int[vertices + 1];
        for (int arc = 0; arc < tail.length; arc++) {
            first[tail[arc] + 1]++;
            first[head[arc] + 1]++;
        }
        for (int v = 0; v < vertices; v++) {
            first[v + 1] += first[v];
        }
        this.steps = new int[2 * tail.length];
        int[] filled = Arrays.copyOf(first, vertices);
        for (int arc = 0; arc < tail.length; arc++) {
            steps[filled[tail[arc]]++] = 2 * arc;
            steps[filled[head[arc]]++] = 2 * arc + 1;
        }
        this.level = new int[vertices];
        this.queue = new int[vertices];
        this.current = new int[vertices];
        this.path = new int[vertices];
    }

    /** Raises the capacity of an arc; never lowers it below its flow. */
    void capacity(int arc, double value) {
        capacity[arc] = Math.max(value, flow[arc]);
    }

    /** Starts with a flow that is conserved already. */
    void start(int arc, double value) {
        flow[arc] = value;
    }

    double flow(int arc) {
        return flow[arc];
    }

    /** Grows the flow to the maximum under the present capacities. */
    void maximise() {
        while (levels()) {
            System.arraycopy(first, 0, current, 0, current.length);
            block();
        }
    }

    /** After {@link #maximise}: whether the vertex is on the source's side of the minimum cut nearest the source. */
    boolean reached(int vertex) {
        return level[vertex] >= 0;
    }

    private double room(int step) {
        int arc = step >> 1;
        return (step & 1) == 0 ? capacity[arc] - flow[arc] : flow[arc];
    }

    private int to(int step) {
        return (step & 1) == 0 ? head[step >> 1] : tail[step >> 1];
    }

    private int from(int step) {
        return (step & 1) == 0 ? tail[step >> 1] : head[step >> 1];
    }

    private boolean levels() {
        Arrays.fill(level, -1);
        level[source] = 0;
        queue[0] = source;
        int filled = 1;
        for (int taken = 0; taken < filled; taken++) {
            int at = queue[taken];
            for (int i = first[at]; i < first[at + 1]; i++) {
                int next = to(steps[i]);
                if (level[next] < 0 && room(steps[i]) > least) {
                    level[next] = level[at] + 1;
                    queue[filled++] = next;
                }
            }
        }
        return level[sink] >= 0;
    }

    /** Walks on while a step leads down a level, turns back where none does. */
    private void block() {
        int depth = 0;
        int at = source;
        while (true) {
            if (at == sink) {
                depth = push(depth);
                at = from(path[depth]);
            }
            int i = current[at];
            while (i < first[at + 1] && !(level[to(steps[i])] == level[at] + 1 && room(steps[i]) > least)) {
                i++;
            }
            current[at] = i;
            if (i < first[at + 1]) {
                path[depth++] = steps[i];
                at = to(steps[i]);
            } else if (depth == 0) {
                return;
            } else {
                at = from(path[--depth]);
                current[at]++;
            }
        }
    }

    /** Fills the path and returns the depth of its first full step. */
    private int push(int depth) {
        double amount = Double.POSITIVE_INFINITY;
        for (int i = 0; i < depth; i++) {
            amount = Math.min(amount, room(path[i]));
        }
        int full = depth;
        for (int i = depth - 1; i >= 0; i--) {
            int step = path[i];
            flow[step >> 1] += (step & 1) == 0 ? amount : -amount;
            if (room(step) <= least) {
                full = i;
            }
        }
        return full;
    }
}
