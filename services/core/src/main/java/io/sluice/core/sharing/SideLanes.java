package io.sluice.core.sharing;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.ArrayList;
import java.util.List;

/**
 * The side lanes of one gate, and the slices that run on one of them each: beside latency-critical work, or on pools, in its
 * gaps. Nobody waits for a slice beside, so it has no bound, it is no probe, and nobody is held back for its length; tenants
 * take turns for its time as for any other. A slice on a pool has a bound, since others wait for its lane; while
 * latency-critical work is there it is one beside it, and that time counts for turns only. Not thread-safe.
 */
final class SideLanes {
    private final TenantAccounts accounts;
    /** Oldest first. */
    private final List<Held> held = new ArrayList<>();

    private int pooled;

    /** @param criticalNanos how long latency-critical work had been there before it started, since the gate began */
    private record Held(RunningSlice slice, long criticalNanos) {}

    SideLanes(TenantAccounts accounts) {
        this.accounts = accounts;
    }

    int held() {
        return held.size();
    }

    /** Lanes that slices on pools hold. */
    int pooled() {
        return pooled;
    }

    /** What may start beside latency-critical work; @param allowed lanes that may be held now */
    GateDecision next(List<SliceOffer> offers, SharingLimits limits, int allowed, long id, long nowNanos) {
        if (offers.isEmpty()) {
            return new Wait(Reason.NO_OFFER, Long.MAX_VALUE);
        }
        if (held.size() >= allowed) {
            return new Wait(Reason.LANES_TAKEN, Long.MAX_VALUE);
        }
        SliceOffer chosen = null;
        TenantAccount account = null;
        double tag = 0;
        for (SliceOffer offer : offers) {
            TenantAccount its = accounts.of(offer.tenant(), nowNanos);
            TenantLevel level = limits.level(offer.tenant()).orElse(null);
            if (its == null
                    || its.lanesHeld() + its.pools() > 0
                    || its.heldUntilNanos() > nowNanos
                    || (level != null && level.none())) {
                continue;
            }
            double start = accounts.startTag(its);
            if (chosen == null || start < tag || (start == tag && offer.tenant().compareTo(chosen.tenant()) < 0)) {
                chosen = offer;
                account = its;
                tag = start;
            }
        }
        if (chosen == null) {
            return new Wait(Reason.TENANT_HELD_BACK, Long.MAX_VALUE);
        }
        RunningSlice slice = new RunningSlice(
                id, chosen.tenant(), chosen.kind(), chosen.units(), 1, Long.MAX_VALUE, nowNanos, false);
        held.add(new Held(slice, 0));
        accounts.started(slice, chosen.weight(), 0, account);
        return new GateDecision.Start(slice);
    }

    /** A slice on a pool has started; {@code criticalNanos} as {@link #besideNanos}. */
    void started(RunningSlice slice, long criticalNanos) {
        held.add(new Held(slice, criticalNanos));
        pooled++;
    }

    /**
     * Whether the slice is one of these, and must stop: the newest go where fewer lanes are allowed.
     *
     * @param beside lanes that may be held beside latency-critical work
     * @param onPools lanes that may be held by slices on pools now
     * @param criticalNanos as {@link #besideNanos}
     */
    boolean mustYield(long id, int beside, int onPools, long criticalNanos, long nowNanos) {
        for (int i = 0; i < held.size(); i++) {
            Held its = held.get(i);
            if (its.slice().id() == id) {
                return its.slice().pooled()
                        ? i >= onPools || accounts.overrun(its.slice(), criticalNanos - its.criticalNanos(), nowNanos)
                        : i >= beside;
            }
        }
        return false;
    }

    /** The slice beside has ended; false when it is none of these. */
    boolean ended(long id, long nowNanos) {
        Held its = find(id, false);
        if (its == null) {
            return false;
        }
        held.remove(its);
        accounts.endedBeside(its.slice(), nowNanos);
        return true;
    }

    /** The slice of that id on a pool; null: there is none. */
    RunningSlice onPool(long id) {
        Held its = find(id, true);
        return its == null ? null : its.slice();
    }

    /**
     * A slice that {@link #onPool} has given leaves its lane.
     *
     * @param criticalNanos how long latency-critical work has been there since the gate began
     * @return how much of that was while the slice ran
     */
    long leaves(RunningSlice slice, long criticalNanos) {
        Held its = find(slice.id(), true);
        held.remove(its);
        pooled--;
        return criticalNanos - its.criticalNanos();
    }

    private Held find(long id, boolean onPool) {
        for (Held its : held) {
            if (its.slice().id() == id && its.slice().pooled() == onPool) {
                return its;
            }
        }
        return null;
    }
}
