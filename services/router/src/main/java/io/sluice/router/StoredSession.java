package io.sluice.router;

import io.sluice.core.routing.SessionLife;
import java.util.Objects;

/**
 * What the session store keeps of a session. Immutable.
 *
 * @param request null once the session is over: then only its id must be remembered
 * @param assignedMs when it got its first pipeline, milliseconds since the Unix epoch; 0 while it waits
 */
record StoredSession(RoutedRequest request, SessionLife life, long assignedMs, AttemptNotes notes) {
    StoredSession {
        Objects.requireNonNull(life, "life");
        Objects.requireNonNull(notes, "notes");
    }

    StoredSession(RoutedRequest request, SessionLife life, long assignedMs) {
        this(request, life, assignedMs, AttemptNotes.NONE);
    }

    StoredSession with(SessionLife newLife) {
        return new StoredSession(request, newLife, assignedMs, notes);
    }

    StoredSession with(AttemptNotes newNotes) {
        return new StoredSession(request, life, assignedMs, newNotes);
    }

    /** Highest attempt of which workers may know. */
    int newestAttempt() {
        return Math.max(life.attempt(), notes.seen());
    }

    /** Tokens that the session had when its attempt began. */
    int tokensAtStart() {
        int position = life.assignments().getLast().position();
        return position == 0 ? 0 : position - request.promptIds().length + 1;
    }
}
