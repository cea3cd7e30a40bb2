package io.sluice.core.routing;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Requests that wait for a pipeline: a line per service class, the latency-critical one before the best-effort one, each
 * bounded, first in, first out, and every request with a deadline. Not thread-safe.
 *
 * @param <T> what waits
 */
public final class AdmissionQueue<T> {
    private final int limit;
    private final Map<ServiceClass, Map<SessionId, Entry<T>>> lines = new EnumMap<>(ServiceClass.class);
    private final TreeSet<Entry<T>> byDeadline =
            new TreeSet<>(Comparator.<Entry<T>>comparingLong(Entry::deadlineMs).thenComparing(Entry::session));

    private record Entry<T>(SessionId session, ServiceClass serviceClass, long deadlineMs, T item) {}

    /** @param limit most requests of a class that may wait, at least 1 */
    public AdmissionQueue(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("queue limit " + limit + " must be at least 1");
        }
        this.limit = limit;
        for (ServiceClass serviceClass : ServiceClass.values()) {
            lines.put(serviceClass, new LinkedHashMap<>());
        }
    }

    /**
     * Adds at the end of its class.
     *
     * @param deadlineMs the last instant at which it may still be taken
     * @return false when the line of its class is full; then nothing changes
     */
    public boolean offer(SessionId session, ServiceClass serviceClass, long deadlineMs, T item) {
        if (isFull(serviceClass)) {
            return false;
        }
        restore(session, serviceClass, deadlineMs, item);
        return true;
    }

    /** Adds at the end even beyond the limit: for what was accepted before a restart with a lower one. */
    public void restore(SessionId session, ServiceClass serviceClass, long deadlineMs, T item) {
        if (contains(session)) {
            throw new IllegalStateException("session " + session + " waits already");
        }
        Entry<T> entry = new Entry<>(session, serviceClass, deadlineMs, item);
        lines.get(serviceClass).put(session, entry);
        byDeadline.add(entry);
    }

    /** Removes and returns at most {@code most} items whose deadline is before {@code nowMs}, earliest first. */
    public List<T> takeExpired(long nowMs, int most) {
        List<T> expired = new ArrayList<>();
        while (!byDeadline.isEmpty() && expired.size() < most && byDeadline.first().deadlineMs < nowMs) {
            Entry<T> entry = byDeadline.pollFirst();
            lines.get(entry.serviceClass).remove(entry.session);
            expired.add(entry.item);
        }
        return expired;
    }

    /**
     * Offers every item to {@code taker}, the latency-critical ones first and each class in order, and removes those it
     * takes; the taker must not touch the queue.
     */
    public void drain(Predicate<T> taker) {
        for (Map<SessionId, Entry<T>> line : lines.values()) {
            Iterator<Entry<T>> iterator = line.values().iterator();
            while (iterator.hasNext()) {
                Entry<T> entry = iterator.next();
                if (taker.test(entry.item)) {
                    iterator.remove();
                    byDeadline.remove(entry);
                }
            }
        }
    }

    /** Removes one and returns it; empty when it does not wait. */
    public Optional<T> remove(SessionId session) {
        for (Map<SessionId, Entry<T>> line : lines.values()) {
            Entry<T> entry = line.remove(session);
            if (entry != null) {
                byDeadline.remove(entry);
                return Optional.of(entry.item);
            }
        }
        return Optional.empty();
    }

    public boolean contains(SessionId session) {
        return lines.values().stream().anyMatch(line -> line.containsKey(session));
    }

    public boolean isEmpty() {
        return byDeadline.isEmpty();
    }

    /** Whether no more of this class may wait. */
    public boolean isFull(ServiceClass serviceClass) {
        return size(serviceClass) >= limit;
    }

    /** Requests that wait. */
    public int size() {
        return byDeadline.size();
    }

    /** Requests of a class that wait. */
    public int size(ServiceClass serviceClass) {
        return lines.get(serviceClass).size();
    }
}
