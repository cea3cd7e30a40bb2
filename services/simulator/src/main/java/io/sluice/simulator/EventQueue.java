package io.sluice.simulator;

import io.sluice.core.events.EventHeap;

/**
 * Events ordered by time in seconds, then by the order they were added in. The removed event is in {@link #time}, {@link
 * #kind}, {@link #target} and {@link #payload}. Not thread-safe.
 */
final class EventQueue {
    private final EventHeap heap = new EventHeap();

    double time;
    int kind;
    int target;
    Object payload;

    void add(double at, int eventKind, int eventTarget, Object eventPayload) {
        if (!(at >= time)) {
            throw new IllegalStateException("event at " + at + " s is before the present, " + time + " s");
        }
        long what = (long) eventKind << 32 | (eventTarget & 0xffffffffL);
        heap.add(Double.doubleToRawLongBits(at + 0.0), what, eventPayload); // + 0.0: no negative zero
    }

    /** Time of the next event; infinite: there is none. */
    double nextTime() {
        return heap.isEmpty() ? Double.POSITIVE_INFINITY : Double.longBitsToDouble(heap.nextKey());
    }

    /** Events added so far. */
    long added() {
        return heap.added();
    }

    void remove() {
        heap.remove();
        time = Double.longBitsToDouble(heap.key());
        kind = (int) (heap.label() >> 32);
        target = (int) heap.label();
        payload = heap.payload();
    }
}
