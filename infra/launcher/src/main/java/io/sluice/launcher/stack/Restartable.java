package io.sluice.launcher.stack;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * A part that can go away and come back at the same address. Thread-safe.
 *
 * @param <T> what runs
 */
final class Restartable<T extends AutoCloseable> implements AutoCloseable {
    private final String name;
    private final Supplier<T> again;
    private T current;
    private boolean running;
    private boolean held;
    private boolean closed;

    /**
     * @param first what runs already
     * @param again starts it anew; may throw, and is then tried again by whoever calls
     */
    Restartable(String name, T first, Supplier<T> again) {
        this.name = name;
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
    }

    /** Stops it in order; it stays away until {@link #start}. */
    synchronized void stop() {
        held = true;
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

    /** Starts it again if it is away. */
    synchronized void start() {
        held = false;
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
        if (!running) {
            begin();
        }
    }

    private void begin() {
        current = again.get();
        running = true;
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
        end();
    }
}
