package io.sluice.core.network;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Bandwidth of a link from transfers of unlike sizes. What disturbs a transfer (a queue, a busy machine) only ever adds to
 * its time, so of each size class (a power of two) the fastest transfer of the last {@link #WINDOW_MILLIS} counts, and the
 * bandwidth is the slope between the smallest and the largest class. Neither latency nor an offset of clocks is in a slope.
 * Through a broker a record is sent twice, one after the other, so a link between two sites of 100 Mbit/s each shows 50.
 * Nothing is said before both classes have been seen often enough, nor of a link on which the larger class takes hardly
 * longer: that one is fast. Not thread-safe.
 */
public final class LinkMeter {
    /** A transfer counts for so long, ms. */
    public static final long WINDOW_MILLIS = 30_000;
    /** Least transfers of a size class. */
    public static final int MIN_TRANSFERS = 5;
    /** Least difference of two sizes, bytes. */
    public static final long MIN_SPREAD_BYTES = 6 << 10;
    /** Least difference of two transfer times, microseconds: less is the machine's noise. */
    public static final long MIN_SPREAD_MICROS = 500;

    private final Map<Integer, RecentMinimum> classes = new TreeMap<>();

    /** @param micros receive time minus send time by any two clocks */
    public void saw(long bytes, long micros, long nowMillis) {
        int size = 64 - Long.numberOfLeadingZeros(Math.max(0, bytes));
        classes.computeIfAbsent(size, key -> new RecentMinimum(WINDOW_MILLIS))
                .add(new RecentMinimum.Seen(micros, bytes), nowMillis);
    }

    /** Bytes per second; empty where the transfers do not tell. */
    public OptionalDouble bytesPerSecond(long nowMillis) {
        RecentMinimum.Seen small = null;
        RecentMinimum.Seen large = null;
        for (RecentMinimum size : classes.values()) {
            if (size.count(nowMillis) >= MIN_TRANSFERS) {
                RecentMinimum.Seen least = size.least(nowMillis).orElseThrow();
                small = small == null ? least : small;
                large = least;
            }
        }
        if (small == null || large.bytes() - small.bytes() < MIN_SPREAD_BYTES) {
            return OptionalDouble.empty();
        }
        double micros = large.value() - small.value();
        return micros < MIN_SPREAD_MICROS
                ? OptionalDouble.empty()
                : OptionalDouble.of((large.bytes() - small.bytes()) / micros * 1e6);
    }
}
