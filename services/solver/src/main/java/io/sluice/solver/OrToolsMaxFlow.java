package io.sluice.solver;

import com.google.ortools.Loader;
import com.google.ortools.graph.MinCostFlow;
import com.google.ortools.graph.MinCostFlowBase.Status;
import io.sluice.core.planning.FlowNetwork;
import io.sluice.core.planning.MaxFlowSolver;

/**
 * {@link MaxFlowSolver} over OR-Tools' cost-scaling minimum-cost flow (Goldberg).
 *
 * <p>OR-Tools counts in integers: capacities are multiplied by the power of two that brings the largest to about 2^40
 * and rounded down, so a flow is exact to 2^-40 of the largest capacity and sums stay far below 2^63. Arcs are passed
 * in the order given, so the same network yields the same flow. Natives load once per class loader, on first use (1–2
 * s); {@link #load} does it early. Thread-safe.
 */
public final class OrToolsMaxFlow implements MaxFlowSolver {
    private static final int SCALED_BITS = 40;

    /** Loads the native library; later calls return at once. */
    public static void load() {
        Natives.ensure();
    }

    @Override
    public double[] solve(FlowNetwork network) {
        Natives.ensure();
        int arcs = network.arcCount();
        double[] flow = new double[arcs];
        double largest = 0;
        for (int arc = 0; arc < arcs; arc++) {
            largest = Math.max(largest, network.capacity(arc));
        }
        if (largest == 0) {
            return flow;
        }
        int exponent = SCALED_BITS - Math.getExponent(largest);
        MinCostFlow solver = new MinCostFlow(network.vertexCount(), arcs);
        try {
            long total = 0;
            for (int arc = 0; arc < arcs; arc++) {
                long capacity = (long) Math.scalb(network.capacity(arc), exponent);
                solver.addArcWithCapacityAndUnitCost(network.tail(arc), network.head(arc), capacity, network.cost(arc));
                total += network.tail(arc) == network.source() ? capacity : 0;
            }
            // Asks for all the source could ever send; "max flow of min cost" delivers what there is.
            solver.setNodeSupply(network.source(), total);
            solver.setNodeSupply(network.sink(), -total);
            Status status = solver.solveMaxFlowWithMinCost();
            if (status != Status.OPTIMAL) {
                throw new IllegalStateException("OR-Tools could not solve a network of " + network.vertexCount()
                        + " vertices and " + arcs + " arcs: " + status);
            }
            for (int arc = 0; arc < arcs; arc++) {
                flow[arc] = Math.scalb((double) solver.getFlow(arc), -exponent);
            }
            return flow;
        } finally {
            solver.delete();
        }
    }

    /** Initialised once per class loader, under the JVM's own lock. */
    private static final class Natives {
        static {
            Loader.loadNativeLibraries();
        }

        static void ensure() {
            // Running the static initialiser is the effect.
        }
    }
}
