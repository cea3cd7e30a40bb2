package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.LinkLimits;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.records.ActivationChunk;
import io.sluice.runtime.PromptChunks;
import io.sluice.worker.LinkPacer.Departure;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Hands chunks to the producer at the pace of a slow link, in the order that {@link LinkPacer} says, on a thread of its
 * own, so that the link is busy while the device is. A worker whose link is fast has none of this: its chunks go straight
 * from the compute thread to the producer.
 *
 * <p>Whether a link is slow, and the pace, follow from the bandwidth that this worker declares ({@code --link-bytes-per-s},
 * else its device's), taken as one pipe to all next workers. The receiver measures transfers, the sender does not know
 * them: a declared bandwidth below the true one leaves the link idle, one above it lets records queue in the producer.
 * Offering and {@link #full} are thread-safe; {@link #run} is for one thread.
 */
final class PacedLinks {
    /** Prompts are no longer computed ahead when this much of the link's time waits. */
    private static final double MOST_SECONDS = 2;

    private static final long MOST_BYTES = 64 << 20;

    private final LinkPacer pacer;
    private final Publisher publisher;
    private final LongSupplier nanos;
    private final Runnable room;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile boolean full;
    private volatile long promptTokens;
    private boolean closed;

    /** Sends a record's chunks to a worker. */
    interface Publisher {
        void send(WorkerId to, List<ActivationChunk> chunks);
    }

    /**
     * @param room called when it is no longer {@link #full}, from the sending thread; must not block
     */
    PacedLinks(LinkPacer pacer, Publisher publisher, LongSupplier nanos, Runnable room) {
        this.pacer = Objects.requireNonNull(pacer, "pacer");
        this.publisher = Objects.requireNonNull(publisher, "publisher");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.room = Objects.requireNonNull(room, "room");
    }

    /**
     * The pacer of a slow link; empty where even the largest prompt record is sent within
     * {@link SchedulingBounds#mostRecordSeconds}.
     *
     * @param chunkTokens largest prompt chunk
     * @param bytesPerToken of hidden states
     */
    static Optional<LinkPacer> pacer(double bytesPerSecond, int chunkTokens, int bytesPerToken) {
        double mostSeconds = SchedulingBounds.DEFAULT.mostRecordSeconds();
        long recordBytes = Math.min((long) chunkTokens * bytesPerToken, ChunkWriter.MAX_PAYLOAD_BYTES);
        if (recordBytes <= bytesPerSecond * mostSeconds) {
            return Optional.empty();
        }
        LinkLimits limits =
                LinkLimits.bounded(bytesPerSecond, bytesPerToken, mostSeconds, ChunkWriter.MAX_PAYLOAD_BYTES);
        LinkLimits atLeast = new LinkLimits(
                limits.decodesPerRecord(),
                Math.max(PromptChunks.MIN_CHUNK, limits.promptTokensPerRecord()),
                limits.decodeRecordsPerPrompt());
        double mostBytes = Math.min(bytesPerSecond * MOST_SECONDS, MOST_BYTES);
        long mostTokens = Math.max(chunkTokens, (long) (mostBytes / bytesPerToken));
        return Optional.of(new LinkPacer(atLeast, bytesPerSecond, mostTokens));
    }

    /** Takes chunks for a worker; never blocks for longer than another thread takes to do the same. */
    void offer(WorkerId to, List<ActivationChunk> chunks) {
        lock.lock();
        try {
            chunks.forEach(chunk -> pacer.offer(to, chunk));
            full = pacer.full();
            promptTokens = pacer.promptTokens();
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Whether prompts should not be computed for now. */
    boolean full() {
        return full;
    }

    /** Prompt positions that wait. */
    long promptTokens() {
        return promptTokens;
    }

    /** Sends until {@link #close}, then what still waits, at once. */
    void run() {
        try {
            for (Departure next = await(); next != null; next = await()) {
                publisher.send(next.to(), next.chunks());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Makes {@link #run} return when it has sent everything. */
    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** The next record when it is due; null when closed and empty. */
    private Departure await() throws InterruptedException {
        lock.lock();
        try {
            while (true) {
                Departure next = closed ? pacer.drain() : pacer.take(nanos.getAsLong());
                if (next != null || closed) {
                    boolean was = full;
                    full = pacer.full();
                    promptTokens = pacer.promptTokens();
                    if (was && !full) {
                        room.run();
                    }
                    return next;
                }
                long wait = pacer.untilDueNanos(nanos.getAsLong());
                if (wait == Long.MAX_VALUE) {
                    changed.await();
                } else if (wait > 0) {
                    changed.awaitNanos(Math.min(wait, TimeUnit.SECONDS.toNanos(1)));
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
