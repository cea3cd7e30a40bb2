package io.sluice.router;

import io.sluice.core.routing.SessionPatience;
import io.sluice.core.routing.SessionWatch;
import java.time.Duration;
import java.util.ArrayList;

/**
 * Looks after the running sessions of one partition where nobody reports anything, as {@link SessionPatience} says: those
 * whose tokens stay away, those on workers that drain, and those that are beyond help. Used by one task.
 */
final class SessionCare {
    /** No prompt is taken for lost before. */
    private static final long LEAST_PROMPT_MS = Duration.ofSeconds(30).toMillis();
    /** A session that would end this close to its worker's deadline is moved before. */
    private static final long DRAIN_MARGIN_MS = Duration.ofSeconds(2).toMillis();

    private final SessionBook book;
    private final Recovery recovery;
    private final SessionEnds ends;
    private final SessionPatience patience;
    private final Rounds round;

    SessionCare(RouterConfig config, SessionBook book, SharedDispatch dispatch, Recovery recovery, SessionEnds ends) {
        this.book = book;
        this.recovery = recovery;
        this.ends = ends;
        this.round = new Rounds(book);
        this.patience = new SessionPatience(
                new SessionPatience.Limits(
                        config.stall().toMillis(),
                        config.sessionTimeout().toMillis(),
                        LEAST_PROMPT_MS,
                        DRAIN_MARGIN_MS),
                dispatch.members(),
                recovery.rules());
    }

    /** Begins to look at all sessions: nudges the silent ones and moves those whose workers leave. */
    void look(long now) {
        round.begin();
        goOn(now);
    }

    /** Goes on with what {@link #look} had no time for. */
    void goOn(long now) {
        if (patience.mayLook()) {
            round.goOn(
                    recovery::hasTime,
                    session -> recovery.carryOut(
                            session, now, (watch, known) -> patience.look(session.running(), watch, known, now)));
        }
    }

    /** Ends sessions that had no token for too long, whatever was tried; returns whether there were any. */
    boolean endStalled(long now) {
        int before = book.running().size();
        for (StoredSession session : new ArrayList<>(book.running())) {
            SessionWatch watch = recovery.watch(session, now);
            patience.stalled(session.running(), watch, now).ifPresent(ended -> {
                long silentMs = now - watch.progressMs();
                int newest = recovery.newestAttempt(session, now);
                ends.stalled(session, ended, silentMs, newest, watch.obstacle(), now);
                recovery.ended(session);
            });
        }
        return book.running().size() < before;
    }
}
