package io.sluice.router;

import io.sluice.core.routing.SessionLife;

/**
 * What the session store keeps of a session. Immutable.
 *
 * @param request null once the session is over: then only its id must be remembered
 * @param assignedMs when it got its pipeline, milliseconds since the Unix epoch; 0 while it waits
 */
record StoredSession(RoutedRequest request, SessionLife life, long assignedMs) {
    StoredSession with(SessionLife newLife) {
        return new StoredSession(request, newLife, assignedMs);
    }
}
