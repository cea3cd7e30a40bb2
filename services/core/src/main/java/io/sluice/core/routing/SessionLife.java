package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.recovery.Assignment;
import java.util.List;
import java.util.Objects;

/**
 * The part of a session's state that decisions need. Immutable.
 *
 * @param attempt fencing number of the pipeline, from 1; 0 while it waits
 * @param epoch epoch of the allocation the pipeline was chosen under; 0 while it waits
 * @param pipeline null while it waits
 * @param nextIndex tokens received so far, which is the index expected next
 * @param changedMs when it entered its phase or got its last token, milliseconds
 * @param deadlineMs last instant at which it may be assigned, milliseconds
 * @param assignments its attempts, oldest first; the last one is that of {@code attempt} and {@code pipeline}
 */
public record SessionLife(
        SessionId id,
        SessionPhase phase,
        int attempt,
        long epoch,
        Pipeline pipeline,
        int nextIndex,
        long changedMs,
        long deadlineMs,
        List<Assignment> assignments) {
    public SessionLife {
        assignments = List.copyOf(assignments);
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(phase, "phase");
        if ((pipeline == null) != (phase == SessionPhase.WAITING) || (pipeline == null) != (attempt == 0)) {
            throw new IllegalArgumentException("session " + id + " is " + phase + " with attempt " + attempt
                    + " and pipeline " + pipeline + ": exactly a waiting session has neither");
        }
        Assignment last = assignments.isEmpty() ? null : assignments.getLast();
        if (last == null
                ? pipeline != null
                : last.attempt() != attempt || !last.pipeline().equals(pipeline)) {
            throw new IllegalArgumentException("session " + id + ", attempt " + attempt + " on " + pipeline
                    + ", has the assignments " + assignments + ": the last one must be the same");
        }
    }

    /** A session that has had at most one attempt, from nothing. */
    public SessionLife(
            SessionId id,
            SessionPhase phase,
            int attempt,
            long epoch,
            Pipeline pipeline,
            int nextIndex,
            long changedMs,
            long deadlineMs) {
        this(
                id,
                phase,
                attempt,
                epoch,
                pipeline,
                nextIndex,
                changedMs,
                deadlineMs,
                pipeline == null ? List.of() : List.of(Assignment.fresh(attempt, pipeline)));
    }

    /** The same session further on. */
    SessionLife with(SessionPhase newPhase, int newNextIndex, long atMs) {
        return new SessionLife(id, newPhase, attempt, epoch, pipeline, newNextIndex, atMs, deadlineMs, assignments);
    }
}
