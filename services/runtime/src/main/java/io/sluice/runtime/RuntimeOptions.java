package io.sluice.runtime;

/**
 * Resources of one stage runner. Immutable.
 *
 * @param threads threads that compute, shared by all runners of the process: the first runner's choice holds
 * @param kvBudgetBytes most memory of the KV cache over all layers held
 * @param spinning whether idle threads spin for a moment: a little faster on a machine of its own, wasteful on a shared
 *     one
 * @param beside whether batches may run on one thread of the caller's beside others ({@link StageRunner.StageRun#beside});
 *     takes the memory of the layers' weights once more
 */
public record RuntimeOptions(int threads, long kvBudgetBytes, boolean spinning, boolean beside) {
    public RuntimeOptions {
        if (threads < 1 || threads > 1024) {
            throw new IllegalArgumentException("threads " + threads + " must be 1 to 1024");
        }
        if (kvBudgetBytes < 1) {
            throw new IllegalArgumentException("a KV budget of " + kvBudgetBytes + " bytes must be above 0");
        }
    }

    /** Without spinning, one batch at a time. */
    public RuntimeOptions(int threads, long kvBudgetBytes) {
        this(threads, kvBudgetBytes, false, false);
    }

    /** The same, with batches that run beside others. */
    public RuntimeOptions withBeside() {
        return new RuntimeOptions(threads, kvBudgetBytes, spinning, true);
    }
}
