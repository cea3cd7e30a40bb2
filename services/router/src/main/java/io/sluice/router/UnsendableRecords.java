package io.sluice.router;

import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes on when a record cannot be sent because of itself or because its topic is gone: its session then ends by its
 * time-out. Everything else stops the task, which starts again from its last commit.
 */
public final class UnsendableRecords implements ProductionExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(UnsendableRecords.class);

    @Override
    public Response handleError(
            ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception exception) {
        boolean ofTheRecord = exception instanceof UnknownTopicOrPartitionException
                || exception instanceof InvalidTopicException
                || exception instanceof RecordTooLargeException;
        LOG.error(
                "record not sent topic={} bytes={} goesOn={}",
                record.topic(),
                record.value() == null ? 0 : record.value().length,
                ofTheRecord,
                exception);
        return ofTheRecord ? Response.resume() : Response.fail();
    }

    @Override
    public void configure(Map<String, ?> configs) {
        // Nothing to set.
    }
}
