package io.sluice.core.sharing;

/**
 * Which pool each kernel of each stream runs on. Immutable by agreement: do not write into {@code pools}.
 *
 * @param pools by stream and kernel
 * @param lanes sum over streams of the lanes that a stream's kernels have on average
 * @param cost sum over kernels of time, switches and energy, ns
 * @param objective what was minimised, ns
 * @param lowerBound no plan is better than this, ns; equal to the objective but for rounding when the plan is optimal
 * @param slope Lagrange multiplier at which the plan was found, ns per lane; start the next solve from it
 * @param solves dynamic programmes run
 */
@SuppressWarnings("ArrayRecordComponent")
public record PoolPlan(
        int[][] pools, double lanes, double cost, double objective, double lowerBound, double slope, int solves) {
    /** Changes of pool of a stream. */
    public int switches(int stream) {
        int count = 0;
        for (int k = 1; k < pools[stream].length; k++) {
            if (pools[stream][k] != pools[stream][k - 1]) {
                count++;
            }
        }
        return count;
    }
}
