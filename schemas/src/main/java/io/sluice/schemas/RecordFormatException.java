package io.sluice.schemas;

import io.sluice.records.ErrorReason;
import java.util.Objects;
import org.apache.kafka.common.errors.SerializationException;

/** A record's bytes cannot be read; the reader sends them to the errors topic with this reason and goes on. */
public final class RecordFormatException extends SerializationException {
    private final ErrorReason reason;

    public RecordFormatException(ErrorReason reason, String message) {
        this(reason, message, null);
    }

    public RecordFormatException(ErrorReason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = Objects.requireNonNull(reason, "reason");
    }

    /** {@link ErrorReason#MALFORMED_RECORD} or {@link ErrorReason#UNKNOWN_SCHEMA}. */
    public ErrorReason reason() {
        return reason;
    }
}
