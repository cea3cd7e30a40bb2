package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A device of one lane that runs one thing at a time, for tests: latency-critical requests of 1 ms arrive at random,
 * tenants always have work whose true length they decide themselves. Checks on every start that it was allowed.
 */
final class GateDevice {
    static final long REQUEST_NANOS = 1_000_000;
    static final long BOUND_NANOS = 100_000;

    /** True length of a slice, ns. */
    interface Work {
        long nanos(long slice, long units, SplittableRandom random);
    }

    private record Tenant(SliceOffer offer, Work work, boolean renames) {}

    final SliceGate gate = new SliceGate(GateSettings.temporal());
    final TreeMap<String, Long> usedNanos = new TreeMap<>();
    final TreeMap<String, Long> overNanos = new TreeMap<>();
    long longestWaitNanos;
    long requests;
    long now;
    private final SplittableRandom random;
    private final List<Tenant> tenants = new ArrayList<>();
    private long slices;

    GateDevice(long seed) {
        random = new SplittableRandom(seed);
    }

    GateDevice limits(double quota, long validUntilNanos) {
        gate.limits(new SharingLimits(1, quota, BOUND_NANOS, 1, validUntilNanos), now);
        return this;
    }

    GateDevice tenant(String name, double weight, Work work) {
        tenants.add(new Tenant(new SliceOffer(new TenantId(name), weight, "k", 1_000, 1, 0), work, false));
        return this;
    }

    /** A tenant that gives every slice another kind, so that nothing can be learnt of it. */
    GateDevice renamingTenant(String name, Work work) {
        tenants.add(new Tenant(new SliceOffer(new TenantId(name), 1, "k", 1_000, 1, 0), work, true));
        return this;
    }

    /** Runs until {@code endNanos} with latency-critical work for {@code load} of the time. */
    GateDevice run(long endNanos, double load) {
        long arrival = load > 0 ? now + gap(load) : Long.MAX_VALUE;
        while (now < endNanos) {
            if (arrival <= now) {
                arrival = serve(arrival, load);
                continue;
            }
            switch (gate.next(offers(), now)) {
                case GateDecision.Start start -> {
                    long took = runSlice(start.slice(), arrival);
                    now += took;
                }
                case GateDecision.Wait wait ->
                    now = Math.max(now + 1, Math.min(Math.min(wait.until(), arrival), endNanos));
            }
        }
        return this;
    }

    private long serve(long arrival, double load) {
        gate.criticalArrived(now);
        gate.criticalStarted(now);
        now += REQUEST_NANOS;
        gate.criticalFinished(now);
        requests++;
        return arrival + gap(load);
    }

    private long gap(double load) {
        return (long) (-Math.log(1 - random.nextDouble()) * REQUEST_NANOS / load);
    }

    private List<SliceOffer> offers() {
        slices++;
        return tenants.stream()
                .map(t -> t.renames() ? new SliceOffer(t.offer().tenant(), 1, "k" + slices, 1_000, 1, 0) : t.offer())
                .toList();
    }

    /** A slice stops at its next unit when told; hostile work has none. */
    private long runSlice(RunningSlice slice, long arrival) {
        Tenant tenant = tenants.stream()
                .filter(t -> t.offer().tenant().equals(slice.tenant()))
                .findFirst()
                .orElseThrow();
        long took = tenant.work().nanos(slices, slice.units(), random);
        if (arrival < now + took) {
            gate.criticalArrived(Math.max(arrival, now));
            longestWaitNanos = Math.max(longestWaitNanos, now + took - arrival);
            gate.finished(slice.id(), slice.units(), now + took);
            gate.criticalWithdrawn(now + took);
        } else {
            gate.finished(slice.id(), slice.units(), now + took);
        }
        usedNanos.merge(slice.tenant().value(), took, Long::sum);
        if (took > BOUND_NANOS * 3 / 2) {
            overNanos.merge(slice.tenant().value(), took, Long::sum);
        }
        return took;
    }

    double share(String tenant, long ofNanos) {
        return usedNanos.getOrDefault(tenant, 0L) / (double) ofNanos;
    }

    double overShare(String tenant, long ofNanos) {
        return overNanos.getOrDefault(tenant, 0L) / (double) ofNanos;
    }
}
