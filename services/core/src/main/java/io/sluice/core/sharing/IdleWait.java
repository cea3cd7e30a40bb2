package io.sluice.core.sharing;

/**
 * How long a device should have been without latency-critical work before best-effort work takes it. Most idle times are
 * either short, the way of a token through broker and router to the next step, or long, until the next request. In a short
 * one best-effort work gains little and takes cores from what brings the next step back. So the wait is as long as it
 * may be without costing more than a share of the idle time seen lately: short gaps are then left alone where long ones
 * make up most of it (fixed thresholds with such a budget: Golding et al., Idleness is not sloth, USENIX 1995).
 *
 * <p>The wait is the least one times a power of two, at most the longest one; the {@value #MEMORY} newest idle times count.
 * Not thread-safe.
 */
final class IdleWait {
    /** Idle times remembered. */
    static final int MEMORY = 64;
    /** Idle times before which only the least wait is known to be right. */
    static final int PROVEN = 8;
    /** Share of the idle time that waiting may cost. */
    static final double SHARE = 0.2;

    private final long leastNanos;
    private final long longestNanos;
    private final long[] idle = new long[MEMORY];
    private long seen;
    private long wait;

    IdleWait(long leastNanos, long longestNanos) {
        this.leastNanos = leastNanos;
        this.longestNanos = longestNanos;
        this.wait = leastNanos;
    }

    /** The device had no latency-critical work for so long, and has some now. */
    void ended(long idleNanos) {
        if (leastNanos >= longestNanos) {
            return;
        }
        idle[(int) (seen++ % MEMORY)] = Math.max(0, idleNanos);
        wait = leastNanos;
        if (seen < PROVEN) {
            return;
        }
        double budget = SHARE * lost(Long.MAX_VALUE);
        for (long longer = 2 * leastNanos; longer <= longestNanos && lost(longer) <= budget; longer *= 2) {
            wait = longer;
        }
    }

    /** How long to wait, ns. */
    long nanos() {
        return wait;
    }

    private double lost(long waitNanos) {
        double sum = 0;
        for (int i = 0; i < Math.min(seen, MEMORY); i++) {
            sum += Math.min(idle[i], waitNanos);
        }
        return sum;
    }
}
