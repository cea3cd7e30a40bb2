package io.sluice.worker;

import io.sluice.core.slo.StageBudget;
import java.util.List;

/**
 * When the steps of a latency-critical batch were ready, and what the budgets of their sessions at this stage let them take from
 * then on. What this loop let a step wait itself counts as used, since its user waits, too, but not as waiting for the device.
 * Positions that are computed again have no budget: their tokens are out. Used by the compute thread.
 */
final class CriticalSteps {
    private static final double NANOS_PER_MICRO = 1_000;

    private final List<Work> batch;
    private final long[] readyNanos;
    private final double[] budgetNanos;

    /**
     * @param decodesHeldNanos until when decode steps did not run because the loop let them wait
     * @param promptsHeldNanos prompts, likewise
     */
    CriticalSteps(List<Work> batch, long decodesHeldNanos, long promptsHeldNanos) {
        this.batch = batch;
        this.readyNanos = new long[batch.size()];
        this.budgetNanos = new double[batch.size()];
        for (int i = 0; i < readyNanos.length; i++) {
            Work work = batch.get(i);
            long received = work.chunk().arrival().receivedNanos();
            if (hasPromptBudget(work)) {
                var prompt = work.session().prompt;
                long since = prompt.sinceNanos(received);
                readyNanos[i] = Math.max(since, promptsHeldNanos);
                int end = work.chunk().end();
                double left =
                        prompt.leftNanos(budget(work), end, work.session().plan.promptTokens());
                budgetNanos[i] = left - (readyNanos[i] - since);
            } else {
                readyNanos[i] = Math.max(received, work.isPrompt() ? promptsHeldNanos : decodesHeldNanos);
                double whole = work.isPrompt() ? 0 : budget(work).tpotMicros() * NANOS_PER_MICRO;
                budgetNanos[i] = whole - (readyNanos[i] - received);
            }
        }
    }

    private static StageBudget budget(Work work) {
        return work.session().plan.budget();
    }

    private static boolean hasPromptBudget(Work work) {
        return work.isPrompt() && !work.session().plan.resumed() && budget(work).ttftMicros() > 0;
    }

    /** Per step, since when only the device has kept it waiting. */
    long[] readyNanos() {
        return readyNanos;
    }

    /** Per step, what is left of its budget then, ns; not positive: none. */
    double[] budgetNanos() {
        return budgetNanos;
    }

    /** The batch has ended. */
    void ended(long nowNanos) {
        for (Work work : batch) {
            if (hasPromptBudget(work)) {
                work.session().prompt.computed(work.chunk().arrival().receivedNanos(), nowNanos);
            }
        }
    }
}
