package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.GateDecision.Start;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A device with side lanes, for tests: latency-critical requests arrive at random and start when no slice holds all of the
 * device; tenants always have work, some of it for pools, of units whose true length they decide themselves. Checks with every
 * start and end that it was allowed.
 */
final class PooledDevice {
    static final long REQUEST_NANOS = 5_000_000;
    static final long BOUND_NANOS = 1_000_000;
    static final long UNIT_NANOS = 400_000;

    private record Tenant(SliceOffer offer, boolean pooled, long unitNanos, boolean renames) {}

    /** A slice under way. */
    private static final class Out {
        final RunningSlice slice;
        final Tenant tenant;
        final long criticalBefore;
        long unitEnd;
        long done;

        Out(RunningSlice slice, Tenant tenant, long unitEnd, long criticalBefore) {
            this.slice = slice;
            this.tenant = tenant;
            this.unitEnd = unitEnd;
            this.criticalBefore = criticalBefore;
        }
    }

    final SliceGate gate;
    /** Device time by tenant; a lane counts as its part. */
    final TreeMap<String, Double> usedNanos = new TreeMap<>();
    /** Time of slices on pools that was beyond their bound, without that beside latency-critical work. */
    final TreeMap<String, Long> overNanos = new TreeMap<>();

    long starts;
    long pooledStarts;
    long ranIntoCritical;
    /** Longest that a request waited. */
    long longestWaitNanos;

    long now;
    private final int lanes;
    private final SplittableRandom random;
    private final List<Tenant> tenants = new ArrayList<>();
    private final List<Out> out = new ArrayList<>();
    private boolean waits;
    private boolean serves;
    private long serviceEnd;
    private long arrivedNanos;
    private long criticalNanos;
    private long kinds;

    PooledDevice(GateSettings settings, long seed) {
        gate = new SliceGate(settings);
        lanes = settings.sideLanes();
        random = new SplittableRandom(seed);
    }

    PooledDevice limits(double quota, int sideLanes) {
        gate.limits(new SharingLimits(1, quota, BOUND_NANOS, 1, Long.MAX_VALUE).withSideLanes(sideLanes), now);
        return this;
    }

    PooledDevice tenant(String name, boolean pooled, long unitNanos, boolean renames) {
        tenants.add(new Tenant(
                new SliceOffer(new TenantId(name), 1, pooled ? "k@1" : "k", 100, 1, 0), pooled, unitNanos, renames));
        return this;
    }

    /** Runs until {@code endNanos} with latency-critical work for about {@code load} of the time. */
    PooledDevice run(long endNanos, double load) {
        long arrival = now + gap(load);
        while (now < endNanos) {
            long next = Math.min(endNanos, waits || serves ? Long.MAX_VALUE : arrival);
            next = serves ? Math.min(next, serviceEnd) : next;
            for (Out its : out) {
                next = Math.min(next, its.unitEnd);
            }
            if (!waits && !serves && startAll()) {
                continue;
            }
            if (!waits
                    && !serves
                    && out.isEmpty()
                    && gate.next(whole(), pooled(), now) instanceof GateDecision.Wait w) {
                next = Math.max(now + 1, Math.min(next, w.until()));
            }
            criticalNanos += waits || serves ? next - now : 0;
            now = Math.max(now, next);
            unitsEnd();
            if (serves && now >= serviceEnd) {
                serves = false;
                gate.criticalFinished(now);
                arrival = now + gap(load);
            } else if (!waits && !serves && now >= arrival) {
                waits = true;
                arrivedNanos = now;
                gate.criticalArrived(now);
            }
            if (waits
                    && out.stream().noneMatch(its -> !its.slice.pooled() && its.slice.boundNanos() < Long.MAX_VALUE)) {
                longestWaitNanos = Math.max(longestWaitNanos, now - arrivedNanos);
                waits = false;
                serves = true;
                serviceEnd = now + REQUEST_NANOS;
                gate.criticalStarted(now);
                beside();
            }
        }
        return this;
    }

    private long gap(double load) {
        return load == 0
                ? Long.MAX_VALUE / 2
                : (long) (-Math.log(1 - random.nextDouble()) * REQUEST_NANOS * (1 - load) / load);
    }

    private List<SliceOffer> offers(boolean pooled) {
        return tenants.stream()
                .filter(t -> t.pooled() == pooled && out.stream().noneMatch(its -> its.tenant == t))
                .map(t -> t.renames() ? new SliceOffer(t.offer().tenant(), 1, "k" + kinds++, 100, 1, 0) : t.offer())
                .toList();
    }

    private List<SliceOffer> whole() {
        return offers(false);
    }

    private List<SliceOffer> pooled() {
        return offers(true);
    }

    private boolean startAll() {
        boolean any = false;
        while (gate.next(whole(), pooled(), now) instanceof Start start) {
            RunningSlice slice = start.slice();
            started(slice);
            pooledStarts += slice.pooled() ? 1 : 0;
            any = true;
            assertThat(out.size()).as("lanes").isLessThanOrEqualTo(lanes);
            assertThat(out.size() == 1 || out.stream().noneMatch(its -> !its.slice.pooled() && its.slice == slice))
                    .as("all of the device is for one slice")
                    .isTrue();
        }
        return any;
    }

    private void beside() {
        while (gate.nextBeside(
                        Stream.concat(whole().stream(), pooled().stream()).toList(), now)
                instanceof Start start) {
            started(start.slice());
            assertThat(out.size()).as("lanes").isLessThanOrEqualTo(lanes);
        }
    }

    private void started(RunningSlice slice) {
        Tenant tenant = tenants.stream()
                .filter(t -> t.offer().tenant().equals(slice.tenant()))
                .findFirst()
                .orElseThrow();
        assertThat(out.stream().noneMatch(its -> its.tenant == tenant))
                .as("one slice of a tenant")
                .isTrue();
        starts++;
        out.add(new Out(slice, tenant, now + tenant.unitNanos(), criticalNanos));
    }

    private void unitsEnd() {
        for (int i = out.size() - 1; i >= 0; i--) {
            Out its = out.get(i);
            if (its.unitEnd > now) {
                continue;
            }
            its.done++;
            its.unitEnd = now + its.tenant.unitNanos();
            if (its.done == its.slice.units() || gate.mustYield(its.slice.id(), now)) {
                out.remove(i);
                ends(its);
            }
        }
    }

    private void ends(Out its) {
        RunningSlice slice = its.slice;
        long took = now - slice.startNanos();
        usedNanos.merge(slice.tenant().value(), took / (double) (slice.pooled() ? lanes : 1), Double::sum);
        if (slice.boundNanos() == Long.MAX_VALUE) {
            gate.finishedBeside(slice.id(), now);
            return;
        }
        long beside = criticalNanos - its.criticalBefore;
        gate.finished(slice.id(), its.done, now);
        if (slice.pooled()) {
            ranIntoCritical += beside > 0 ? 1 : 0;
            long bound = slice.boundNanos() / slice.units() * its.done;
            if (took - beside > bound * 4) {
                overNanos.merge(slice.tenant().value(), took - beside, Long::sum);
            }
        }
    }

    double share(String tenant, long ofNanos) {
        return usedNanos.getOrDefault(tenant, 0.0) / ofNanos;
    }
}
