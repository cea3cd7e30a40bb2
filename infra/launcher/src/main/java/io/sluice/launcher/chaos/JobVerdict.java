package io.sluice.launcher.chaos;

import java.util.List;

/**
 * What became of the offline jobs. Immutable.
 *
 * @param jobs that the broker took
 * @param cancelled of these, by their client
 * @param items of all jobs
 * @param done items with a result that is no error
 * @param failed items whose result is an error: allowed, once each, and told in the result
 * @param lost items without a result, of jobs that nobody cancelled
 * @param duplicated items with more than one result, and jobs that ended more than once
 * @param stuck jobs that have not ended after the quiet period
 * @param wrong results with another text than undisturbed, and jobs whose count differs from their results
 * @param notes one line for each item or job that is not in order
 */
record JobVerdict(
        int jobs,
        int cancelled,
        int items,
        int done,
        int failed,
        int lost,
        int duplicated,
        int stuck,
        int wrong,
        List<String> notes) {
    /** Where no jobs were sent. */
    static final JobVerdict NONE = new JobVerdict(0, 0, 0, 0, 0, 0, 0, 0, 0, List.of());

    JobVerdict {
        notes = List.copyOf(notes);
    }

    /** Whether every promise was kept. */
    boolean holds() {
        return lost + duplicated + stuck + wrong == 0;
    }
}
