package io.sluice.core.planning;

import java.util.Arrays;

/**
 * Currents of an electrical network between two vertices: the flow of least {@code sum of flow² / conductance}, the
 * smooth form of a cost that rises with utilisation. Solved by conjugate gradients with Jacobi's preconditioner to
 * {@value #PRECISION} in at most {@value #MOST_ROUNDS} rounds, O(arcs) each. Not thread-safe.
 */
final class Potentials {
    private static final double PRECISION = 1e-3;
    private static final int MOST_ROUNDS = 120;

    private final int vertices;
    private final int[] tail;
    private final int[] head;
    private final double[] conductance;
    private int arcs;

    Potentials(int vertices, int mostArcs) {
        this.vertices = vertices;
        this.tail = new int[mostArcs];
        this.head = new int[mostArcs];
        this.conductance = new double[mostArcs];
    }

    void add(int from, int to, double value) {
        tail[arcs] = from;
        head[arcs] = to;
        conductance[arcs++] = value;
    }

    /** Current per arc, in the order added, when 1 enters at the source and leaves at the sink. */
    double[] currents(int source, int sink) {
        double[] diagonal = new double[vertices];
        for (int a = 0; a < arcs; a++) {
            diagonal[tail[a]] += conductance[a];
            diagonal[head[a]] += conductance[a];
        }
        double[] potential = new double[vertices];
        double[] rest = new double[vertices];
        rest[source] = 1;
        double[] direction = new double[vertices];
        double[] image = new double[vertices];
        double size = 0;
        double first = 0;
        for (int round = 0; round < MOST_ROUNDS; round++) {
            double now = 0;
            for (int v = 0; v < vertices; v++) {
                // The sink is ground; a vertex without arcs has no potential.
                rest[v] = v == sink || diagonal[v] == 0 ? 0 : rest[v];
                now += diagonal[v] == 0 ? 0 : rest[v] * rest[v] / diagonal[v];
            }
            first = round == 0 ? now : first;
            if (!(now > PRECISION * PRECISION * first)) {
                break;
            }
            double keep = round == 0 ? 0 : now / size;
            for (int v = 0; v < vertices; v++) {
                direction[v] = (diagonal[v] == 0 ? 0 : rest[v] / diagonal[v]) + keep * direction[v];
            }
            size = now;
            multiply(direction, image, sink);
            double along = 0;
            for (int v = 0; v < vertices; v++) {
                along += direction[v] * image[v];
            }
            double step = now / along;
            for (int v = 0; v < vertices; v++) {
                potential[v] += step * direction[v];
                rest[v] -= step * image[v];
            }
        }
        double[] current = new double[arcs];
        for (int a = 0; a < arcs; a++) {
            current[a] = conductance[a] * (potential[tail[a]] - potential[head[a]]);
        }
        return current;
    }

    private void multiply(double[] by, double[] result, int sink) {
        Arrays.fill(result, 0);
        for (int a = 0; a < arcs; a++) {
            double current = conductance[a] * (by[tail[a]] - by[head[a]]);
            result[tail[a]] += current;
            result[head[a]] -= current;
        }
        result[sink] = 0;
    }
}
