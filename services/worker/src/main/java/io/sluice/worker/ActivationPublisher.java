package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.Topics;
import io.sluice.worker.Inbound.SessionKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends chunks to other workers' topics: one record per worker and step, more only where the payloads together pass the
 * bound. One acknowledgement; what cannot be delivered is reported, never lost in silence. Owned by one
 * thread, that of computing or that of {@link PacedLinks}; reports come from the producer's thread.
 */
final class ActivationPublisher {
    private static final Logger LOG = LoggerFactory.getLogger(ActivationPublisher.class);
    private static final long SLOW_SEND_NANOS = 1_000_000_000L;
    private static final long COOL_DOWN_NANOS = 10_000_000_000L;

    private final Producer<byte[], byte[]> producer;
    private final AvroSerializer<ActivationBatch> serializer;
    private final WorkerId self;
    private final LongSupplier epochMicros;
    private final LongSupplier nanos;
    private final Consumer<Inbound.Undelivered> undelivered;
    private final Map<WorkerId, String> topics = new HashMap<>();
    /** Topics the broker did not know of; not asked for again for a while, because asking blocks. */
    private final Map<WorkerId, Long> missingUntilNanos = new HashMap<>();

    /** @param epochMicros wall clock, microseconds since the Unix epoch */
    ActivationPublisher(
            Producer<byte[], byte[]> producer,
            AvroSerializer<ActivationBatch> serializer,
            WorkerId self,
            LongSupplier epochMicros,
            LongSupplier nanos,
            Consumer<Inbound.Undelivered> undelivered) {
        this.producer = Objects.requireNonNull(producer, "producer");
        this.serializer = Objects.requireNonNull(serializer, "serializer");
        this.self = Objects.requireNonNull(self, "self");
        this.epochMicros = Objects.requireNonNull(epochMicros, "epochMicros");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.undelivered = Objects.requireNonNull(undelivered, "undelivered");
    }

    /** Sends chunks to one worker, in order. */
    void send(WorkerId to, List<ActivationChunk> chunks) {
        int from = 0;
        int bytes = 0;
        for (int i = 0; i < chunks.size(); i++) {
            int size = chunks.get(i).getPayload().remaining();
            if (i > from && bytes + size > ChunkWriter.MAX_PAYLOAD_BYTES) {
                sendRecord(to, chunks.subList(from, i));
                from = i;
                bytes = 0;
            }
            bytes += size;
        }
        sendRecord(to, chunks.subList(from, chunks.size()));
    }

    private void sendRecord(WorkerId to, List<ActivationChunk> chunks) {
        List<ActivationChunk> sent = List.copyOf(chunks);
        String topic =
                topics.computeIfAbsent(to, worker -> Topics.activations(worker).name());
        long start = nanos.getAsLong();
        Long missingUntil = missingUntilNanos.get(to);
        if (missingUntil != null && start - missingUntil < 0) {
            report(sent, topic, "its topic was not to be found a moment ago");
            return;
        }
        byte[] key = sent.getFirst().getSessionId().getBytes(StandardCharsets.UTF_8);
        try {
            ActivationBatch batch = new ActivationBatch(self.value(), epochMicros.getAsLong(), sent);
            byte[] value = serializer.serialize(topic, batch);
            producer.send(new ProducerRecord<>(topic, 0, key, value), (metadata, failure) -> {
                if (failure != null) {
                    report(sent, topic, failure.getMessage());
                }
            });
        } catch (KafkaException e) {
            report(sent, topic, e.getMessage());
        }
        long end = nanos.getAsLong();
        if (end - start > SLOW_SEND_NANOS) {
            missingUntilNanos.put(to, end + COOL_DOWN_NANOS);
        } else if (missingUntil != null) {
            missingUntilNanos.remove(to);
        }
    }

    private void report(List<ActivationChunk> chunks, String topic, String why) {
        List<SessionKey> sessions = new ArrayList<>();
        for (ActivationChunk chunk : chunks) {
            // A lost release costs memory until the idle timeout, not the session.
            if (chunk.getKind() == ChunkKind.FORWARD) {
                sessions.add(new SessionKey(new SessionId(chunk.getSessionId()), chunk.getAttempt()));
            }
        }
        LOG.warn("chunks not delivered topic={} sessions={} reason={}", topic, sessions.size(), why);
        if (!sessions.isEmpty()) {
            undelivered.accept(new Inbound.Undelivered(
                    sessions, "worker " + self + " could not deliver to " + topic + ": " + why));
        }
    }
}
