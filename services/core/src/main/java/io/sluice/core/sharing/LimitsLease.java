package io.sluice.core.sharing;

import java.time.Duration;

/**
 * Until when published limits hold on the clock of the worker that reads them: until the publisher's clock says so, and at
 * the latest for the length of the lease from the moment of reading, so that a clock that is ahead lengthens nothing.
 */
public final class LimitsLease {
    /** Longest lease, s. */
    public static final int MOST_SECONDS = 60;

    private static final long MOST_MILLIS = Duration.ofSeconds(MOST_SECONDS).toMillis();

    private LimitsLease() {}

    /**
     * The end of a lease, ns of the reader's monotonic clock; {@link Long#MIN_VALUE}: it is over.
     *
     * @param atMillis when it was published, ms since the Unix epoch
     * @param validUntilMillis until when it holds, by the same clock
     * @param nowNanos when it was read, ns of the reader's monotonic clock
     * @param epochMillis the same moment by the reader's wall clock
     */
    public static long endNanos(long atMillis, long validUntilMillis, long nowNanos, long epochMillis) {
        double lease = Math.min(MOST_MILLIS, (double) validUntilMillis - atMillis);
        double left = Math.min(lease, (double) validUntilMillis - epochMillis);
        return left <= 0
                ? Long.MIN_VALUE
                : nowNanos + Duration.ofMillis((long) left).toNanos();
    }
}
