package io.sluice.worker.sharing;

import io.sluice.core.sharing.ConformalQuota;
import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.GateSettings;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.SliceEnd;
import io.sluice.core.sharing.SliceGate;
import io.sluice.core.sharing.SliceHistory;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.StepSlowdown;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.SharingReport;
import java.util.List;
import java.util.Objects;
import java.util.function.ObjIntConsumer;

/**
 * All that a worker decides about sharing its device: the {@link SliceGate} of the device, under the lower of two quotas. One
 * is published by the planner of limits; the other is this worker's own ({@link OwnQuota}), moved by the same law
 * ({@link ConformalQuota}) with each of its latency-critical batches, so that it reacts before a report has gone round.
 *
 * <p>Work is latency-critical or best-effort by its session's service class. Latency-critical work never asks; what is there of
 * it is told as a level, because the loop hears of it between slices only. What a slice made it wait is worked out
 * afterwards, from when it came and when slices ran.
 *
 * <p>Without limits that hold nothing starts. Times are ns of one clock. Every method holds a lock for a moment: the compute
 * thread calls most of them, the telemetry and metrics threads read.
 */
public final class SharingControl {
    /** A gap between steps is no lull; time alone raises the own quota only after so long without any. */
    private static final long LULL_NANOS = 1_000_000_000L;

    private final SharingSettings settings;
    private final GateSettings device;
    private final ObjIntConsumer<TenantId> tokens;
    private final OwnQuota quota;
    private final SliceGate gate;
    private final SliceHistory slices = new SliceHistory();
    private final CriticalSums critical;
    private final TenantSums tenants = new TenantSums();
    private final BesideControl beside;
    private final GapPools pools;
    private SharingLimits published = SharingLimits.NONE;
    private boolean criticalWaits;
    private boolean criticalRuns;
    private long criticalStartNanos;
    /** Until when the time without latency-critical work is counted, in a lull. */
    private long lullNanos = Long.MIN_VALUE;

    private long sliceNanos;
    private long poolSwitches;
    private long reportedPoolSwitches;
    private int formerPool;
    private int suspendedBatches;

    /**
     * @param device what the gate must know of the device
     * @param cores of the process: where each is a side lane, each is a pool in the gaps, and latency-critical work keeps one
     *     without anything beside it
     * @param tokens is told what best-effort tenants had computed, positions
     */
    public SharingControl(SharingSettings settings, GateSettings device, int cores, ObjIntConsumer<TenantId> tokens) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.device = Objects.requireNonNull(device, "device");
        this.tokens = Objects.requireNonNull(tokens, "tokens");
        this.quota = new OwnQuota(settings.target(), published.quota());
        this.gate = new SliceGate(device);
        this.beside = new BesideControl(Math.min(device.sideLanes(), cores - 1), settings.target());
        this.pools = new GapPools(device.sideLanes() == cores ? cores : 0);
        this.critical = new CriticalSums(settings.objective(), slices);
    }

    /** Without pools. */
    public SharingControl(SharingSettings settings, GateSettings device, ObjIntConsumer<TenantId> tokens) {
        this(settings, device, device.sideLanes() + 1, tokens);
    }

    public SharingControl(SharingSettings settings, GateSettings device) {
        this(settings, device, (tenant, positions) -> {});
    }

    /**
     * Work that a tenant has ready here.
     *
     * @param weight its share among tenants
     * @param steps that are ready, those of suspended batches included
     */
    public record TenantLoad(TenantId tenant, double weight, int steps) {
        public TenantLoad {
            Objects.requireNonNull(tenant, "tenant");
        }
    }

    /** Whether this worker takes best-effort work; if not, nothing of it ever starts. */
    public boolean enabled() {
        return settings.enabled();
    }

    /** What was asked for. */
    public SharingSettings settings() {
        return settings;
    }

    /** So many latency-critical steps are ready and not started; 0: none. Repeating it costs next to nothing. */
    public synchronized void criticalWaiting(int steps, long nowNanos) {
        boolean waits = steps > 0;
        if (waits == criticalWaits) {
            return;
        }
        lull(nowNanos);
        criticalWaits = waits;
        if (waits) {
            gate.criticalArrived(nowNanos);
        } else {
            lullNanos = nowNanos;
            gate.criticalWithdrawn(nowNanos);
        }
    }

    /** A latency-critical batch starts; it never asks. What still waits behind it is told as waiting again. */
    public synchronized void criticalStarted(long nowNanos) {
        if (criticalRuns) {
            throw new IllegalStateException("a latency-critical batch started before the former one ended");
        }
        lull(nowNanos);
        if (!criticalWaits) {
            gate.criticalArrived(nowNanos);
        }
        gate.criticalStarted(nowNanos);
        criticalWaits = false;
        criticalRuns = true;
        criticalStartNanos = nowNanos;
    }

    /**
     * The latency-critical batch has ended, well or not.
     *
     * @param readyNanos of each step in it, from when it could have run on an idle device; empty: none that counts
     * @param slowedNanos by how much best-effort work beside it made the batch longer; 0 where nothing runs beside
     */
    public void criticalFinished(long[] readyNanos, double slowedNanos, long nowNanos) {
        criticalFinished(readyNanos, new double[readyNanos.length], slowedNanos, nowNanos);
    }

    /**
     * The same, of steps whose sessions may have budgets here.
     *
     * @param budgetNanos of each step, what is left of its session's budget when it is ready; not positive: none. See
     *     {@link io.sluice.core.sharing.StepObjective#judge}
     */
    public synchronized void criticalFinished(
            long[] readyNanos, double[] budgetNanos, double slowedNanos, long nowNanos) {
        if (!criticalRuns) {
            throw new IllegalStateException("a latency-critical batch ended that never started");
        }
        criticalRuns = false;
        lullNanos = nowNanos;
        gate.criticalFinished(nowNanos);
        CriticalSums.Judged judged = critical.batch(readyNanos, budgetNanos, slowedNanos, criticalStartNanos, nowNanos);
        // A step that is excused tells nothing.
        int told = readyNanos.length - judged.excused();
        quota.judged(told, judged.missed(), nowNanos);
        beside.judged(told, slowedNanos > 0 ? judged.missed() : 0, nowNanos);
        takeInForce(nowNanos);
    }

    /** Whether best-effort work may run on side lanes beside the latency-critical batch that has just started. */
    public synchronized boolean mayRunBeside(StepSlowdown.Kind kind) {
        return enabled() && beside.mayRunBeside(kind);
    }

    /** What may start now on a side lane beside latency-critical work; offers of tenants that have no slice, in any order. */
    public synchronized GateDecision nextBeside(List<SliceOffer> offers, long nowNanos) {
        offers.forEach(tenants::offered);
        GateDecision decision = gate.nextBeside(offers, nowNanos);
        if (decision instanceof GateDecision.Start start) {
            tenants.started(start.slice(), start.slice().lanes());
            quota.sliceStarted();
        }
        return decision;
    }

    /**
     * A slice on a side lane has come back, well or not.
     *
     * @param unitsDone layers it has done; 0: none
     * @param positions in each of them
     * @param ranNanos how long it computed
     * @param keptNanos how long the machine, fallen idle, waited for it
     */
    public synchronized void besideEnded(
            RunningSlice slice, long unitsDone, int positions, long ranNanos, long keptNanos, long nowNanos) {
        gate.finishedBeside(slice.id(), nowNanos);
        double work = (double) unitsDone * positions;
        tenants.ended(slice, work, false, nowNanos);
        beside.besideEnded(work, ranNanos, keptNanos);
    }

    /**
     * A latency-critical batch has computed; to be told before {@link #criticalFinished}, on a device with side lanes.
     *
     * @param lanes most side lanes in use at once meanwhile; 0: it ran alone
     * @param besideNanos how long they were, summed
     * @return by how much that usually makes such a batch longer, ns
     */
    public synchronized double stepEnded(StepSlowdown.Kind kind, double serviceNanos, int lanes, double besideNanos) {
        return beside.stepEnded(kind, serviceNanos, lanes, besideNanos);
    }

    /** What best-effort work may do now; offers that are ready at this moment, in any order. */
    public GateDecision next(List<SliceOffer> offers, long nowNanos) {
        return next(offers, List.of(), nowNanos);
    }

    /** As {@link #next(List, long)}, where {@code pooled} is for one side lane in a gap each; see {@link SliceGate#next(List, List, long)}. */
    public synchronized GateDecision next(List<SliceOffer> whole, List<SliceOffer> pooled, long nowNanos) {
        if (!enabled()) {
            return new GateDecision.Wait(GateDecision.Reason.NOT_ALLOWED, Long.MAX_VALUE);
        }
        lull(nowNanos);
        whole.forEach(tenants::offered);
        pooled.forEach(tenants::offered);
        GateDecision decision = gate.next(whole, pooled, nowNanos);
        if (decision instanceof GateDecision.Start start) {
            RunningSlice slice = start.slice();
            tenants.started(slice, device.share(slice) * device.lanes());
            quota.sliceStarted();
        }
        return decision;
    }

    /** Whether the limits that hold have a kernel group on one core of its own. */
    public synchronized boolean onPool(TenantId tenant, String group, long nowNanos) {
        return enabled() && published.freshAt(nowNanos) && pools.onPool(tenant, group);
    }

    /** Cores of the device where slices may run side by side, else 1. */
    public int cores() {
        return pools.sizes().isEmpty() ? 1 : pools.sizes().getLast();
    }

    /** A slice of a kernel group has ended that ran on so many cores, with no latency-critical work or other lanes beside it. */
    public synchronized void groupRan(TenantId tenant, String group, int onCores, double units, double runNanos) {
        pools.ran(tenant, group, onCores, units, runNanos);
    }

    /** The compute thread has begun or ended best-effort batches: latency-critical work waited for that, if there was any. */
    public synchronized void handled(long startNanos, long endNanos) {
        slices.add(startNanos, endNanos);
    }

    /** Longest slice of a tenant under the limits that hold, ns; 0: none may start. */
    public synchronized long sliceBoundNanos(TenantId tenant, long nowNanos) {
        if (!enabled() || !published.freshAt(nowNanos) || published.none()) {
            return 0;
        }
        return published
                .level(tenant)
                .map(level -> level.none() ? 0 : Math.min(level.sliceNanos(), published.sliceNanos()))
                .orElse(published.sliceNanos());
    }

    /** What a unit of a kind takes, as it is held against the slice bound, ns; 0: nothing was seen. */
    public synchronized double unitNanos(TenantId tenant, String kind) {
        return gate.unitNanos(tenant, kind, 1);
    }

    /** Whether a running slice must stop at its next point of return. */
    public synchronized boolean mustYield(RunningSlice slice, long nowNanos) {
        return gate.mustYield(slice.id(), nowNanos);
    }

    /**
     * A slice has ended, early or not, well or not.
     *
     * @param unitsDone layers it has done; 0: none
     * @param usualNanos what most of the layers took; 0: unknown
     * @param positions in each of them
     * @return how long its tenant is held back for it, ns; 0: not at all
     */
    public long sliceEnded(RunningSlice slice, long unitsDone, long usualNanos, int positions, long nowNanos) {
        return sliceEnded(slice, unitsDone, usualNanos, positions, 0, nowNanos);
    }

    /** The same of a slice on a pool, where {@code besideShare} of its time was beside latency-critical work. */
    public synchronized long sliceEnded(
            RunningSlice slice, long unitsDone, long usualNanos, int positions, double besideShare, long nowNanos) {
        SliceEnd end = gate.ended(slice.id(), unitsDone, usualNanos, nowNanos);
        if (!slice.pooled()) {
            // Nobody waits for a slice on a pool.
            slices.add(slice.startNanos(), nowNanos);
        }
        long took = Math.round(Math.max(0, nowNanos - slice.startNanos()) * device.share(slice));
        sliceNanos += took;
        double gap = 1 - besideShare;
        double work = (double) unitsDone * positions;
        beside.gapEnded(work * gap, took * gap);
        if (slice.pooled()) {
            beside.besideEnded(work * besideShare, (nowNanos - slice.startNanos()) * besideShare, 0);
            pools.sliceEnded();
        }
        tenants.ended(slice, work, end.overrun(), nowNanos);
        return end.holdNanos();
    }

    /** A best-effort batch has come through all its layers here. */
    public synchronized void bestEffortDone(TenantId tenant, int positions) {
        tenants.done(tenant, positions);
        tokens.accept(tenant, positions);
    }

    /** What waits at this moment, each tenant once. */
    public synchronized void bestEffortWaiting(List<TenantLoad> loads, int suspended) {
        tenants.waiting(loads);
        suspendedBatches = suspended;
    }

    /** New limits, on this clock; those with an older epoch than the present ones change nothing. */
    public synchronized void limits(SharingLimits limits, long nowNanos) {
        if (gate.limits(limits, nowNanos)) {
            published = limits;
            quota.published(limits.quota());
            pools.limits(limits);
            takeInForce(nowNanos);
        }
    }

    /** When the limits end, ns; {@link Long#MIN_VALUE}: there are none. */
    public synchronized long limitsUntilNanos() {
        return published.validUntilNanos();
    }

    /** Where nobody asks for the device for long, the own quota comes back by time; see {@link ConformalQuota#idle}. */
    private void lull(long nowNanos) {
        if (criticalWaits || criticalRuns || lullNanos == Long.MIN_VALUE || nowNanos - lullNanos < LULL_NANOS) {
            return;
        }
        quota.lull(nowNanos - lullNanos, nowNanos);
        beside.lull(nowNanos - lullNanos, nowNanos);
        lullNanos = nowNanos;
        takeInForce(nowNanos);
    }

    private void takeInForce(long nowNanos) {
        gate.quota(quota.inForce(), nowNanos);
        if (device.sideLanes() > 0) {
            gate.sideLanes(Math.min(published.sideLanes(), beside.allowed()), nowNanos);
            int pool = poolSize(nowNanos);
            poolSwitches += pool == formerPool ? 0 : 1;
            formerPool = pool;
        }
    }

    /** Side lanes that may be used beside latency-critical work now. */
    private int poolSize(long nowNanos) {
        return published.freshAt(nowNanos)
                ? Math.min(Math.min(published.sideLanes(), beside.allowed()), device.sideLanes(quota.inForce()))
                : 0;
    }

    /** How things stand. */
    public synchronized SharingView view(long nowNanos) {
        boolean fresh = enabled() && published.freshAt(nowNanos);
        var counters = gate.counters(nowNanos);
        return new SharingView(
                published.epoch(),
                fresh,
                fresh ? published.quota() : 0,
                quota.own(),
                fresh && quota.inForce() > 0 ? Math.min(device.lanes(), published.lanes()) : 0,
                fresh && quota.inForce() > 0 ? published.sliceNanos() : 0,
                critical.steps(),
                critical.violations(),
                critical.excused(),
                counters.slices(),
                counters.overruns(),
                sliceNanos,
                critical.drains(),
                critical.drainNanos(),
                critical.longestDrainNanos(),
                poolSwitches + pools.switches(),
                suspendedBatches,
                enabled() ? poolSize(nowNanos) : 0,
                beside.factor(Math.max(1, poolSize(nowNanos))),
                beside.besideUnits(),
                beside.gapUnits(),
                pools.slices(),
                fresh ? pools.groups() : 0,
                gate.sideLanesHeld());
    }

    /** What happened since the last call; null where this worker takes no best-effort work. */
    public synchronized SharingReport take(long nowNanos) {
        if (!enabled()) {
            return null;
        }
        lull(nowNanos);
        double serviceP99 = critical.serviceP99Nanos();
        double responseP99 = critical.responseP99Nanos();
        CriticalSums.Sums sums = critical.take();
        boolean fresh = published.freshAt(nowNanos);
        SharingReport report = SharingReport.newBuilder()
                .setLimitsEpoch(published.epoch())
                .setLimitsFresh(fresh)
                .setQuota(fresh ? quota.inForce() : 0)
                .setRequests(sums.steps)
                .setViolations(sums.violations)
                .setServiceNs(sums.serviceNanos)
                .setServiceP99Ns(serviceP99)
                .setResponseP99Ns(responseP99)
                .setWaitNs(sums.waitNanos)
                .setCausedWaitNs(sums.causedNanos)
                .setBesideNs(sums.besideNanos + beside.besideNanos())
                .setDrains(sums.drains)
                .setDrainNs(sums.drainNanos)
                .setLongestDrainNs(critical.longestDrainNanos())
                .setPoolSwitches(poolSwitches + pools.switches() - reportedPoolSwitches)
                .setTenants(tenants.take(nowNanos))
                .setExcused(sums.excused)
                .setSideLanes(beside.lanes())
                .setPools(beside.take())
                .setPoolLanes(pools.sizes())
                .setGroups(pools.take(nowNanos))
                .build();
        reportedPoolSwitches = poolSwitches + pools.switches();
        return report;
    }
}
