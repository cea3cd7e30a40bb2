package io.sluice.core.placement;

import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * When to stop a search, where to start it, and whom to tell. Immutable; methods are as thread-safe as what was given.
 *
 * @param seed of all randomness
 * @param timeLimitNanos most time, nanoseconds
 * @param startNanos value of {@code nanoTime} at the start
 * @param nanoTime monotonic time source, nanoseconds
 * @param stopped becomes true when the user has had enough
 * @param gapTarget stop when {@code bound / value - 1} is at most this
 * @param starts layouts to start from, best first; methods that cannot use them ignore them
 * @param listener hears of every new best layout and bound
 */
public record SearchControl(
        long seed,
        long timeLimitNanos,
        long startNanos,
        LongSupplier nanoTime,
        BooleanSupplier stopped,
        double gapTarget,
        List<Layout> starts,
        Consumer<SearchProgress> listener) {
    public SearchControl {
        Objects.requireNonNull(nanoTime, "nanoTime");
        Objects.requireNonNull(stopped, "stopped");
        Objects.requireNonNull(listener, "listener");
        starts = List.copyOf(starts);
        if (timeLimitNanos < 0 || !(gapTarget >= 0)) {
            throw new IllegalArgumentException(
                    "time limit " + timeLimitNanos + " ns and gap " + gapTarget + " must not be negative");
        }
    }

    /** A search from nothing that tells nobody. */
    public static SearchControl of(long seed, double timeLimitSeconds, LongSupplier nanoTime) {
        return new SearchControl(
                seed,
                Math.round(timeLimitSeconds * 1e9),
                nanoTime.getAsLong(),
                nanoTime,
                () -> false,
                0,
                List.of(),
                progress -> {});
    }

    public SearchControl withStarts(List<Layout> layouts) {
        return new SearchControl(seed, timeLimitNanos, startNanos, nanoTime, stopped, gapTarget, layouts, listener);
    }

    public SearchControl withListener(Consumer<SearchProgress> heard) {
        return new SearchControl(seed, timeLimitNanos, startNanos, nanoTime, stopped, gapTarget, starts, heard);
    }

    /** Time since the start, seconds. */
    public double elapsedSeconds() {
        return (nanoTime.getAsLong() - startNanos) / 1e9;
    }

    /** Time left, seconds; 0: none. */
    public double remainingSeconds() {
        return Math.max(0, timeLimitNanos / 1e9 - elapsedSeconds());
    }

    /** Whether to return now with the best so far. */
    public boolean expired() {
        return stopped.getAsBoolean() || remainingSeconds() <= 0;
    }
}
