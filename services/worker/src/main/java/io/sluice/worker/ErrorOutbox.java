package io.sluice.worker;

import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.schemas.RecordFormatException;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Builds the dead letters of this worker, with their origin. They end no request: what becomes of a session whose chunk
 * could not be used is the router's to say. Thread-safe as far as its sink is.
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

    /** A chunk that cannot be used. */
    void unusable(ConsumerRecord<byte[], byte[]> origin, String message) {
        sink.accept(ErrorPublisher.deadLetter(
                origin, ErrorReason.MALFORMED_RECORD, message, service, epochMillis.getAsLong()));
    }
}
