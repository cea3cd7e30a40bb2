package io.sluice.core.sharing;

/**
 * Remembers when best-effort slices held a device that runs one thing at a time, so that the wait they caused can be told
 * afterwards: work may come while a slice runs and be heard of only when it has ended. The newest
 * {@value #MEMORY} slices are known. Times are ns of one clock. Not thread-safe.
 */
public final class SliceHistory {
    /** Slices remembered. */
    public static final int MEMORY = 1024;

    private final long[] starts = new long[MEMORY];
    private final long[] ends = new long[MEMORY];
    /** Time held up to the end of a slice. */
    private final long[] held = new long[MEMORY];

    private long count;

    /** A slice held the device from {@code startNanos} to {@code endNanos}; in the order of their ends. */
    public void add(long startNanos, long endNanos) {
        long from = count == 0 ? startNanos : Math.max(startNanos, ends[at(count - 1)]);
        if (endNanos <= from) {
            return;
        }
        long before = count == 0 ? 0 : held[at(count - 1)];
        int slot = at(count);
        starts[slot] = from;
        ends[slot] = endNanos;
        held[slot] = before + endNanos - from;
        count++;
    }

    /** How long slices held the device between two moments, as far as they are remembered. */
    public long heldNanos(long fromNanos, long toNanos) {
        return toNanos <= fromNanos ? 0 : heldUntil(toNanos) - heldUntil(fromNanos);
    }

    private long heldUntil(long nanos) {
        long first = Math.max(0, count - MEMORY);
        long low = first;
        long high = count;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (starts[at(middle)] < nanos) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low == first) {
            // Before what is remembered: as if nothing had been held until then.
            return count == 0 ? 0 : held[at(first)] - (ends[at(first)] - starts[at(first)]);
        }
        int slot = at(low - 1);
        return held[slot] - Math.max(0, ends[slot] - nanos);
    }

    private static int at(long index) {
        return (int) (index % MEMORY);
    }
}
