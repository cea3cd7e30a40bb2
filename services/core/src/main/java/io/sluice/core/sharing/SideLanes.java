package io.sluice.core.sharing;

import io.sluice.core.sharing.GateDecision.Reason;
import io.sluice.core.sharing.GateDecision.Wait;
import java.util.ArrayList;
import java.util.List;

/**
 * The side lanes of one gate: slices that run on one of them each, beside latency-critical work. Nobody waits for such a slice,
 * so it has no bound, it is no probe, and nobody is held back for its length; tenants take turns for its time as for any other.
 * Not thread-safe.
 */
final class SideLanes {
    private final TenantAccounts accounts;
    private final List<RunningSlice> running = new ArrayList<>();

    SideLanes(TenantAccounts accounts) {
        this.accounts = accounts;
    }

    int held() {
        return running.size();
    }

    /** @param allowed lanes that may be held now */
    GateDecision next(List<SliceOffer> offers, SharingLimits limits, int allowed, long id, long nowNanos) {
        if (offers.isEmpty()) {
            return new Wait(Reason.NO_OFFER, Long.MAX_VALUE);
        }
        if (running.size() >= allowed) {
            return new Wait(Reason.LANES_TAKEN, Long.MAX_VALUE);
        }
        SliceOffer chosen = null;
        TenantAccount account = null;
        double tag = 0;
        for (SliceOffer offer : offers) {
            TenantAccount its = accounts.of(offer.tenant(), nowNanos);
            TenantLevel level = limits.level(offer.tenant()).orElse(null);
            if (its == null
                    || its.lanesHeld() > 0
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
        running.add(slice);
        accounts.started(slice, chosen.weight(), 0, account);
        return new GateDecision.Start(slice);
    }

    /** Whether the slice is one of these, and must stop: the newest go where fewer lanes are allowed. */
    boolean mustYield(long id, int allowed) {
        return running.stream().skip(Math.max(0, allowed)).anyMatch(slice -> slice.id() == id);
    }

    /** The slice has ended; false when it is none of these. */
    boolean ended(long id, long nowNanos) {
        for (RunningSlice slice : running) {
            if (slice.id() == id) {
                running.remove(slice);
                accounts.endedBeside(slice, nowNanos);
                return true;
            }
        }
        return false;
    }
}
