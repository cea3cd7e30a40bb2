package io.sluice.worker.sharing;

import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.TenantUse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What best-effort tenants used since the last report. A tenant that did nothing since then and has nothing waiting is
 * forgotten, so what is kept is bounded by the work at hand. Not thread-safe.
 */
final class TenantSums {
    /** Tenants of a report; readers refuse more. */
    static final int MOST = 64;

    private final TreeMap<TenantId, Sums> tenants = new TreeMap<>();
    /** Until when the time of a running slice is counted, by its id. */
    private final Map<Long, Running> running = new LinkedHashMap<>();

    private record Running(RunningSlice slice, double lanes, long countedUntilNanos) {}

    private static final class Sums {
        double weight = 1;
        long waiting;
        long tokens;
        double units;
        double runNanos;
        double laneNanos;
        long overruns;
        boolean busy;
    }

    void offered(SliceOffer offer) {
        of(offer.tenant()).weight = offer.weight();
    }

    /** @param lanes of the device, of which a slice on a pool takes a part */
    void started(RunningSlice slice, double lanes) {
        running.put(slice.id(), new Running(slice, lanes, slice.startNanos()));
        of(slice.tenant()).busy = true;
    }

    /** @param work layers times positions done */
    void ended(RunningSlice slice, double work, boolean overrun, long nowNanos) {
        Running known = running.remove(slice.id());
        Sums sums = of(slice.tenant());
        if (known != null) {
            count(known, sums, nowNanos);
        }
        sums.units += work;
        if (work > 0 && sums.runNanos <= 0) {
            // Its time was in the report before; readers refuse work in no time.
            sums.runNanos = 1;
            sums.laneNanos = known == null ? slice.lanes() : known.lanes();
        }
        sums.overruns += overrun ? 1 : 0;
        sums.busy = true;
    }

    void done(TenantId tenant, int positions) {
        Sums sums = of(tenant);
        sums.tokens += positions;
        sums.busy = true;
    }

    void waiting(List<SharingControl.TenantLoad> loads) {
        tenants.values().forEach(sums -> sums.waiting = 0);
        for (SharingControl.TenantLoad load : loads) {
            Sums sums = of(load.tenant());
            sums.weight = load.weight();
            sums.waiting += load.steps();
        }
    }

    /** The report of an interval that ends now, by tenant; the sums begin anew. */
    List<TenantUse> take(long nowNanos) {
        running.replaceAll((id, known) -> {
            count(known, of(known.slice().tenant()), nowNanos);
            return new Running(known.slice(), known.lanes(), Math.max(known.countedUntilNanos(), nowNanos));
        });
        List<TenantUse> uses = new ArrayList<>();
        tenants.values().removeIf(sums -> !sums.busy && sums.waiting == 0);
        tenants.forEach((tenant, sums) -> {
            if (uses.size() < MOST) {
                uses.add(use(tenant, sums));
            }
            sums.tokens = 0;
            sums.units = 0;
            sums.runNanos = 0;
            sums.laneNanos = 0;
            sums.overruns = 0;
            sums.busy = false;
        });
        running.values().forEach(known -> of(known.slice().tenant()).busy = true);
        return uses;
    }

    private static TenantUse use(TenantId tenant, Sums sums) {
        return TenantUse.newBuilder()
                .setTenant(tenant.value())
                .setWeight(sums.weight)
                .setWaiting(sums.waiting)
                .setTokens(sums.tokens)
                .setUnits(sums.units)
                .setRunNs(sums.runNanos)
                .setLaneNs(sums.laneNanos)
                .setOverruns(sums.overruns)
                .build();
    }

    private static void count(Running known, Sums sums, long nowNanos) {
        double run = Math.max(0, nowNanos - known.countedUntilNanos());
        sums.runNanos += run;
        sums.laneNanos += run * known.lanes();
    }

    private Sums of(TenantId tenant) {
        return tenants.computeIfAbsent(tenant, key -> new Sums());
    }
}
