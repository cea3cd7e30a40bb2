package io.sluice.router;

import io.sluice.records.ErrorRecord;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds in the errors topic the requests that a worker has ended. What cannot be used is counted and dropped: an error
 * record about a record of the errors topic would be read here again and breed the next one. Used by one task.
 */
final class ErrorIntake {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorIntake.class);
    /** First word of the service name in a worker's records; its id follows. */
    private static final String WORKER = "worker";

    private final AvroDeserializer<ErrorRecord> reader;
    private final RouterMetrics metrics;
    private long unusable;

    ErrorIntake(AvroDeserializer<ErrorRecord> reader, RouterMetrics metrics) {
        this.reader = reader;
        this.metrics = metrics;
    }

    /** A worker's error that ends a request; empty for the router's own records and everything else. */
    Optional<ErrorRecord> ofWorker(byte[] value, Outbox.Origin origin) {
        ErrorRecord error;
        try {
            if (value == null) {
                drop("unreadable", origin, "the record has no value");
                return Optional.empty();
            }
            error = reader.deserialize(Topics.ERRORS.name(), value);
        } catch (RecordFormatException e) {
            drop("unreadable", origin, e.getMessage());
            return Optional.empty();
        }
        if (error.getService().equals(Outbox.SERVICE)) {
            metrics.error("own");
            return Optional.empty();
        }
        if (error.getRequestId() == null || !isWorker(error.getService())) {
            metrics.error("other");
            return Optional.empty();
        }
        return Optional.of(error);
    }

    /** It ended a session of this task. */
    void used() {
        metrics.error("used");
    }

    /** No session of this task waits or runs under its request id. */
    void stray(Outbox.Origin origin, boolean misplaced) {
        if (misplaced) {
            drop("misplaced", origin, "its key belongs to another partition, whose sessions only time out");
        } else {
            metrics.error("stray");
        }
    }

    private void drop(String result, Outbox.Origin origin, String why) {
        metrics.error(result);
        unusable++;
        // A flood of them must not become a flood of lines.
        if (Long.bitCount(unusable) == 1) {
            LOG.warn(
                    "error record dropped partition={} offset={} result={} droppedSoFar={} message={}",
                    origin.partition(),
                    origin.offset(),
                    result,
                    unusable,
                    why);
        }
    }

    private static boolean isWorker(String service) {
        return service.equals(WORKER) || service.startsWith(WORKER + " ");
    }
}
