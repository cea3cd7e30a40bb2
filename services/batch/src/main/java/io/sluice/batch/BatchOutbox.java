package io.sluice.batch;

import io.sluice.messaging.CloudEvents;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the batch service sends, each to its sink. Used by one task. */
final class BatchOutbox {
    /** Service name in error records. */
    static final String SERVICE = "batch";

    private static final Logger LOG = LoggerFactory.getLogger(BatchOutbox.class);

    private final ProcessorContext<byte[], Object> context;

    BatchOutbox(ProcessorContext<byte[], Object> context) {
        this.context = context;
    }

    void request(InferenceRequest request) {
        Headers headers = CloudEvents.headers(
                request.getRequestId(),
                "/sluice/batch",
                CloudEvents.REQUEST_TYPE,
                Instant.ofEpochMilli(context.currentSystemTimeMs()));
        send(request.getRequestId(), request, headers, BatchTopology.REQUESTS_SINK);
    }

    /** Takes a request back: the router ends it, wherever it is, with one error. */
    void cancel(ItemId item) {
        send(item.requestId(), null, new RecordHeaders(), BatchTopology.REQUESTS_SINK);
    }

    /** A job is in another state. */
    void state(Job job, String message) {
        progress(job, null, null, message);
    }

    /** An item has its result. */
    void result(Job job, int index, String result) {
        progress(job, (long) index, result, "");
    }

    private void progress(Job job, Long index, String result, String message) {
        BestEffortProgress progress = new BestEffortProgress(
                job.id(),
                job.head().tenant().value(),
                job.phase().published(),
                (long) job.done(),
                (long) job.failed(),
                (long) job.head().items(),
                index,
                result,
                message,
                context.currentSystemTimeMs());
        send(job.id(), progress, new RecordHeaders(), BatchTopology.PROGRESS_SINK);
    }

    /** A record of the jobs topic that could not be used. */
    void deadLetter(BatchIntake.Origin origin, byte[] key, byte[] value, ErrorReason reason, String message) {
        ErrorRecord error = ErrorPublisher.deadLetter(
                new ConsumerRecord<>(origin.topic(), origin.partition(), origin.offset(), key, value),
                reason,
                message,
                SERVICE,
                context.currentSystemTimeMs());
        LOG.warn(
                "job record refused partition={} offset={} reason={} message={}",
                origin.partition(),
                origin.offset(),
                reason,
                error.getMessage());
        send(ErrorPublisher.key(error), error, new RecordHeaders(), BatchTopology.ERRORS_SINK);
    }

    private void send(String key, Object value, Headers headers, String sink) {
        context.forward(
                new Record<>(key.getBytes(StandardCharsets.UTF_8), value, context.currentSystemTimeMs(), headers),
                sink);
    }
}
