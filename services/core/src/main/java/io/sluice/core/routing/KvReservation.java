package io.sluice.core.routing;

/** How much KV cache a session reserves on every stage of its pipeline; router and workers count alike. */
public final class KvReservation {
    /** Smallest reservation, tokens. */
    public static final int MIN_TOKENS = 64;

    private KvReservation() {}

    /**
     * Tokens reserved for a sequence of at most {@code tokens} positions: the next power of two, at least
     * {@link #MIN_TOKENS}. Equal sizes let the cache batch sessions side by side; at most half of it is waste.
     */
    public static int roundUp(int tokens) {
        if (tokens < 1 || tokens > 1 << 30) {
            throw new IllegalArgumentException("a sequence of " + tokens + " tokens cannot be reserved (1 to 2^30)");
        }
        return Math.max(MIN_TOKENS, tokens == 1 ? 1 : Integer.highestOneBit(tokens - 1) << 1);
    }
}
