package io.sluice.router;

import io.sluice.core.Pipeline;
import io.sluice.core.membership.LeaseTable;
import java.util.List;

/**
 * What must be remembered of a session's attempts beside their assignments. Immutable.
 *
 * @param seen highest number of an attempt that the router has seen at work; above the session's own attempt where a
 *     crash undid the record of what had been sent: then only a higher one may follow
 * @param fruitless attempts in a row that were interrupted before they led to a token
 * @param failures reports in a row, without a token between them, that the session itself cannot be computed
 * @param incarnations of the workers of the pipeline when it was chosen, by stage; {@link LeaseTable#UNKNOWN}: not known
 */
record AttemptNotes(int seen, int fruitless, int failures, List<Long> incarnations) {
    static final AttemptNotes NONE = new AttemptNotes(0, 0, 0, List.of());

    AttemptNotes {
        incarnations = List.copyOf(incarnations);
    }

    /** Incarnation of the stage's worker, as far as it was known. */
    long incarnation(int stage) {
        return stage < incarnations.size() ? incarnations.get(stage) : LeaseTable.UNKNOWN;
    }

    /** The same, with an attempt seen at work. */
    AttemptNotes withSeen(int attempt) {
        return new AttemptNotes(Math.max(seen, attempt), fruitless, failures, incarnations);
    }

    AttemptNotes withIncarnations(List<Long> values) {
        return new AttemptNotes(seen, fruitless, failures, values);
    }

    AttemptNotes withCounts(int newFruitless, int newFailures) {
        return new AttemptNotes(seen, newFruitless, newFailures, incarnations);
    }

    /** Incarnations that are known now. */
    static List<Long> incarnations(Pipeline pipeline, Membership members) {
        return pipeline.stages().stream()
                .map(stage -> members.incarnation(stage.worker()))
                .toList();
    }
}
