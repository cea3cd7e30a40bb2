package io.sluice.core.planning;

/**
 * Port to a solver of the maximum flow of least cost.
 *
 * <p>Contract, held by every implementation: the value is the maximum flow from source to sink; among maximum flows the
 * cost is least; the same network (same order of arcs) yields the same flow; relative error of the value is at most
 * 1e-6. Implementations say whether they are thread-safe.
 */
public interface MaxFlowSolver {
    /** Flow per arc, in the order the arcs were added; conserved at every vertex but source and sink. */
    double[] solve(FlowNetwork network);
}
