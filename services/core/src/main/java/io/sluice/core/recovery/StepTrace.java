package io.sluice.core.recovery;

import io.sluice.core.WorkerId;
import java.util.List;
import java.util.Objects;

/**
 * Where the inputs of one accepted token lie in the log: what its record tells of every hop. Immutable.
 *
 * @param attempt attempt that led to the token
 * @param hops in pipeline order
 */
public record StepTrace(int attempt, List<Hop> hops) {
    public StepTrace {
        hops = List.copyOf(hops);
    }

    /**
     * One hop of the step.
     *
     * @param firstOffset record, in the worker's topic, of the first chunk of the attempt; -1: not known
     * @param offset record of this step's chunk; -1: it was not in the log
     */
    public record Hop(WorkerId worker, long firstOffset, long offset) {
        public Hop {
            Objects.requireNonNull(worker, "worker");
        }
    }
}
