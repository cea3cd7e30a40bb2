package io.sluice.core.recovery;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds a stage's inputs in the log without a scan of everything: every accepted token says at which offset of which
 * topic the inputs of its step lie, so that the tokens of a session are the index of all it has done. The inputs of
 * layer {@code f} may lie in several topics, one after the other, where the worker that entered there was replaced
 * before. Stateless.
 */
public final class LogIndex {
    /** Records between two of a session that cost less to read over than a new seek: about a fetch's worth. */
    static final long READ_OVER = 256;

    private LogIndex() {}

    /**
     * Where the inputs that entered at {@code enterLayer} lie for all positions that led to the tokens.
     *
     * @param assignments the attempts of the session, oldest first
     * @param steps one per accepted token, in order
     * @return empty when the log does not hold them all: a hop without an offset, a step over another pipeline than its
     *     attempt's, or an attempt in which no stage entered at this layer
     */
    public static Optional<List<LogRange>> ranges(List<Assignment> assignments, List<StepTrace> steps, int enterLayer) {
        Map<Integer, Assignment> byAttempt = new HashMap<>();
        assignments.forEach(assignment -> byAttempt.put(assignment.attempt(), assignment));
        List<LogRange> ranges = new ArrayList<>();
        int attempt = 0;
        for (StepTrace step : steps) {
            Assignment assignment = byAttempt.get(step.attempt());
            int index = assignment == null || !assignment.ledTo(step) ? -1 : indexOf(assignment, enterLayer);
            if (index < 0) {
                return Optional.empty();
            }
            boolean first = step.attempt() != attempt;
            attempt = step.attempt();
            ResumeMode mode = assignment.stages().get(index).mode();
            if (first && mode == ResumeMode.FRESH) {
                // Everything was sent again, and nothing from before is needed.
                ranges.clear();
            }
            WorkerId worker = assignment.pipeline().stages().get(index).worker();
            Optional<StepTrace.Hop> hop =
                    step.hops().stream().filter(h -> h.worker().equals(worker)).findFirst();
            if (hop.isEmpty() || hop.get().offset() < 0 || (first && hop.get().firstOffset() < 0)) {
                return Optional.empty();
            }
            long from = first ? hop.get().firstOffset() : hop.get().offset();
            LogRange next = new LogRange(
                    worker, Math.min(from, hop.get().offset()), hop.get().offset() + 1);
            // Before a rebuild there may lie inputs of an attempt that led to no token, cut short: not to be read over.
            append(ranges, next, first && mode == ResumeMode.REBUILD);
        }
        return ranges.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(ranges));
    }

    private static int indexOf(Assignment assignment, int enterLayer) {
        List<Stage> stages = assignment.pipeline().stages();
        for (int i = 0; i < stages.size(); i++) {
            if (stages.get(i).layers().first() == enterLayer) {
                return i;
            }
        }
        return -1;
    }

    private static void append(List<LogRange> ranges, LogRange next, boolean apart) {
        LogRange last = ranges.isEmpty() ? null : ranges.getLast();
        boolean joins = last != null
                && !apart
                && last.worker().equals(next.worker())
                && next.firstOffset() >= last.firstOffset()
                && next.firstOffset() - last.endOffset() <= READ_OVER;
        if (joins) {
            ranges.removeLast();
            ranges.add(new LogRange(last.worker(), last.firstOffset(), Math.max(last.endOffset(), next.endOffset())));
        } else {
            ranges.add(next);
        }
    }
}
