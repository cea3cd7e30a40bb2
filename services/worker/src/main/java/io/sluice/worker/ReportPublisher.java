package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.SessionReport;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/** Tells the router which attempts cannot go on here, keyed by request id. Thread-safe as far as its sink is. */
final class ReportPublisher {
    private final WorkerId self;
    private final long incarnation;
    private final LongSupplier epochMillis;
    private final BiConsumer<String, SessionReport> sink;

    /** @param sink takes key and record; must not block for longer than a send takes */
    ReportPublisher(WorkerId self, long incarnation, LongSupplier epochMillis, BiConsumer<String, SessionReport> sink) {
        this.self = Objects.requireNonNull(self, "self");
        this.incarnation = incarnation;
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
        this.sink = Objects.requireNonNull(sink, "sink");
    }

    void send(SessionId session, int attempt, Trouble trouble, String message) {
        sink.accept(
                session.value(),
                new SessionReport(
                        session.value(),
                        attempt,
                        self.value(),
                        incarnation,
                        ResumeCodec.encode(trouble),
                        message,
                        epochMillis.getAsLong()));
    }
}
