package io.sluice.simulator;

import java.util.Arrays;

/**
 * Events ordered by time, then by the order they were added in: a binary heap over arrays, nothing is allocated per
 * event. The removed event is in {@link #time}, {@link #kind}, {@link #target} and {@link #payload}. Not thread-safe.
 */
final class EventQueue {
    private double[] times = new double[1024];
    private long[] numbers = new long[1024];
    private long[] what = new long[1024];
    private Object[] payloads = new Object[1024];
    private int size;
    private long added;

    double time;
    int kind;
    int target;
    Object payload;

    void add(double at, int eventKind, int eventTarget, Object eventPayload) {
        if (!(at >= time)) {
            throw new IllegalStateException("event at " + at + " s is before the present, " + time + " s");
        }
        if (size == times.length) {
            times = Arrays.copyOf(times, 2 * size);
            numbers = Arrays.copyOf(numbers, 2 * size);
            what = Arrays.copyOf(what, 2 * size);
            payloads = Arrays.copyOf(payloads, 2 * size);
        }
        int hole = size++;
        long number = added++;
        while (hole > 0) {
            int parent = (hole - 1) >>> 1;
            if (times[parent] <= at) { // an equal time was added earlier
                break;
            }
            move(parent, hole);
            hole = parent;
        }
        times[hole] = at;
        numbers[hole] = number;
        what[hole] = (long) eventKind << 32 | (eventTarget & 0xffffffffL);
        payloads[hole] = eventPayload;
    }

    /** Time of the next event; infinite: there is none. */
    double nextTime() {
        return size == 0 ? Double.POSITIVE_INFINITY : times[0];
    }

    /** Events added so far. */
    long added() {
        return added;
    }

    void remove() {
        time = times[0];
        kind = (int) (what[0] >> 32);
        target = (int) what[0];
        payload = payloads[0];
        int last = --size;
        double at = times[last];
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
        payloads[last] = null;
    }

    private boolean before(int index, double at, long number) {
        return times[index] < at || (times[index] == at && numbers[index] < number);
    }

    private void move(int from, int to) {
        times[to] = times[from];
        numbers[to] = numbers[from];
        what[to] = what[from];
        payloads[to] = payloads[from];
    }
}
