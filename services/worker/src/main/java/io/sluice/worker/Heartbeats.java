package io.sluice.worker;

import io.sluice.core.membership.Beat;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.records.Heartbeat;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Says that this worker is alive, at a fixed rate and on a thread of its own, so that neither loading layers nor computing
 * delays it; and that it is gone, when it leaves in order. A heartbeat that cannot be sent is not repeated: the next one
 * says more. A worker whose vital threads have died falls silent, because it is not alive. Thread-safe.
 */
final class Heartbeats {
    private static final int GONE_ATTEMPTS = 3;
    private static final Duration GONE_TIMEOUT = Duration.ofSeconds(1);

    private final Standing standing;
    private final RecordSender<Heartbeat> sender;
    private final long intervalNanos;
    private final BooleanSupplier alive;
    private final LongSupplier nanos;
    private final LongSupplier epochMillis;
    private long sequence;
    private boolean ended;
    private volatile Thread thread;
    private volatile boolean stopped;

    /** @param alive whether the vital threads of the worker still run */
    Heartbeats(
            Standing standing,
            RecordSender<Heartbeat> sender,
            Duration interval,
            BooleanSupplier alive,
            LongSupplier nanos,
            LongSupplier epochMillis) {
        this.standing = Objects.requireNonNull(standing, "standing");
        this.sender = Objects.requireNonNull(sender, "sender");
        this.intervalNanos = interval.toNanos();
        this.alive = Objects.requireNonNull(alive, "alive");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
    }

    /** Sends heartbeats until {@link #stop} or the end of a vital thread. */
    void run() {
        thread = Thread.currentThread();
        long next = nanos.getAsLong();
        while (!stopped && !Thread.currentThread().isInterrupted()) {
            send();
            // What was missed while the machine or the broker stood still is not caught up with.
            next = Math.max(next + intervalNanos, nanos.getAsLong());
            for (long wait = next - nanos.getAsLong(); wait > 0 && !stopped; wait = next - nanos.getAsLong()) {
                LockSupport.parkNanos(this, wait);
            }
        }
    }

    /** One heartbeat, now: at every interval, and when the standing has changed. */
    synchronized void send() {
        if (ended || !alive.getAsBoolean()) {
            return;
        }
        Beat beat = standing.beat();
        if (beat.state() != Beat.State.GONE) {
            sender.send(beat.worker().value(), HeartbeatCodec.encode(beat, sequence++, epochMillis.getAsLong()));
        }
    }

    /** Says that the worker is gone, and nothing after that; waits a short while until it is said. */
    synchronized void end() {
        if (ended) {
            return;
        }
        ended = true;
        Beat beat = standing.beat();
        for (int attempt = 0; attempt < GONE_ATTEMPTS; attempt++) {
            Heartbeat record = HeartbeatCodec.encode(beat, sequence++, epochMillis.getAsLong());
            if (sender.sendAndWait(beat.worker().value(), record, GONE_TIMEOUT)) {
                return;
            }
        }
    }

    /** Nothing is said any more, not even the end. */
    synchronized void fallSilent() {
        ended = true;
    }

    /** Makes {@link #run} return. */
    void stop() {
        stopped = true;
        LockSupport.unpark(thread);
    }
}
