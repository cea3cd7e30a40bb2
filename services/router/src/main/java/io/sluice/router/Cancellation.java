package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.records.ErrorReason;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends requests that their clients take back, by a record without a value under the request's id: one that waits leaves
 * the queue, one that runs is freed at every stage, and both end in one error. A request that has ended, or is not known,
 * stays as it is. Used by one task.
 */
final class Cancellation {
    private static final Logger LOG = LoggerFactory.getLogger(Cancellation.class);

    private final SessionBook book;
    private final Admission admission;
    private final Recovery recovery;
    private final SessionEnds ends;
    private final Rehoming rehoming;
    private final Outbox outbox;
    private final RouterMetrics metrics;

    Cancellation(
            SessionBook book,
            Admission admission,
            Recovery recovery,
            SessionEnds ends,
            Rehoming rehoming,
            Outbox outbox,
            RouterMetrics metrics) {
        this.book = book;
        this.admission = admission;
        this.recovery = recovery;
        this.ends = ends;
        this.rehoming = rehoming;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    /** Takes a record of the requests topic that has no value; returns whether a session ended. */
    boolean take(Record<byte[], byte[]> record, Outbox.Origin origin, long now) {
        String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
        Optional<SessionId> id = RequestChecker.validId(key);
        if (id.isEmpty()) {
            outbox.deadLetter(
                    origin,
                    ErrorReason.MALFORMED_RECORD,
                    "the record has no value and its key is no request id; to cancel a request, its id must be the"
                            + " key");
            return false;
        }
        if (rehoming.isMisplaced(record.key())) {
            rehoming.send(record, key, origin);
            return false;
        }
        String message = "cancelled by a record without a value on " + Topics.REQUESTS.name();
        Optional<StoredSession> waits = book.queue().remove(id.get());
        if (waits.isPresent()) {
            admission.forget(id.get());
            ends.neverRan(waits.get(), ErrorReason.CANCELLED, message, now);
            LOG.info("session cancelled id={} phase=waiting", id.get());
            return true;
        }
        Optional<StoredSession> runs = book.running(key);
        if (runs.isEmpty()) {
            metrics.outcome("cancelled_in_vain");
            return false;
        }
        cancel(runs.get(), message, now);
        return true;
    }

    private void cancel(StoredSession session, String message, long now) {
        Optional<SessionLife> life = Optional.of(session.life());
        for (SessionEvent event : SessionMachine.decide(life, new GiveUp(), now)) {
            life = SessionMachine.apply(life, event);
        }
        int newest = recovery.newestAttempt(session, now);
        ends.givenUp(session, life.orElseThrow(), ErrorReason.CANCELLED, message, newest, now);
        recovery.ended(session);
    }
}
