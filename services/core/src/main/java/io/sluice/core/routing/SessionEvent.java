package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.recovery.Assignment;

/** What was decided about a session; only these change its state. */
public sealed interface SessionEvent {

    /** It waits for a pipeline. */
    record Queued(SessionId id, long deadlineMs, long atMs) implements SessionEvent {}

    /** The id is in use; the session that holds it is untouched. */
    record Duplicate(SessionId id, SessionPhase phase) implements SessionEvent {}

    /** It runs on a pipeline. */
    record Assigned(int attempt, Pipeline pipeline, long epoch, long atMs) implements SessionEvent {}

    /** It lost a stage, or one cannot go on; it needs another attempt. */
    record Interrupted(String reason, long atMs) implements SessionEvent {}

    /** It runs on with a new attempt. */
    record Reassigned(Assignment assignment, long epoch, String reason, long atMs) implements SessionEvent {}

    /** The next token of the sequence. */
    record TokenAccepted(int index, long atMs) implements SessionEvent {}

    /** A token that changes nothing. */
    record TokenIgnored(Reason reason) implements SessionEvent {
        /** Why. */
        public enum Reason {
            /** Of a pipeline that was replaced, or of a session that has ended. */
            STALE_ATTEMPT,
            /** Received before. */
            REPEATED,
            /** A token before it is missing; the sequence is only ever extended by its next token. */
            GAP
        }
    }

    /** It got its last token. */
    record Finished(long atMs) implements SessionEvent {}

    /** It got no pipeline in time. */
    record Expired(long waitedMs) implements SessionEvent {}

    /** It got no token for too long; its pipeline is taken for broken. */
    record Stalled(long silentMs, long atMs) implements SessionEvent {}

    /** A worker ended it and has told its client; nobody must be told again. */
    record GivenUp(long atMs) implements SessionEvent {}

    /** It ended long ago and is forgotten. */
    record Forgotten() implements SessionEvent {}
}
