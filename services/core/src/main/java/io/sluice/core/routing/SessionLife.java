package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
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
 */
public record SessionLife(
        SessionId id,
        SessionPhase phase,
        int attempt,
        long epoch,
        Pipeline pipeline,
        int nextIndex,
        long changedMs,
        long deadlineMs) {
    public SessionLife {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(phase, "phase");
        if ((pipeline == null) != (phase == SessionPhase.WAITING) || (pipeline == null) != (attempt == 0)) {
            throw new IllegalArgumentException("session " + id + " is " + phase + " with attempt " + attempt
                    + " and pipeline " + pipeline + ": exactly a waiting session has neither");
        }
    }
}
