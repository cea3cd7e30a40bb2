package io.sluice.worker;

import io.sluice.records.WorkerState;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Notices when a draining worker may leave: when no session was there and nothing was computed for a while, or when the
 * deadline passes. Owned by one thread, apart from {@link #stop}.
 */
final class DrainWatch {
    /** For so long nothing must have been there: sessions that were sent before the drain was heard of still arrive. */
    static final Duration QUIET = Duration.ofMillis(500);

    private static final Duration LOOK = Duration.ofMillis(50);

    private final Standing standing;
    private final IntervalStats stats;
    private final LongSupplier nanos;
    private final LongSupplier epochMillis;
    private final Consumer<String> leave;
    private boolean quiet;
    private long quietSinceNanos;
    private long busyNanos;
    private volatile boolean stopped;
    private volatile Thread thread;

    /** @param leave told once why the worker leaves */
    DrainWatch(
            Standing standing,
            IntervalStats stats,
            LongSupplier nanos,
            LongSupplier epochMillis,
            Consumer<String> leave) {
        this.standing = Objects.requireNonNull(standing, "standing");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
        this.leave = Objects.requireNonNull(leave, "leave");
    }

    /** Looks again and again until the worker leaves or {@link #stop}. */
    void run() {
        thread = Thread.currentThread();
        while (!stopped && !Thread.currentThread().isInterrupted()) {
            Optional<String> reason = look();
            if (reason.isPresent()) {
                leave.accept(reason.get());
                return;
            }
            if (standing.drains()) {
                LockSupport.parkNanos(this, LOOK.toNanos());
            } else {
                LockSupport.park(this);
            }
        }
    }

    /** One look; why the worker leaves now, empty when it stays. */
    Optional<String> look() {
        Standing.View now = standing.view();
        if (now.state() != WorkerState.DRAINING) {
            quiet = false;
            return Optional.empty();
        }
        int sessions = stats.sessions();
        long at = nanos.getAsLong();
        // A first batch that runs is not counted among the sessions yet, but as time spent.
        long busy = stats.busyNanos(at);
        if (sessions > 0 || stats.queueChunks() > 0) {
            quiet = false;
        } else if (!quiet || busy != busyNanos) {
            quiet = true;
            quietSinceNanos = at;
            busyNanos = busy;
        } else if (at - quietSinceNanos >= QUIET.toNanos()) {
            return Optional.of("drained, no session left (" + now.reason() + ")");
        }
        if (now.deadlineMs() > 0 && epochMillis.getAsLong() >= now.deadlineMs()) {
            return Optional.of("drain deadline passed with " + sessions + (sessions == 1 ? " session" : " sessions")
                    + " left (" + now.reason() + ")");
        }
        return Optional.empty();
    }

    /** Makes {@link #run} look at once; any thread. */
    void wake() {
        LockSupport.unpark(thread);
    }

    /** Makes {@link #run} return; any thread. */
    void stop() {
        stopped = true;
        wake();
    }
}
