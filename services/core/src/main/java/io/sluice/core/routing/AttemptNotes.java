package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.Members;
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
public record AttemptNotes(int seen, int fruitless, int failures, List<Long> incarnations) {
    public static final AttemptNotes NONE = new AttemptNotes(0, 0, 0, List.of());

    public AttemptNotes {
        incarnations = List.copyOf(incarnations);
    }

    /** Incarnation of the stage's worker, as far as it was known. */
    public long incarnation(int stage) {
        return stage < incarnations.size() ? incarnations.get(stage) : LeaseTable.UNKNOWN;
    }

    /** The same, with an attempt seen at work. */
    public AttemptNotes withSeen(int attempt) {
        return new AttemptNotes(Math.max(seen, attempt), fruitless, failures, incarnations);
    }

    public AttemptNotes withIncarnations(List<Long> values) {
        return new AttemptNotes(seen, fruitless, failures, values);
    }

    public AttemptNotes withCounts(int newFruitless, int newFailures) {
        return new AttemptNotes(seen, newFruitless, newFailures, incarnations);
    }

    /** Incarnations that are known now. */
    public static List<Long> incarnations(Pipeline pipeline, Members members) {
        return pipeline.stages().stream()
                .map(stage -> members.incarnation(stage.worker()))
                .toList();
    }
}
