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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Sends chunks to other workers' topics: one record per worker and step, more only where the payloads together pass the
 * bound. One acknowledgement; what cannot be delivered is reported, never lost in silence. A topic that was not used yet,
 * or not for long, is looked for on another thread while its records wait here, so that no missing worker holds up the
 * others. Thread-safe; used by the thread of computing or that of {@link PacedLinks}, reports come from others, too.
 */
final class ActivationPublisher {
    private static final Logger LOG = LoggerFactory.getLogger(ActivationPublisher.class);
    private static final long SLOW_SEND_NANOS = 1_000_000_000L;
    private static final long COOL_DOWN_NANOS = 2_000_000_000L;
    /** A producer forgets a topic's leader that it has not used for five minutes. */
    private static final long FORGOTTEN_NANOS = 240_000_000_000L;
    /** Records that wait for one worker's topic to be found. */
    private static final int MOST_WAITING = 256;

    private final Producer<byte[], byte[]> producer;
    private final AvroSerializer<ActivationBatch> serializer;
    private final WorkerId self;
    private final LongSupplier epochMicros;
    private final LongSupplier nanos;
    private final Consumer<Inbound.Undelivered> undelivered;
    private final Executor lookups;
    private final Map<WorkerId, Lane> lanes = new HashMap<>();

    /** Looks for topics on threads of its own. */
    ActivationPublisher(
            Producer<byte[], byte[]> producer,
            AvroSerializer<ActivationBatch> serializer,
            WorkerId self,
            LongSupplier epochMicros,
            LongSupplier nanos,
            Consumer<Inbound.Undelivered> undelivered) {
        this(producer, serializer, self, epochMicros, nanos, undelivered, seek -> Thread.ofPlatform()
                .daemon()
                .name(self + "-topic")
                .start(seek));
    }

    /**
     * @param epochMicros wall clock, microseconds since the Unix epoch
     * @param lookups runs what waits until a topic's leader is known
     */
    ActivationPublisher(
            Producer<byte[], byte[]> producer,
            AvroSerializer<ActivationBatch> serializer,
            WorkerId self,
            LongSupplier epochMicros,
            LongSupplier nanos,
            Consumer<Inbound.Undelivered> undelivered,
            Executor lookups) {
        this.producer = Objects.requireNonNull(producer, "producer");
        this.serializer = Objects.requireNonNull(serializer, "serializer");
        this.self = Objects.requireNonNull(self, "self");
        this.epochMicros = Objects.requireNonNull(epochMicros, "epochMicros");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.undelivered = Objects.requireNonNull(undelivered, "undelivered");
        this.lookups = Objects.requireNonNull(lookups, "lookups");
    }

    /** Sends chunks to one worker, in order. Waits neither for a topic's leader to be found nor for an acknowledgement. */
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

    private synchronized void sendRecord(WorkerId to, List<ActivationChunk> chunks) {
        List<ActivationChunk> sent = List.copyOf(chunks);
        Lane lane = lanes.computeIfAbsent(to, Lane::new);
        long now = nanos.getAsLong();
        if (lane.found && now - lane.usedNanos < FORGOTTEN_NANOS) {
            deliver(lane, sent);
        } else if (lane.missing && now - lane.missingUntilNanos < 0) {
            report(sent, lane.topic, "its topic was not to be found a moment ago", true);
        } else if (lane.waiting.size() >= MOST_WAITING) {
            report(sent, lane.topic, "its topic is still being looked for, and enough waits for it", true);
        } else {
            lane.found = false;
            lane.waiting.add(sent);
            if (!lane.sought) {
                lane.sought = true;
                lookups.execute(() -> seek(lane));
            }
        }
    }

    private void deliver(Lane lane, List<ActivationChunk> sent) {
        long start = nanos.getAsLong();
        byte[] key = sent.getFirst().getSessionId().getBytes(StandardCharsets.UTF_8);
        try {
            ActivationBatch batch = new ActivationBatch(self.value(), epochMicros.getAsLong(), sent);
            byte[] value = serializer.serialize(lane.topic, batch);
            producer.send(new ProducerRecord<>(lane.topic, 0, key, value), (metadata, failure) -> {
                if (failure != null) {
                    report(sent, lane.topic, failure.getMessage());
                }
            });
        } catch (KafkaException e) {
            report(sent, lane.topic, e.getMessage());
        }
        long end = nanos.getAsLong();
        lane.usedNanos = end;
        if (end - start > SLOW_SEND_NANOS) {
            // The topic has gone since, and the producer has waited for it.
            lane.lose(end);
        }
    }

    /** Asks for a topic's leader, which may take long or fail, and sends what has waited for it. */
    private void seek(Lane lane) {
        String why = null;
        try {
            producer.partitionsFor(lane.topic);
        } catch (RuntimeException e) {
            why = e.getMessage();
        }
        synchronized (this) {
            lane.sought = false;
            lane.found = why == null;
            lane.missing = !lane.found;
            if (lane.missing) {
                lane.lose(nanos.getAsLong());
            }
            for (List<ActivationChunk> next = lane.waiting.poll(); next != null; next = lane.waiting.poll()) {
                if (lane.found) {
                    deliver(lane, next);
                } else {
                    report(next, lane.topic, why == null ? "its topic has gone" : why);
                }
            }
        }
    }

    /** The way to one worker. */
    private static final class Lane {
        private final String topic;
        private final ArrayDeque<List<ActivationChunk>> waiting = new ArrayDeque<>();
        private boolean found;
        private boolean sought;
        private boolean missing;
        private long missingUntilNanos;
        private long usedNanos;

        Lane(WorkerId to) {
            this.topic = Topics.activations(to).name();
        }

        void lose(long nowNanos) {
            found = false;
            missing = true;
            missingUntilNanos = nowNanos + COOL_DOWN_NANOS;
        }
    }

    private void report(List<ActivationChunk> chunks, String topic, String why) {
        report(chunks, topic, why, false);
    }

    /** @param repeated whether the same was said of the topic a moment ago */
    private void report(List<ActivationChunk> chunks, String topic, String why, boolean repeated) {
        List<SessionKey> sessions = new ArrayList<>();
        for (ActivationChunk chunk : chunks) {
            // A lost release costs memory until the idle timeout, not the session.
            if (chunk.getKind() == ChunkKind.FORWARD) {
                sessions.add(new SessionKey(new SessionId(chunk.getSessionId()), chunk.getAttempt()));
            }
        }
        LOG.atLevel(repeated ? Level.DEBUG : Level.WARN)
                .log("chunks not delivered topic={} sessions={} reason={}", topic, sessions.size(), why);
        if (!sessions.isEmpty()) {
            undelivered.accept(new Inbound.Undelivered(
                    sessions, "worker " + self + " could not deliver to " + topic + ": " + why));
        }
    }
}
