package io.sluice.runtime;

/**
 * Resources of one stage runner. Immutable.
 *
 * @param threads threads that compute, shared by all runners of the process: the first runner's choice holds
 * @param kvBudgetBytes most memory of the KV cache over all layers held
 * @param spinning whether idle threads spin for a moment: a little faster on a machine of its own, wasteful on a shared
 *     one
 * @param lanes batches that may run beside others at once, each on one thread of the caller's
 *     ({@link StageRunner.StageRun#advanceBeside}); any takes the memory of the layers' weights once more, and of the head's
 *     where the last layer is held
 */
public record RuntimeOptions(int threads, long kvBudgetBytes, boolean spinning, int lanes) {
    /** Most lanes. */
    public static final int LANES_MAX = 64;

    public RuntimeOptions {
        if (threads < 1 || threads > 1024) {
            throw new IllegalArgumentException("threads " + threads + " must be 1 to 1024");
        }
        if (kvBudgetBytes < 1) {
            throw new IllegalArgumentException("a KV budget of " + kvBudgetBytes + " bytes must be above 0");
        }
        if (lanes < 0 || lanes > LANES_MAX) {
            throw new IllegalArgumentException("lanes " + lanes + " must be 0 to " + LANES_MAX);
        }
    }

    /** Without spinning, one batch at a time. */
    public RuntimeOptions(int threads, long kvBudgetBytes) {
        this(threads, kvBudgetBytes, false, 0);
    }

    /** The same, with so many batches that run beside others at once. */
    public RuntimeOptions withLanes(int newLanes) {
        return new RuntimeOptions(threads, kvBudgetBytes, spinning, newLanes);
    }
}
