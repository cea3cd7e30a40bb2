package io.sluice.launcher.stack;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A part that can go away and come back at the same address. A start that fails, for example because what it needs is away
 * too, is tried again after a pause that grows from one second to ten. Thread-safe.
 *
 * @param <T> what runs
 */
final class Restartable<T extends AutoCloseable> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Restartable.class);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final String name;
    private final Supplier<T> again;
    private final Duration firstPause;
    private T current;
    private boolean running;
    private boolean held;
    private boolean closed;

    /**
     * @param first what runs already
     * @param again starts it anew; may throw, and is then tried again
     */
    Restartable(String name, T first, Supplier<T> again) {
        this(name, first, again, FIRST_PAUSE);
    }

    /** @param firstPause after the first start that fails */
    Restartable(String name, T first, Supplier<T> again, Duration firstPause) {
        this.name = name;
        this.firstPause = firstPause;
        this.again = again;
        this.current = first;
        this.running = true;
    }

    /** What runs, or ran last. */
    synchronized T current() {
        return current;
    }

    /** What runs; empty while it is away. */
    synchronized Optional<T> running() {
        return running ? Optional.of(current) : Optional.empty();
    }

    /** Nobody starts it again until {@link #start}. */
    synchronized void hold() {
        held = true;
        notifyAll();
    }

    /** Stops it in order; it stays away until {@link #start}. */
    synchronized void stop() {
        hold();
        end();
    }

    /** It has ended by itself: takes note of it, and starts it again unless it is held. */
    synchronized void ended(T ended) {
        if (ended == current && running) {
            running = false;
            if (!held && !closed) {
                begin();
            }
        }
    }

    /** Starts it again if it is away; returns when it runs, or is held or closed by another thread. */
    synchronized void start() {
        held = false;
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
        if (!running) {
            begin();
        }
    }

    private synchronized void begin() {
        Duration pause = firstPause;
        while (!running && !held && !closed) {
            try {
                current = again.get();
                running = true;
            } catch (RuntimeException e) {
                LOG.warn("part={} did not start; tried again in {} ms: {}", name, pause.toMillis(), e.getMessage());
                pause(pause);
                pause = pause.multipliedBy(2);
                pause = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
            }
        }
    }

    /** Lets go of the lock, so that others may hold or close meanwhile. */
    private synchronized void pause(Duration length) {
        long deadline = System.nanoTime() + length.toNanos();
        try {
            while (!running && !held && !closed) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    return;
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + name + " was started again", e);
        }
    }

    private void end() {
        if (running) {
            running = false;
            try {
                current.close();
            } catch (Exception e) { // AutoCloseable.close
                throw new IllegalStateException(name + " did not stop in order: " + e.getMessage(), e);
            }
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
        end();
    }
}
