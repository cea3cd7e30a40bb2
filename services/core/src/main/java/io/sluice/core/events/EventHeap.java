package io.sluice.core.events;

import java.util.Arrays;

/**
 * Events by a key, equal keys in the order they were added: a binary heap over arrays, O(log n), nothing is allocated per
 * event. The key is a time in any unit that grows with it; of seconds that are not negative the bits of the double do. The
 * removed event is in {@link #key}, {@link #label} and {@link #payload}. Not thread-safe.
 */
public final class EventHeap {
    private long[] keys = new long[64];
    private long[] numbers = new long[64];
    private long[] labels = new long[64];
    private Object[] payloads = new Object[64];
    private int size;
    private long added;
    private long key;
    private long label;
    private Object payload;

    /** Adds an event; what its label and payload mean is the caller's. */
    public void add(long eventKey, long eventLabel, Object eventPayload) {
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            numbers = Arrays.copyOf(numbers, 2 * size);
            labels = Arrays.copyOf(labels, 2 * size);
            payloads = Arrays.copyOf(payloads, 2 * size);
        }
        int hole = size++;
        while (hole > 0 && keys[(hole - 1) >>> 1] > eventKey) { // an equal key was added earlier
            move((hole - 1) >>> 1, hole);
            hole = (hole - 1) >>> 1;
        }
        keys[hole] = eventKey;
        numbers[hole] = added++;
        labels[hole] = eventLabel;
        payloads[hole] = eventPayload;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    /** Key of the next event; {@link Long#MAX_VALUE}: there is none. */
    public long nextKey() {
        return size == 0 ? Long.MAX_VALUE : keys[0];
    }

    /** Events added so far. */
    public long added() {
        return added;
    }

    /** Removes the next event; there must be one. */
    public void remove() {
        if (size == 0) {
            throw new IllegalStateException("no event to remove: ask whether there is one");
        }
        key = keys[0];
        label = labels[0];
        payload = payloads[0];
        int last = --size;
        long lastKey = keys[last];
        long number = numbers[last];
        int hole = 0;
        for (int child = 1; child < last; child = 2 * hole + 1) {
            if (child + 1 < last && before(child + 1, keys[child], numbers[child])) {
                child++;
            }
            if (!before(child, lastKey, number)) {
                break;
            }
            move(child, hole);
            hole = child;
        }
        if (hole != last) {
            move(last, hole);
        }
        payloads[last] = null;
    }

    /** Key of the event removed last. */
    public long key() {
        return key;
    }

    /** Label of the event removed last. */
    public long label() {
        return label;
    }

    /** Payload of the event removed last. */
    public Object payload() {
        return payload;
    }

    private boolean before(int index, long otherKey, long number) {
        return keys[index] < otherKey || (keys[index] == otherKey && numbers[index] < number);
    }

    private void move(int from, int to) {
        keys[to] = keys[from];
        numbers[to] = numbers[from];
        labels[to] = labels[from];
        payloads[to] = payloads[from];
    }
}
