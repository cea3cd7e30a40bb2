package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.routing.SessionEvent.Stalled;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import java.util.List;
import java.util.Optional;
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
    private final RouterMetrics metrics;

    SessionEnds(SessionBook book, Outbox outbox, SharedDispatch dispatch, RouterMetrics metrics) {
        this.book = book;
        this.outbox = outbox;
        this.dispatch = dispatch;
        this.metrics = metrics;
    }

    /** It got its last token. */
    void finished(StoredSession session, long now) {
        List<Token> tokens = book.end(session.life());
        outbox.completion(RouterCodec.completion(session, tokens));
        outbox.session(RouterCodec.session(session.request(), session.life(), SessionState.FINISHED, now));
        dispatch.release(session.life().id());
    }

    /** It left the queue without a pipeline. */
    void expired(StoredSession session, String obstacle, long now) {
        RoutedRequest request = session.request();
        book.drop(request.id());
        outbox.failure(request.id().value(), ErrorReason.DEADLINE_PASSED, late(request, now, obstacle));
        outbox.session(RouterCodec.session(request, session.life(), SessionState.REJECTED, now));
    }

    /** Why a request whose deadline has passed got no pipeline. */
    static String late(RoutedRequest request, long now, String obstacle) {
        return "no pipeline within " + (request.deadlineMs() - request.arrivalMs()) + " ms of arrival ("
                + (now - request.arrivalMs()) + " ms have passed): " + obstacle;
    }

    /** A silent pipeline is taken for broken: the session ends here. Recovery would assign a new attempt instead. */
    void stalled(StoredSession session, SessionLife life, Stalled event, long now) {
        if (life.phase() != SessionPhase.FAILED) {
            throw new IllegalStateException("session " + life.id() + " stalled and is " + life.phase());
        }
        String message = "no token for " + event.silentMs() + " ms after " + life.nextIndex() + " of at most "
                + session.request().maxTokens() + " tokens, pipeline "
                + life.pipeline().stages()
                + "; look at these workers and send the request again under a new id";
        outbox.failure(life.id().value(), ErrorReason.WORKER_FAILED, message);
        giveBack(session, life, now);
        LOG.warn(
                "session failed id={} silentMs={} pipeline={}",
                life.id(),
                event.silentMs(),
                life.pipeline().stages());
    }

    /**
     * A worker could not go on. Its error record is the one that the client gets.
     *
     * @param life after the event; empty when the session waits, which it does when its first assignment was lost in a
     *     crash of the router, though not on its way to the worker
     */
    void givenUp(StoredSession session, Optional<SessionLife> life, ErrorRecord error, long now) {
        if (life.isPresent()) {
            giveBack(session, life.get(), now);
        } else {
            SessionId id = session.life().id();
            book.queue().remove(id);
            book.drop(id);
            outbox.session(RouterCodec.session(session.request(), session.life(), SessionState.REJECTED, now));
        }
        metrics.refused(error.getReason());
        LOG.info(
                "session given up id={} service={} reason={}",
                error.getRequestId(),
                error.getService(),
                error.getReason());
    }

    /** Also tells the stages: a worker that misses the set-up of a session does not know whom to tell. */
    private void giveBack(StoredSession session, SessionLife life, long now) {
        book.end(life);
        outbox.session(RouterCodec.session(session.request(), life, SessionState.REJECTED, now));
        outbox.chunks(RouterCodec.release(life, now));
        dispatch.release(life.id());
    }
}
