package io.sluice.core.sharing;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Wait;

/** One choice among the offers that are ready: who goes next, and how much of it. Used once. */
final class TenantChoice {
    private final SharingLimits limits;
    private final TenantAccounts accounts;
    private final GateSettings settings;
    private final long nowNanos;
    private final long burstNanos;
    private final int freeLanes;
    private final boolean mayProbe;

    private SliceOffer offer;
    private TenantAccount account;
    private double tag;
    private long units;
    private int lanes;
    private long boundNanos;
    private double expectedNanos;
    private boolean probe;
    private boolean pooled;
    private Reason reason = Reason.NO_OFFER;
    private long until = Long.MAX_VALUE;

    TenantChoice(
            SharingLimits limits,
            TenantAccounts accounts,
            GateSettings settings,
            long nowNanos,
            long burstNanos,
            int freeLanes,
            boolean mayProbe) {
        this.limits = limits;
        this.accounts = accounts;
        this.settings = settings;
        this.nowNanos = nowNanos;
        this.burstNanos = burstNanos;
        this.freeLanes = freeLanes;
        this.mayProbe = mayProbe;
    }

    /** @param onPool whether it is for one lane in a gap, beside others, or for the device */
    void consider(SliceOffer candidate, boolean onPool) {
        TenantId tenant = candidate.tenant();
        TenantLevel level = limits.level(tenant).orElse(null);
        if (level != null && level.none()) {
            refuse(Reason.NOT_ALLOWED, Long.MAX_VALUE);
            return;
        }
        TenantAccount its = accounts.of(tenant, nowNanos);
        if (its == null) {
            refuse(Reason.LENGTH_UNKNOWN, Long.MAX_VALUE);
            return;
        }
        if (its.heldUntilNanos() > nowNanos) {
            refuse(Reason.TENANT_HELD_BACK, its.heldUntilNanos());
            return;
        }
        boolean busy = its.pools() > 0 || (onPool && its.lanesHeld() > 0);
        int onLanes = busy ? 0 : onPool ? 1 : Math.min(candidate.lanes(), freeLanes);
        long bound = limits.sliceNanos();
        if (level != null) {
            onLanes = Math.min(onLanes, level.lanes() - its.lanesHeld());
            bound = Math.min(bound, level.sliceNanos());
            TokenBucket share = accounts.settle(tenant, its, limits, burstNanos, nowNanos);
            if (!share.open(level.admission())) {
                refuse(Reason.QUOTA_USED, Shares.plus(nowNanos, share.waitNanos(level.admission())));
                return;
            }
        }
        if (onLanes <= 0) {
            refuse(Reason.LANES_TAKEN, Long.MAX_VALUE);
            return;
        }
        fit(candidate, onPool, its, onLanes, bound);
    }

    private void fit(SliceOffer candidate, boolean onPool, TenantAccount its, int onLanes, long bound) {
        if (candidate.claimedUnitNanos() > bound) {
            refuse(Reason.TOO_LONG, Long.MAX_VALUE);
            return;
        }
        SliceProfile profile = its.profile(candidate.kind());
        if (settings.stopsBetweenUnits()) {
            // Whoever comes waits for a unit at most, and what a unit takes is the batch's size: the smallest may
            // always run.
            double each = Math.max(profile.usualUnitNanos(), candidate.claimedUnitNanos());
            boolean known = profile.proven();
            long most = known ? Math.clamp((long) (settings.turnNanos() / each), 1, candidate.units()) : 1;
            offer(candidate, onPool, its, onLanes, Shares.times(bound, most), most, !known, profile);
            return;
        }
        double unitNanos = Math.max(profile.upperUnitNanos(onLanes), candidate.claimedUnitNanos());
        long fitting = profile.proven() ? Math.min(candidate.units(), (long) (bound / unitNanos)) : 1;
        boolean unknown = !profile.proven();
        if (fitting == 0) {
            // It may have become shorter: one more try when the memory of it is old.
            long again = Shares.plus(profile.newestNanos(), settings.longestHoldNanos());
            if (nowNanos < again) {
                refuse(Reason.TOO_LONG, again);
                return;
            }
            unknown = true;
            fitting = 1;
        }
        offer(candidate, onPool, its, onLanes, bound, fitting, unknown, profile);
    }

    private void offer(
            SliceOffer candidate,
            boolean onPool,
            TenantAccount its,
            int onLanes,
            long bound,
            long fitting,
            boolean unknown,
            SliceProfile profile) {
        if (unknown && (!mayProbe || nowNanos < accounts.probeAfterNanos())) {
            refuse(Reason.LENGTH_UNKNOWN, mayProbe ? accounts.probeAfterNanos() : Long.MAX_VALUE);
            return;
        }
        double start = accounts.startTag(its);
        boolean first = offer == null
                || start < tag
                || (start == tag && candidate.tenant().compareTo(offer.tenant()) < 0);
        if (first) {
            offer = candidate;
            account = its;
            tag = start;
            units = fitting;
            lanes = onLanes;
            boundNanos = bound;
            probe = unknown;
            pooled = onPool;
            double mean = profile.meanUnitNanos() > 0 ? profile.meanUnitNanos() : candidate.claimedUnitNanos();
            expectedNanos = Math.min(bound, fitting * mean);
        }
    }

    private void refuse(Reason why, long retry) {
        // The refusal that ends first is the one worth telling.
        if (reason == Reason.NO_OFFER || retry < until) {
            reason = why;
            until = retry;
        }
    }

    boolean found() {
        return offer != null;
    }

    /** Whether what was chosen is for a pool. */
    boolean pooled() {
        return pooled;
    }

    Wait refusal() {
        return new Wait(reason, until);
    }

    /** Starts what was chosen. */
    RunningSlice start(long id) {
        RunningSlice slice =
                new RunningSlice(id, offer.tenant(), offer.kind(), units, lanes, boundNanos, nowNanos, probe, pooled);
        accounts.settle(offer.tenant(), account, limits, burstNanos, nowNanos);
        accounts.started(slice, offer.weight(), expectedNanos, account);
        return slice;
    }
}
