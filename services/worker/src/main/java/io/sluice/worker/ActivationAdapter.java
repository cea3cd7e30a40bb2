package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.RegistryUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the worker's own topic: records to chunks, stamped with their arrival. A bad record or chunk becomes an error
 * record and the next one is read; nothing that a sender writes stops this thread. A registry that does not answer is
 * waited for, because nothing is known about the record then. Owned by the consumer thread, apart from
 * {@link #close} and {@link #lag}.
 */
final class ActivationAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(ActivationAdapter.class);
    private static final Duration LONG_POLL = Duration.ofSeconds(1);
    private static final long RETRY_MILLIS = 500;

    private final org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer;
    private final TopicPartition partition;
    private final AvroDeserializer<ActivationBatch> deserializer;
    private final ChunkReader reader;
    private final Consumer<Inbound> sink;
    private final ErrorOutbox errors;
    private final LinkStats links;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final LongSupplier epochMicros;
    private volatile boolean closed;
    private volatile long lag;

    /**
     * @param sink takes chunks; blocks while the compute thread is behind
     * @param epochMicros wall clock, microseconds since the Unix epoch
     */
    ActivationAdapter(
            org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer,
            String topic,
            AvroDeserializer<ActivationBatch> deserializer,
            ChunkReader reader,
            Consumer<Inbound> sink,
            ErrorOutbox errors,
            LinkStats links,
            WorkerMetrics metrics,
            LongSupplier nanos,
            LongSupplier epochMicros) {
        this.consumer = Objects.requireNonNull(consumer, "consumer");
        this.partition = new TopicPartition(topic, 0);
        this.deserializer = Objects.requireNonNull(deserializer, "deserializer");
        this.reader = Objects.requireNonNull(reader, "reader");
        this.sink = Objects.requireNonNull(sink, "sink");
        this.errors = Objects.requireNonNull(errors, "errors");
        this.links = Objects.requireNonNull(links, "links");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.epochMicros = Objects.requireNonNull(epochMicros, "epochMicros");
    }

    /**
     * Starts at the end of the topic: chunks from before belong to sessions whose KV cache this process does not have.
     * What a lost stage leaves to be rebuilt is read by {@link LogReader}.
     */
    void seekToEnd() {
        consumer.assign(List.of(partition));
        consumer.seekToEnd(List.of(partition));
        long position = consumer.position(partition); // seeking is lazy; this fixes the place now
        LOG.info("topic={} position={} state=positioned", partition.topic(), position);
    }

    /** Reads until {@link #close}. */
    void run() {
        try {
            while (!closed) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(LONG_POLL)) {
                    handle(record);
                }
                lag = consumer.currentLag(partition).orElse(0);
            }
        } catch (WakeupException e) {
            if (!closed) {
                throw e;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Handles one record; package-private for tests. */
    void handle(ConsumerRecord<byte[], byte[]> record) throws InterruptedException {
        long receivedNanos = nanos.getAsLong();
        long receivedMicros = epochMicros.getAsLong();
        ActivationBatch batch;
        try {
            batch = read(record);
        } catch (RecordFormatException e) {
            errors.unreadable(record, e);
            return;
        }
        if (batch == null) {
            return; // a tombstone, or closing
        }
        long transferMicros =
                links.received(batch.getSender(), record.serializedValueSize(), receivedMicros - batch.getSentUs());
        metrics.received(batch.getSender(), transferMicros);
        Arrival arrival = new Arrival(batch.getSender(), transferMicros, receivedNanos, record.offset());
        List<InboundChunk> chunks = new ArrayList<>(batch.getChunks().size());
        for (ActivationChunk chunk : batch.getChunks()) {
            try {
                chunks.add(reader.read(chunk, arrival));
            } catch (IllegalArgumentException e) {
                refuse(record, chunk, e.getMessage());
            }
        }
        if (!chunks.isEmpty()) {
            sink.accept(new Inbound.Chunks(chunks));
        }
    }

    /** Number of records not yet read, as of the last poll. */
    long lag() {
        return lag;
    }

    /** Makes {@link #run} return; the consumer is closed by its owner. */
    void close() {
        closed = true;
        consumer.wakeup();
    }

    private ActivationBatch read(ConsumerRecord<byte[], byte[]> record) throws InterruptedException {
        boolean reported = false;
        while (!closed) {
            try {
                return deserializer.deserialize(record.topic(), record.value());
            } catch (RegistryUnavailableException e) {
                if (!reported) {
                    LOG.warn(
                            "topic={} offset={} state=waiting missing=registry reason={}",
                            record.topic(),
                            record.offset(),
                            e.getMessage());
                    reported = true;
                }
                Thread.sleep(RETRY_MILLIS);
            }
        }
        return null;
    }

    private void refuse(ConsumerRecord<byte[], byte[]> record, ActivationChunk chunk, String message) {
        SessionId session;
        try {
            session = new SessionId(chunk.getSessionId());
        } catch (IllegalArgumentException e) {
            errors.unusable(record, message);
            return;
        }
        String named = "session " + session + ": " + message;
        errors.unusable(record, named);
        sink.accept(new Inbound.Unusable(session, Math.max(1, chunk.getAttempt()), named));
    }
}
