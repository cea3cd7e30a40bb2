package io.sluice.router;

import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.RunningSession;
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

    /** What the core must know of it to decide how it goes on; only of one that runs. */
    RunningSession running() {
        return new RunningSession(life, notes, request.promptIds().length, request.maxTokens(), request.serviceClass());
    }
}
