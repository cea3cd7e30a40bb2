package io.sluice.core.routing;

import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Requests that wait for a pipeline: bounded, first in, first out, each with a deadline. Not thread-safe.
 *
 * @param <T> what waits
 */
public final class AdmissionQueue<T> {
    private final int limit;
    private final Map<SessionId, Entry<T>> entries = new LinkedHashMap<>();
    private final TreeSet<Entry<T>> byDeadline =
            new TreeSet<>(Comparator.<Entry<T>>comparingLong(Entry::deadlineMs).thenComparing(Entry::session));

    private record Entry<T>(SessionId session, long deadlineMs, T item) {}

    /** @param limit most requests that may wait, at least 1 */
    public AdmissionQueue(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("queue limit " + limit + " must be at least 1");
        }
        this.limit = limit;
    }

    /**
     * Adds at the end.
     *
     * @param deadlineMs the last instant at which it may still be taken
     * @return false when the queue is full; then nothing changes
     */
    public boolean offer(SessionId session, long deadlineMs, T item) {
        if (isFull()) {
            return false;
        }
        restore(session, deadlineMs, item);
        return true;
    }

    /** Adds at the end even beyond the limit: for what was accepted before a restart with a lower one. */
    public void restore(SessionId session, long deadlineMs, T item) {
        Entry<T> entry = new Entry<>(session, deadlineMs, item);
        if (entries.putIfAbsent(session, entry) != null) {
            throw new IllegalStateException("session " + session + " waits already");
        }
        byDeadline.add(entry);
    }

    /** Removes and returns at most {@code most} items whose deadline is before {@code nowMs}, earliest first. */
    public List<T> takeExpired(long nowMs, int most) {
        List<T> expired = new ArrayList<>();
        while (!byDeadline.isEmpty() && expired.size() < most && byDeadline.first().deadlineMs < nowMs) {
            Entry<T> entry = byDeadline.pollFirst();
            entries.remove(entry.session);
            expired.add(entry.item);
        }
        return expired;
    }

    /** Offers every item in order to {@code taker}, which must not touch the queue, and removes those it takes. */
    public void drain(Predicate<T> taker) {
        Iterator<Entry<T>> iterator = entries.values().iterator();
        while (iterator.hasNext()) {
            Entry<T> entry = iterator.next();
            if (taker.test(entry.item)) {
                iterator.remove();
                byDeadline.remove(entry);
            }
        }
    }

    /** Removes one; false when it does not wait. */
    public boolean remove(SessionId session) {
        Entry<T> entry = entries.remove(session);
        return entry != null && byDeadline.remove(entry);
    }

    public boolean contains(SessionId session) {
        return entries.containsKey(session);
    }

    public boolean isEmpty() {
        return entries.isEmpty();
    }

    public boolean isFull() {
        return entries.size() >= limit;
    }

    public int size() {
        return entries.size();
    }
}
