package io.sluice.core.sharing;

import java.util.LinkedHashMap;
import java.util.Map;

/** The tenants of one gate. Not thread-safe. */
final class TenantAccounts {
    /** Tenants known at once. */
    static final int MAX_TENANTS = 64;

    private final GateSettings settings;
    private final Map<TenantId, TenantAccount> accounts = new LinkedHashMap<>();
    private final Map<Long, Charge> charges = new LinkedHashMap<>();
    private final FairTurns turns = new FairTurns();
    private long probeAfterNanos = Long.MIN_VALUE;

    private record Charge(double weight, double expectedNanos) {}

    TenantAccounts(GateSettings settings) {
        this.settings = settings;
    }

    /** The account of a tenant; null: there are too many tenants and none of them can be forgotten. */
    TenantAccount of(TenantId tenant, long nowNanos) {
        TenantAccount known = accounts.get(tenant);
        if (known != null) {
            return known;
        }
        if (accounts.size() >= MAX_TENANTS && !forgetOne(nowNanos)) {
            return null;
        }
        TenantAccount fresh = new TenantAccount();
        accounts.put(tenant, fresh);
        return fresh;
    }

    private boolean forgetOne(long nowNanos) {
        for (Map.Entry<TenantId, TenantAccount> entry : accounts.entrySet()) {
            if (entry.getValue().blank(nowNanos)) {
                accounts.remove(entry.getKey());
                return true;
            }
        }
        return false;
    }

    /** Virtual start of the next slice of an account. */
    double startTag(TenantAccount account) {
        return turns.startTag(account.turns());
    }

    /** Before this moment nothing of unknown length may start. */
    long probeAfterNanos() {
        return probeAfterNanos;
    }

    void started(RunningSlice slice, double weight, double expectedNanos, TenantAccount account) {
        // It may have been forgotten for one of many other tenants in the same choice.
        accounts.put(slice.tenant(), account);
        turns.started(account.turns(), expectedNanos * settings.lanes(slice), weight);
        account.started(slice);
        charges.put(slice.id(), new Charge(weight, expectedNanos));
    }

    /**
     * A slice has ended.
     *
     * @param besideNanos how long latency-critical work was there while it ran on a pool: what it took then says nothing
     */
    SliceEnd finished(RunningSlice slice, long unitsDone, long usualNanos, long besideNanos, long nowNanos) {
        TenantAccount account = accounts.get(slice.tenant());
        Charge charge = charges.remove(slice.id());
        long took = nowNanos - slice.startNanos();
        account.turns().correct((took - charge.expectedNanos()) * settings.lanes(slice), charge.weight());
        account.ended(slice);
        if (unitsDone > 0 && besideNanos == 0) {
            long learnt = usualNanos > 0 ? Shares.times(usualNanos, unitsDone) : took;
            account.profile(slice.kind()).observe(unitsDone, learnt, slice.lanes(), nowNanos);
        }
        long bound = settings.boundNanos(slice, unitsDone);
        long own = took - besideNanos;
        if (own <= bound * settings.tolerance()) {
            // One on a pool that was given back unused proves nothing.
            if (unitsDone > 0 || !slice.pooled()) {
                account.keptItsBound(own, bound, settings);
            }
            return new SliceEnd(0, false);
        }
        long hold = account.strike(own, nowNanos, settings);
        if (hold == 0) {
            return new SliceEnd(0, true);
        }
        // Under a new name a tenant starts with what is not proven: that waits as well.
        double unproven = Math.min(Long.MAX_VALUE, settings.holdFactor() * own);
        probeAfterNanos = Math.max(probeAfterNanos, Shares.plus(nowNanos, (long) unproven));
        return new SliceEnd(hold, true);
    }

    /** A slice that nobody waited for has ended: its time counts for the tenant's turns only. */
    void endedBeside(RunningSlice slice, long nowNanos) {
        TenantAccount account = accounts.get(slice.tenant());
        Charge charge = charges.remove(slice.id());
        account.turns().correct(Math.max(0, nowNanos - slice.startNanos()), charge.weight());
        account.ended(slice);
    }

    /** Whether a slice that runs is longer than its bound allows; {@code besideNanos} as in {@link #finished}. */
    boolean overrun(RunningSlice slice, long besideNanos, long nowNanos) {
        return nowNanos - slice.startNanos() - besideNanos > slice.boundNanos() * settings.tolerance();
    }

    double unitNanos(TenantId tenant, String kind, int lanes) {
        TenantAccount account = accounts.get(tenant);
        return account == null
                ? 0
                : settings.stopsBetweenUnits()
                        ? account.profile(kind).usualUnitNanos()
                        : account.profile(kind).upperUnitNanos(lanes);
    }

    /** Brings the shares of all tenants up to date under {@code limits}, before those change. */
    void settle(SharingLimits limits, long burstNanos, long nowNanos) {
        accounts.forEach((tenant, account) -> settle(tenant, account, limits, burstNanos, nowNanos));
    }

    TokenBucket settle(TenantId tenant, TenantAccount account, SharingLimits limits, long burstNanos, long nowNanos) {
        double admission = limits.level(tenant).map(TenantLevel::admission).orElse(1.0);
        return account.bucket(admission, settings, burstNanos, nowNanos);
    }
}
