package io.sluice.core.sharing;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a gate knows of one tenant: its turns, its own share, its profiles and its overruns. Not thread-safe. */
final class TenantAccount {
    private static final int MAX_KINDS = 64;
    private static final int GOOD_SLICES_PER_STRIKE = 256;
    private static final int MAX_STRIKES = 20;
    private static final int MAX_ALLOWED_BOUNDS = 4;

    private final TokenBucket bucket = new TokenBucket();
    private final FairTurns.Account turns = new FairTurns.Account();
    private final Map<String, SliceProfile> profiles = new LinkedHashMap<>();
    private int lanesHeld;
    private int pools;
    private long bucketNanos = Long.MIN_VALUE;
    private long heldUntilNanos = Long.MIN_VALUE;
    private double allowanceNanos;
    private int strikes;
    private int goodSlices;

    /** Profile of a kind; the one known longest is forgotten where there are too many. */
    SliceProfile profile(String kind) {
        SliceProfile known = profiles.get(kind);
        if (known != null) {
            return known;
        }
        if (profiles.size() >= MAX_KINDS) {
            Iterator<String> oldest = profiles.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        SliceProfile fresh = new SliceProfile();
        profiles.put(kind, fresh);
        return fresh;
    }

    /** Its turns; costs are lane nanoseconds. */
    FairTurns.Account turns() {
        return turns;
    }

    /** Lanes that its slices hold, but for those on pools. */
    int lanesHeld() {
        return lanesHeld;
    }

    /** Its slices on pools. */
    int pools() {
        return pools;
    }

    void started(RunningSlice slice) {
        hold(slice, 1);
    }

    void ended(RunningSlice slice) {
        hold(slice, -1);
    }

    private void hold(RunningSlice slice, int sign) {
        if (slice.pooled()) {
            pools += sign;
        } else {
            lanesHeld += sign * slice.lanes();
        }
    }

    long heldUntilNanos() {
        return heldUntilNanos;
    }

    /** Brings the tenant's own share up to date; call before its lanes or its admission change. */
    TokenBucket bucket(double admission, GateSettings settings, long burstNanos, long nowNanos) {
        if (bucketNanos != Long.MIN_VALUE) {
            bucket.advance(nowNanos - bucketNanos, admission, settings.share(lanesHeld, pools), burstNanos);
        }
        bucketNanos = nowNanos;
        return bucket;
    }

    /**
     * An overrun of {@code nanos}: how long the tenant is held back, ns. Time within the bound pays like time held back,
     * so that an accident of the machine now and then costs an honest tenant nothing.
     */
    long strike(long nanos, long nowNanos, GateSettings settings) {
        double paid = Math.min(allowanceNanos, nanos);
        allowanceNanos -= paid;
        if (paid >= nanos) {
            return 0;
        }
        double first = settings.holdFactor() * (nanos - paid);
        double doubled = Math.min(settings.longestHoldNanos(), first * Math.pow(2, strikes));
        // The cap keeps a tenant from being lost for ever, but never makes a hold shorter than the first one would be.
        long hold = (long) Math.min(Long.MAX_VALUE, Math.max(first, doubled));
        strikes = Math.min(MAX_STRIKES, strikes + 1);
        goodSlices = 0;
        heldUntilNanos = Math.max(heldUntilNanos, Shares.plus(nowNanos, hold));
        return hold;
    }

    void keptItsBound(long nanos, long boundNanos, GateSettings settings) {
        double most = MAX_ALLOWED_BOUNDS * (double) boundNanos;
        allowanceNanos = Math.max(allowanceNanos, Math.min(most, allowanceNanos + nanos / settings.holdFactor()));
        if (strikes > 0 && ++goodSlices >= GOOD_SLICES_PER_STRIKE) {
            goodSlices = 0;
            strikes--;
        }
    }

    /** Whether forgetting this tenant would forget nothing that protects the others. */
    boolean blank(long nowNanos) {
        return lanesHeld == 0 && pools == 0 && strikes == 0 && heldUntilNanos <= nowNanos;
    }
}
