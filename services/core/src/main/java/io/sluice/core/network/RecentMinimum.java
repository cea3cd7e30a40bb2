package io.sluice.core.network;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;

/**
 * The least of the values of a sliding window, which is cut into spans: a value leaves between {@code window} and
 * {@code window} minus one span after it came. Times are milliseconds of any clock that does not go back; a time before
 * the newest counts as the newest. Not thread-safe.
 */
final class RecentMinimum {
    private static final int SPANS = 4;

    private final long spanMillis;
    private final ArrayDeque<Span> spans = new ArrayDeque<>();

    /** One value with what belongs to it. */
    record Seen(double value, long bytes) {}

    private static final class Span {
        private final long number;
        private Seen least;
        private long count;

        Span(long number, Seen first) {
            this.number = number;
            this.least = first;
        }
    }

    RecentMinimum(long windowMillis) {
        if (windowMillis < SPANS) {
            throw new IllegalArgumentException("a window of " + windowMillis + " ms must be at least " + SPANS + " ms");
        }
        this.spanMillis = windowMillis / SPANS;
    }

    void add(Seen seen, long nowMillis) {
        Objects.requireNonNull(seen, "seen");
        long number = Math.floorDiv(nowMillis, spanMillis);
        Span newest = spans.peekLast();
        if (newest == null || number > newest.number) {
            newest = new Span(number, seen);
            spans.addLast(newest);
        } else if (seen.value < newest.least.value) {
            newest.least = seen;
        }
        newest.count++;
        forget(nowMillis);
    }

    /** The least value; empty when nothing came within the window. */
    Optional<Seen> least(long nowMillis) {
        forget(nowMillis);
        Seen least = null;
        for (Span span : spans) {
            least = least == null || span.least.value < least.value ? span.least : least;
        }
        return Optional.ofNullable(least);
    }

    /** Values within the window. */
    long count(long nowMillis) {
        forget(nowMillis);
        return spans.stream().mapToLong(span -> span.count).sum();
    }

    private void forget(long nowMillis) {
        long oldest = Math.floorDiv(nowMillis, spanMillis) - SPANS;
        while (!spans.isEmpty() && spans.peekFirst().number <= oldest) {
            spans.removeFirst();
        }
    }
}
