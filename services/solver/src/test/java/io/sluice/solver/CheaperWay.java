package io.sluice.solver;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Test oracle of least cost (Klein 1967): a flow costs the least exactly when no cycle of its residual network has a
 * negative cost. Costs are spelt out here, steps of workers, crossings and steps of edges; nothing is shared with the
 * solver.
 */
final class CheaperWay {
    private static final double FULL = 1e-6;

    private record Arc(int tail, int head, double cost) {}

    private final List<Arc> arcs = new ArrayList<>();
    private final double none;

    private CheaperWay(double none) {
        this.none = none;
    }

    /**
     * Whether some flow could go another way and cost less.
     *
     * @param slack what a change on an edge must bring beyond its cost
     */
    static boolean exists(Allocation allocation, double slack) {
        Map<String, Integer> index = new HashMap<>();
        Map<String, WorkerFlow> workers = new HashMap<>();
        CheaperWay residual = new CheaperWay(FULL * allocation.maxFlow());
        for (WorkerFlow w : allocation.workers()) {
            int i = index.size();
            index.put(w.worker().value(), i);
            workers.put(w.worker().value(), w);
            residual.add(2 + 2 * i, 3 + 2 * i, w.flow(), w.capacity(), w.capacity(), 16, 0, 64, 0);
        }
        for (EdgeFlow e : allocation.edges()) {
            WorkerFlow a = workers.get(e.from());
            WorkerFlow b = workers.get(e.to());
            int tail = a == null ? 0 : 3 + 2 * index.get(e.from());
            int head = b == null ? 1 : 2 + 2 * index.get(e.to());
            double useful =
                    Math.min(e.capacity(), Math.min(a == null ? 1e18 : a.capacity(), b == null ? 1e18 : b.capacity()));
            double fixed = a != null && b != null && !a.region().equals(b.region()) ? 48 : 0;
            residual.add(tail, head, e.flow(), e.capacity(), useful, 4, fixed, 1, slack);
        }
        return residual.negativeCycle(2 + 2 * index.size());
    }

    private void add(
            int tail,
            int head,
            double flow,
            double capacity,
            double useful,
            int steps,
            double fixed,
            double unit,
            double slack) {
        double step = useful / steps;
        // At the end of a step the way on costs the next one, the way back this one.
        int next = step > 0 ? (int) Math.min(steps - 1, Math.floor((flow + none) / step)) : 0;
        int last = step > 0 ? (int) Math.clamp(Math.ceil((flow - none) / step) - 1, 0, steps - 1) : 0;
        if (Math.min(capacity, useful) - flow > none) {
            arcs.add(new Arc(tail, head, fixed + unit * (2 * next + 1) + slack));
        }
        if (flow > none) {
            arcs.add(new Arc(head, tail, -fixed - unit * (2 * last + 1) + slack));
        }
    }

    /** Bellman and Ford from everywhere at once: distances that still fall after a round per vertex. */
    private boolean negativeCycle(int vertices) {
        double[] distance = new double[vertices];
        for (int round = 0; round <= vertices; round++) {
            boolean fell = false;
            for (Arc arc : arcs) {
                double through = distance[arc.tail()] + arc.cost();
                if (through < distance[arc.head()] - 1e-6) {
                    distance[arc.head()] = through;
                    fell = true;
                }
            }
            if (!fell) {
                return false;
            }
        }
        return true;
    }
}
