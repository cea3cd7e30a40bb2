package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.SessionReport;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes reports of stages that cannot go on; only those about the session's present attempt count. Used by one task. */
final class ReportIntake {
    private static final Logger LOG = LoggerFactory.getLogger(ReportIntake.class);

    private final SessionBook book;
    private final Recovery recovery;
    private final Membership members;
    private final Rehoming rehoming;
    private final Outbox outbox;
    private final RouterMetrics metrics;
    private long misplaced;

    ReportIntake(
            SessionBook book,
            Recovery recovery,
            Membership members,
            Rehoming rehoming,
            Outbox outbox,
            RouterMetrics metrics) {
        this.book = book;
        this.recovery = recovery;
        this.members = members;
        this.rehoming = rehoming;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    void take(SessionReport report, Outbox.Origin origin, long now) {
        WorkerId worker;
        try {
            worker = new WorkerId(report.getWorker());
        } catch (IllegalArgumentException e) {
            outbox.deadLetter(origin, ErrorReason.MALFORMED_RECORD, e.getMessage());
            return;
        }
        Optional<StoredSession> found = book.running(report.getRequestId());
        if (found.isEmpty()) {
            stray(origin);
            return;
        }
        StoredSession session = found.get();
        if (report.getIncarnation() < members.incarnation(worker)) {
            metrics.report("zombie");
            return;
        }
        switch (session.running().fate(report.getAttempt())) {
            case UNKNOWN -> {
                metrics.report("overtaken");
                recovery.overtaken(session, report.getAttempt(), now);
            }
            case STALE -> metrics.report("stale_attempt");
            case PRESENT -> {
                metrics.report("used");
                recovery.report(session, worker, ResumeCodec.decode(report.getTrouble()), report.getMessage(), now);
            }
        }
    }

    private void stray(Outbox.Origin origin) {
        if (!rehoming.isMisplaced(origin.key())) {
            metrics.report("stray");
            return;
        }
        metrics.report("misplaced");
        misplaced++;
        // A flood of them must not become a flood of lines.
        if (Long.bitCount(misplaced) == 1) {
            LOG.warn(
                    "report dropped partition={} offset={} droppedSoFar={}: its key belongs to another partition, whose"
                            + " session only notices the silence",
                    origin.partition(),
                    origin.offset(),
                    misplaced);
        }
    }
}
