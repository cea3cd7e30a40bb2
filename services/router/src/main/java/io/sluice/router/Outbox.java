package io.sluice.router;

import io.sluice.core.ServiceClass;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Session;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the router sends, each to its sink. Used by one task. */
final class Outbox {
    /** Service name in error records. */
    static final String SERVICE = "router";

    private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

    private final ProcessorContext<byte[], Object> context;
    private final RouterMetrics metrics;
    private long deadLetters;

    Outbox(ProcessorContext<byte[], Object> context, RouterMetrics metrics) {
        this.context = context;
        this.metrics = metrics;
    }

    /** A record as it was read, for error records. */
    record Origin(String topic, int partition, long offset, byte[] key, byte[] value) {}

    void completion(Completion completion, ServiceClass serviceClass) {
        send(completion.getRequestId(), completion, RouterTopology.COMPLETIONS_SINK);
        metrics.completed(completion, serviceClass);
    }

    void session(Session session) {
        send(session.getRequestId(), session, RouterTopology.SESSIONS_SINK);
    }

    void chunks(ToWorker chunks) {
        send(chunks.batch().getChunks().getFirst().getSessionId(), chunks, RouterTopology.ACTIVATIONS_SINK);
    }

    /** Sends a misplaced request to the partition where its tokens will arrive. */
    void rehome(Record<byte[], byte[]> request) {
        context.forward(request, RouterTopology.REHOMED_SINK);
    }

    /** A record that is no usable record. */
    void deadLetter(Origin origin, ErrorReason reason, String message) {
        ErrorRecord error = ErrorPublisher.deadLetter(
                new ConsumerRecord<>(origin.topic(), origin.partition(), origin.offset(), origin.key(), origin.value()),
                reason,
                message,
                SERVICE,
                context.currentSystemTimeMs());
        deadLetters++;
        // All are in the errors topic; a flood of them must not become a flood of lines.
        if (Long.bitCount(deadLetters) == 1) {
            LOG.warn(
                    "record refused topic={} partition={} offset={} reason={} refusedSoFar={} message={}",
                    origin.topic(),
                    origin.partition(),
                    origin.offset(),
                    reason,
                    deadLetters,
                    error.getMessage());
        }
        error(error);
        metrics.deadLetter(origin.topic());
    }

    /**
     * A request that is refused as it arrives.
     *
     * @param origin the request's record; of its value only the size is kept, the record itself stays readable
     */
    void refusal(String requestId, Origin origin, ErrorReason reason, String message) {
        ErrorRecord error = ErrorPublisher.refusal(requestId, reason, message, SERVICE, context.currentSystemTimeMs());
        error.setOriginTopic(origin.topic());
        error.setOriginPartition(origin.partition());
        error.setOriginOffset(origin.offset());
        byte[] key = origin.key();
        error.setOriginKey(
                key == null
                        ? null
                        : ByteBuffer.wrap(Arrays.copyOf(key, Math.min(key.length, ErrorPublisher.KEY_BYTES_MAX))));
        error.setOriginValueBytes(origin.value() == null ? 0 : origin.value().length);
        error(error);
        metrics.refused(reason);
    }

    /** A session that ends without a completion. */
    void failure(String requestId, ErrorReason reason, String message) {
        error(ErrorPublisher.refusal(requestId, reason, message, SERVICE, context.currentSystemTimeMs()));
        metrics.refused(reason);
    }

    private void error(ErrorRecord error) {
        send(ErrorPublisher.key(error), error, RouterTopology.ERRORS_SINK);
    }

    private void send(String key, Object value, String sink) {
        context.forward(new Record<>(key.getBytes(StandardCharsets.UTF_8), value, context.currentSystemTimeMs()), sink);
    }
}
