package io.sluice.router;

import io.sluice.core.routing.Notice;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.records.ErrorReason;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ways in which an accepted request ends, each with exactly one record for its client; all free what the session
 * holds. Whoever calls then looks at who waits. Used by one task.
 */
final class SessionEnds {
    private static final Logger LOG = LoggerFactory.getLogger(SessionEnds.class);

    private final SessionBook book;
    private final Outbox outbox;
    private final SharedDispatch dispatch;

    SessionEnds(SessionBook book, Outbox outbox, SharedDispatch dispatch) {
        this.book = book;
        this.outbox = outbox;
        this.dispatch = dispatch;
    }

    /**
     * It got its last token. The last stage frees it along the pipeline; where that may stop on the way, or stages of
     * earlier attempts have it, the router tells them, too.
     *
     * @param newest highest attempt that workers may know
     */
    void finished(StoredSession session, int newest, long now) {
        SessionLife life = session.life();
        List<Token> tokens = book.end(life);
        outbox.completion(
                RouterCodec.completion(session, tokens), session.request().serviceClass());
        outbox.session(RouterCodec.session(session.request(), life, SessionState.FINISHED, now));
        free(session, newest, now);
    }

    /** It left the queue without a pipeline. */
    void expired(StoredSession session, String obstacle, long now) {
        neverRan(session, ErrorReason.DEADLINE_PASSED, late(session.request(), now, obstacle), now);
    }

    /** It left the queue without a pipeline, for another reason than time. */
    void neverRan(StoredSession session, ErrorReason reason, String message, long now) {
        RoutedRequest request = session.request();
        book.drop(request.id());
        outbox.failure(request.id().value(), reason, message);
        outbox.session(RouterCodec.session(request, session.life(), SessionState.REJECTED, now));
    }

    /** Why a request whose deadline has passed got no pipeline. */
    static String late(RoutedRequest request, long now, String obstacle) {
        return "no pipeline within " + (request.deadlineMs() - request.arrivalMs()) + " ms of arrival ("
                + (now - request.arrivalMs()) + " ms have passed): " + obstacle;
    }

    /**
     * Nothing came of it for too long.
     *
     * @param newest highest attempt that workers may know
     * @param obstacle why it has not gone on elsewhere; empty: nothing is known to be lost
     */
    void stalled(StoredSession session, SessionLife life, long silentMs, int newest, String obstacle, long now) {
        if (life.phase() != SessionPhase.FAILED) {
            throw new IllegalStateException("session " + life.id() + " stalled and is " + life.phase());
        }
        String message = "no token for " + silentMs + " ms after " + life.nextIndex() + " of at most "
                + session.request().maxTokens() + " tokens, pipeline "
                + life.pipeline().stages()
                + (obstacle.isEmpty()
                        ? "; look at these workers and send the request again under a new id"
                        : ": " + obstacle + "; bring the workers back and send the request again under a new id");
        outbox.failure(life.id().value(), ErrorReason.WORKER_FAILED, message);
        giveBack(session, life, newest, now);
        LOG.warn(
                "session failed id={} silentMs={} pipeline={} obstacle={}",
                life.id(),
                silentMs,
                life.pipeline().stages(),
                obstacle);
    }

    /** No further attempt would help, or nobody wants one. */
    void givenUp(StoredSession session, SessionLife life, ErrorReason reason, String message, int newest, long now) {
        outbox.failure(life.id().value(), reason, message);
        giveBack(session, life, newest, now);
        if (reason == ErrorReason.CANCELLED) {
            LOG.info("session cancelled id={} phase=running tokens={}", life.id(), life.nextIndex());
        } else {
            LOG.warn("session given up id={} reason={} message={}", life.id(), reason, message);
        }
    }

    private void giveBack(StoredSession session, SessionLife life, int newest, long now) {
        book.end(life);
        outbox.session(RouterCodec.session(session.request(), life, SessionState.REJECTED, now));
        free(session.with(life), newest, now);
    }

    private void free(StoredSession session, int newest, long now) {
        for (Notice notice : Notice.ofEnd(session.running(), newest, dispatch.members())) {
            if (notice instanceof Notice.Drop drop
                    && dispatch.hasTopic(drop.stage().worker())) {
                outbox.chunks(RouterCodec.drop(session.life().id(), drop, now));
            }
        }
        dispatch.release(session.life().id());
    }
}
