package io.sluice.sharing.gpu;

import java.util.Arrays;

/** Host events by time, then by the order they were added in: a binary heap over arrays. Not thread-safe. */
final class EventHeap {
    private long[] times = new long[64];
    private long[] numbers = new long[64];
    private Runnable[] actions = new Runnable[64];
    private int size;
    private long added;

    void add(long at, Runnable action) {
        if (size == times.length) {
            times = Arrays.copyOf(times, 2 * size);
            numbers = Arrays.copyOf(numbers, 2 * size);
            actions = Arrays.copyOf(actions, 2 * size);
        }
        int hole = size++;
        while (hole > 0 && times[(hole - 1) >>> 1] > at) {
            move((hole - 1) >>> 1, hole);
            hole = (hole - 1) >>> 1;
        }
        times[hole] = at;
        numbers[hole] = added++;
        actions[hole] = action;
    }

    /** Time of the next event; {@link Long#MAX_VALUE}: there is none. */
    long nextTime() {
        return size == 0 ? Long.MAX_VALUE : times[0];
    }

    Runnable remove() {
        Runnable first = actions[0];
        int last = --size;
        long at = times[last];
        long number = numbers[last];
        int hole = 0;
        for (int child = 1; child < last; child = 2 * hole + 1) {
            if (child + 1 < last && before(child + 1, times[child], numbers[child])) {
                child++;
            }
            if (!before(child, at, number)) {
                break;
            }
            move(child, hole);
            hole = child;
        }
        if (hole != last) {
            move(last, hole);
        }
        actions[last] = null;
        return first;
    }

    private boolean before(int index, long at, long number) {
        return times[index] < at || (times[index] == at && numbers[index] < number);
    }

    private void move(int from, int to) {
        times[to] = times[from];
        numbers[to] = numbers[from];
        actions[to] = actions[from];
    }
}
