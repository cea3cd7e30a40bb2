package io.sluice.messaging.streams;

import io.sluice.schemas.RegistryUnavailableException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.kafka.common.errors.RetriableException;

/**
 * Whether a thread that failed starts again: always after a failure that time heals, and else until such failures repeat
 * too often to be chance. Not thread-safe.
 */
final class ThreadRestarts {
    /** Beyond this many unexplained failures in the window the service stops instead of running in circles. */
    static final int FAILURES_MAX = 5;

    static final Duration WINDOW = Duration.ofMinutes(5);

    private final Deque<Long> failures = new ArrayDeque<>();

    /** Whether time heals a failure: broker or registry were away. */
    static boolean heals(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof RegistryUnavailableException || cause instanceof RetriableException) {
                return true;
            }
        }
        return false;
    }

    /** Counts a failure that time does not heal; whether the thread may start again. */
    boolean again(long nowNanos) {
        failures.addLast(nowNanos);
        while (nowNanos - failures.peekFirst() > WINDOW.toNanos()) {
            failures.removeFirst();
        }
        return failures.size() <= FAILURES_MAX;
    }

    /** Failures counted that lie within the window. */
    int count() {
        return failures.size();
    }
}
