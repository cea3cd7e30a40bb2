package io.sluice.core.sharing;

/**
 * Keeps device time used within a share of the time gone by: what was used up to any moment is at most {@code rate x time
 * + burst}, and what was under way when the bucket ran empty. Not thread-safe.
 */
final class TokenBucket {
    private double levelNanos;

    /** {@code nanos} went by while the share {@code used} of the device was in use. */
    void advance(long nanos, double rate, double used, long burstNanos) {
        if (rate >= 1) {
            levelNanos = Math.min(0, levelNanos + nanos);
            return;
        }
        levelNanos = Math.min(burstNanos, levelNanos + (rate - used) * nanos);
    }

    /** Whether something may start at {@code rate}. */
    boolean open(double rate) {
        return rate >= 1 || (rate > 0 && levelNanos >= 0);
    }

    /** How long until it opens, with nothing in use; at least 1. */
    long waitNanos(double rate) {
        return rate <= 0 ? Long.MAX_VALUE : Math.max(1, (long) Math.ceil(-levelNanos / rate));
    }
}
