package io.sluice.simtest;

import java.util.Arrays;

/** Events by time, equal times in the order they were added. A binary heap over arrays. Not thread-safe. */
final class EventQueue {
    /**
     * Something that will happen.
     *
     * @param actor whose event it is; null: of the network or the brokers, which never stop
     * @param life of the actor that it belongs to: one that died takes its events with it
     */
    record Event(long atMicros, long order, Actor actor, int life, Runnable action) {}

    private Event[] heap = new Event[1024];
    private int size;
    private long added;

    void add(long atMicros, Actor actor, Runnable action) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size);
        }
        Event event = new Event(atMicros, added++, actor, actor == null ? 0 : actor.life(), action);
        int at = size++;
        while (at > 0) {
            int parent = (at - 1) >>> 1;
            if (!before(event, heap[parent])) {
                break;
            }
            heap[at] = heap[parent];
            at = parent;
        }
        heap[at] = event;
    }

    /** Removes the next event; null when there is none. */
    Event poll() {
        if (size == 0) {
            return null;
        }
        Event first = heap[0];
        Event last = heap[--size];
        heap[size] = null;
        int at = 0;
        for (int child = 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], last)) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        if (size > 0) {
            heap[at] = last;
        }
        return first;
    }

    int size() {
        return size;
    }

    private static boolean before(Event a, Event b) {
        return a.atMicros != b.atMicros ? a.atMicros < b.atMicros : a.order < b.order;
    }
}
