package io.sluice.core.planning.live;

import io.sluice.core.planning.TokenMix;
import java.util.Optional;

/**
 * The mix of tokens as it is seen, and for how long it has stayed. Only time with traffic counts: a mix that was
 * measured once and is followed by silence has not been stable. Immutable.
 *
 * @param promptShare share of prompt tokens; negative: too few tokens have passed
 * @param reference share that the present one is compared with to be stable
 * @param tokens recent tokens, to notice traffic
 * @param trafficMillis when traffic was last seen
 * @param stableMillis time with traffic during which the share stayed
 * @param lookedMillis when it was last looked at
 */
public record Demand(
        double promptShare, double reference, double tokens, long trafficMillis, long stableMillis, long lookedMillis) {
    /** Nothing seen yet. */
    public static final Demand NONE = new Demand(-1, -1, 0, 0, 0, 0);

    /** Traffic is over when no token passed for so long. */
    private static final long PAUSE_MILLIS = 2_000;

    /** After another look; {@code tolerance} is what the share may move by and still be the same. */
    Demand seen(Optional<TokenMix> measured, double tolerance, long nowMillis) {
        if (measured.isEmpty()) {
            return NONE;
        }
        TokenMix mix = measured.get();
        double total = mix.prefillTokens() + mix.decodeTokens();
        double share = mix.prefillTokens() / total;
        boolean passing = total != tokens || share != promptShare;
        long traffic = passing ? nowMillis : trafficMillis;
        if (promptShare < 0 || Math.abs(share - reference) > tolerance) {
            return new Demand(share, share, total, traffic, 0, nowMillis);
        }
        long passed = nowMillis - traffic <= PAUSE_MILLIS ? Math.max(0, nowMillis - lookedMillis) : 0;
        return new Demand(share, reference, total, traffic, stableMillis + passed, nowMillis);
    }
}
