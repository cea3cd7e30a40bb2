package io.sluice.core.sharing;

/**
 * What one number of side lanes brought and cost in an interval, as reported. Immutable.
 *
 * @param lanes in use beside latency-critical batches; 0: batches that ran alone, and best-effort work in the gaps
 * @param batches latency-critical batches that ended
 * @param serviceNanos time they were served, summed
 * @param aloneNanos what they would usually have taken alone, summed
 * @param runNanos time that best-effort slices ran, summed over the lanes
 * @param units work that they did
 * @param keptNanos time that the idle device waited for a batch to come back from its lane
 */
public record PoolSample(
        int lanes,
        long batches,
        double serviceNanos,
        double aloneNanos,
        double runNanos,
        double units,
        double keptNanos) {}
