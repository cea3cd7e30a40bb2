package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.schemas.RecordFormatException;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Builds the error records of this worker: dead letters with origin and, where it can be read, the request they end;
 * and sessions that cannot go on. Thread-safe as far as its sink is.
 */
final class ErrorOutbox {
    private final String service;
    private final LongSupplier epochMillis;
    private final Consumer<ErrorRecord> sink;

    ErrorOutbox(String service, LongSupplier epochMillis, Consumer<ErrorRecord> sink) {
        this.service = Objects.requireNonNull(service, "service");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
        this.sink = Objects.requireNonNull(sink, "sink");
    }

    /** A record that cannot be read at all. */
    void unreadable(ConsumerRecord<byte[], byte[]> origin, RecordFormatException cause) {
        sink.accept(ErrorPublisher.deadLetter(
                origin, cause.reason(), cause.getMessage(), service, epochMillis.getAsLong()));
    }

    /**
     * A chunk that cannot be used.
     *
     * @param requestId null where the chunk names none that is valid
     */
    void unusable(ConsumerRecord<byte[], byte[]> origin, String requestId, String message) {
        ErrorRecord error = ErrorPublisher.deadLetter(
                origin, ErrorReason.MALFORMED_RECORD, message, service, epochMillis.getAsLong());
        error.setRequestId(requestId);
        sink.accept(error);
    }

    /** A session that cannot go on. */
    void failed(SessionId session, ErrorReason reason, String message) {
        sink.accept(ErrorPublisher.refusal(session.value(), reason, message, service, epochMillis.getAsLong()));
    }
}
