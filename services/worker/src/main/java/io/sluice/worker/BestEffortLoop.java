package io.sluice.worker;

import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.SliceKind.Phase;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import io.sluice.worker.sharing.SharingControl.TenantLoad;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Runs best-effort work in slices when no latency-critical batch is ready and the gate lets one start. A slice is some
 * layers of one tenant's batch, or some parts of its head; it ends early, after any of them, as soon as anything has come
 * for the compute thread. The batch then rests where it is until the gate lets its tenant go on, so latency-critical work
 * waits for one layer at most, or one part of a head, which is about as long. A device that can be taken back in the middle
 * of a layer is, and the layer goes on later.
 *
 * <p>A session that ends or begins anew leaves its batch, and the rest goes on. Owned by the compute thread.
 */
final class BestEffortLoop {
    /** The gate is not asked again sooner, unless something has happened. */
    private static final long LEAST_WAIT_NANOS = 10_000;
    /**
     * For so long a core may wait for another tenant: by then half of the device's time has paid for a turn of 8 ms on all of it
     * that was a little longer.
     */
    private static final long NEIGHBOUR_NANOS = 20_000_000;

    private final Device device;
    private final Outbox outbox;
    private final SharingControl sharing;
    private final BestEffortQueue queue;
    private final NextBatches next;
    private final BestEffortBatches batches;
    private final BesideLanes lanes;
    private final IntervalStats stats;
    private final LongSupplier nanos;
    private final String model;
    /** When to ask the gate again; {@link Long#MAX_VALUE}: when something has changed, 0: now. */
    private long askAgainNanos = Long.MAX_VALUE;
    /** Whether the device counts as busy by slices on pools. */
    private boolean gapBusy;

    BestEffortLoop(
            LoopSettings settings,
            StageRunner runner,
            Device device,
            Outbox outbox,
            SharingControl sharing,
            BestEffortQueue queue,
            StepSender sender,
            BesideLanes lanes,
            IntervalStats stats,
            WorkerMetrics metrics,
            LongSupplier nanos) {
        this.device = Objects.requireNonNull(device, "device");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.queue = Objects.requireNonNull(queue, "queue");
        this.lanes = Objects.requireNonNull(lanes, "lanes");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        model = runner.model().name();
        next = new NextBatches(queue, sharing, settings.exactRebuild(), model);
        batches = new BestEffortBatches(runner, settings.exactRebuild(), sharing, sender, stats, metrics);
    }

    /** Nanoseconds until a slice may run: 0 now, {@link Long#MAX_VALUE} when something must happen before. */
    long untilReadyNanos() {
        return askAgainNanos == Long.MAX_VALUE ? askAgainNanos : Math.max(0, askAgainNanos - nanos.getAsLong());
    }

    /** The device was used by others: the gate may say something else now. */
    void lookAgain() {
        askAgainNanos = queue.tenants().isEmpty() ? Long.MAX_VALUE : 0;
    }

    /** Tells telemetry what waits. */
    void publishLevels() {
        List<TenantLoad> loads = new ArrayList<>();
        for (BestEffortTenant tenant : queue.tenants()) {
            loads.add(new TenantLoad(tenant.id, tenant.weight, tenant.steps()));
        }
        sharing.bestEffortWaiting(loads, queue.resting());
    }

    /**
     * Runs one slice if the gate lets one start.
     *
     * @param interrupted whether something has come, so that a slice should end
     * @return false when none may start
     */
    boolean step(BooleanSupplier interrupted) {
        long now = nanos.getAsLong();
        takeBack();
        countGap();
        boolean holdPrompts = outbox.full();
        boolean sideBySide = lanes.any() && lanes.allAlive() && next.sideBySide(holdPrompts, now);
        lanes.callBack(!sideBySide);
        List<NextBatch> candidates = next.look(holdPrompts, sideBySide, now);
        if (sideBySide) {
            Pooling pooling = pool(candidates, holdPrompts, interrupted);
            countGap();
            if (pooling != Pooling.ALONE) {
                return pooling == Pooling.STARTED;
            }
            candidates = next.look(holdPrompts, false, now);
        }
        return ask(candidates, holdPrompts, interrupted);
    }

    private boolean ask(List<NextBatch> candidates, boolean holdPrompts, BooleanSupplier interrupted) {
        return switch (decide(candidates)) {
            case GateDecision.Wait wait -> false;
            case GateDecision.Start start -> {
                run(of(candidates, start.slice()), start.slice(), holdPrompts, interrupted);
                yield true;
            }
        };
    }

    private GateDecision decide(List<NextBatch> candidates) {
        if (candidates.isEmpty()) {
            askAgainNanos = Long.MAX_VALUE;
            return new GateDecision.Wait(GateDecision.Reason.NO_OFFER, Long.MAX_VALUE);
        }
        long now = nanos.getAsLong();
        GateDecision decision = sharing.next(offers(candidates, false), offers(candidates, true), now);
        askAgainNanos = switch (decision) {
            case GateDecision.Start start -> 0;
            case GateDecision.Wait wait ->
                wait.until() == Long.MAX_VALUE ? Long.MAX_VALUE : Math.max(wait.until(), now + LEAST_WAIT_NANOS);
        };
        return decision;
    }

    private List<SliceOffer> offers(List<NextBatch> candidates, boolean pooled) {
        return candidates.stream()
                .filter(batch -> batch.pooled() == pooled)
                .map(batch -> batch.offer(model))
                .toList();
    }

    private static NextBatch of(List<NextBatch> candidates, RunningSlice slice) {
        return candidates.stream()
                .filter(batch -> batch.tenant().id.equals(slice.tenant()))
                .findFirst()
                .orElseThrow();
    }

    /** What came of asking for slices side by side. */
    private enum Pooling {
        STARTED,
        NOTHING,
        /** One could run, with nobody beside it: it should have all of the device. */
        ALONE
    }

    /** Starts slices on free lanes, as many as the gate lets start, or one on the whole device where it is such a one's turn. */
    private Pooling pool(List<NextBatch> candidates, boolean holdPrompts, BooleanSupplier interrupted) {
        long startNanos = nanos.getAsLong();
        List<NextBatch> left = new ArrayList<>(candidates);
        Map<NextBatch, RunningSlice> granted = new LinkedHashMap<>();
        boolean ended = false;
        while (!(ended && interrupted.getAsBoolean()) && decide(left) instanceof GateDecision.Start start) {
            NextBatch chosen = of(left, start.slice());
            left.remove(chosen);
            if (!chosen.pooled()) {
                handled(ended, startNanos);
                run(chosen, start.slice(), holdPrompts, interrupted);
                return Pooling.STARTED;
            }
            if (chosen.tenant().resting != null && chosen.tenant().resting.isThrough()) {
                end(chosen.tenant(), start.slice());
                ended = true;
            } else {
                granted.put(chosen, start.slice());
            }
        }
        if (granted.isEmpty()) {
            handled(ended, startNanos);
            return ended ? Pooling.STARTED : Pooling.NOTHING;
        }
        RunningSlice first = granted.values().iterator().next();
        if (granted.size() == 1 && !first.probe() && !lanes.busy() && !neighbourComes()) {
            sharing.sliceEnded(first, 0, 0, 0, nanos.getAsLong());
            handled(ended, startNanos);
            return Pooling.ALONE;
        }
        startOnPools(granted, holdPrompts);
        handled(true, startNanos);
        return Pooling.STARTED;
    }

    /**
     * Whether another tenant may start soon. On the whole device instead, a slice would use up its tenant's share so fast that
     * the two would go on by turns, since hardly ever both may start at once.
     */
    private boolean neighbourComes() {
        return askAgainNanos - nanos.getAsLong() <= NEIGHBOUR_NANOS;
    }

    private void startOnPools(Map<NextBatch, RunningSlice> granted, boolean holdPrompts) {
        List<SideSlice> slices = new ArrayList<>();
        granted.forEach((chosen, slice) -> {
            BestEffortTenant tenant = chosen.tenant();
            if (!batches.begin(chosen, holdPrompts)) {
                sharing.sliceEnded(slice, 0, 0, 0, nanos.getAsLong());
                return;
            }
            tenant.out = true;
            slices.add(new SideSlice(
                    tenant,
                    tenant.resting,
                    slice,
                    chosen.computes(),
                    () -> sharing.mustYield(slice, nanos.getAsLong()),
                    nanos));
        });
        // Not before all are begun, which would wait for the units of those that run.
        lanes.startOnPools(slices);
    }

    /** Latency-critical work that came since waited for what was done here, not on a lane. */
    private void handled(boolean anything, long startNanos) {
        if (anything) {
            sharing.handled(startNanos, nanos.getAsLong());
        }
    }

    /** A batch has come through its head on a lane: its end is left, which is for this thread. */
    private void end(BestEffortTenant tenant, RunningSlice slice) {
        RestingBatch batch = tenant.resting;
        try {
            List<StageOutput> outputs = batch.run.finish();
            batches.done(tenant, outputs, nanos.getAsLong());
        } catch (RuntimeException e) {
            if (tenant.resting != batch) {
                throw e;
            }
            batches.failed(tenant, e);
        } finally {
            sharing.sliceEnded(slice, 0, 0, batch.positions(), nanos.getAsLong());
        }
    }

    /** A latency-critical batch starts: what runs on lanes is beside it from now on. */
    void gapEnds(long nowNanos) {
        if (gapBusy) {
            gapBusy = false;
            stats.sliceEnded(nowNanos);
        }
    }

    /** The device is busy as long as any slice on a pool runs. */
    private void countGap() {
        boolean busy = lanes.busyOnPools();
        if (busy && !gapBusy) {
            stats.sliceStarted(nanos.getAsLong());
        } else if (!busy && gapBusy) {
            stats.sliceEnded(nanos.getAsLong());
        }
        gapBusy = busy;
    }

    /** A latency-critical batch is about to run: gives batches to the side lanes, where that is allowed. */
    void startBeside() {
        takeBack();
        boolean holdPrompts = outbox.full();
        Map<SliceOffer, NextBatch> offers = new LinkedHashMap<>();
        for (NextBatch batch : next.look(holdPrompts, false, nanos.getAsLong())) {
            // The head stays here, and a batch is begun only where nobody waits for a layer on a lane by that.
            if (batch.kind().phase() != Phase.HEAD && (batch.tenant().resting != null || !lanes.busy())) {
                offers.put(batch.offer(model), batch);
            }
        }
        lanes.start(
                List.copyOf(offers.keySet()),
                offer -> begunBeside(offers.get(offer), holdPrompts),
                offer -> offers.get(offer).tenant());
    }

    private RestingBatch begunBeside(NextBatch batch, boolean holdPrompts) {
        if (!batches.begin(batch, holdPrompts)) {
            return null;
        }
        batch.tenant().out = true;
        return batch.tenant().resting;
    }

    /** Takes batches that have come back from side lanes; they rest as any other. */
    void takeBack() {
        for (SideSlice slice : lanes.returned()) {
            BestEffortTenant tenant = slice.tenant;
            tenant.out = false;
            askAgainNanos = 0;
            if (tenant.resting != slice.batch) {
                continue; // all its sessions have left: what it says does not matter
            }
            if (slice.failure() != null) {
                slice.batch.abandon();
                batches.failed(tenant, slice.failure());
            }
        }
    }

    /** Runs a slice on the whole device. */
    private void run(NextBatch chosen, RunningSlice slice, boolean holdPrompts, BooleanSupplier interrupted) {
        BestEffortTenant tenant = chosen.tenant();
        boolean alone = !lanes.busy();
        long startNanos = nanos.getAsLong();
        stats.sliceStarted(startNanos);
        if (!batches.begin(chosen, holdPrompts)) {
            long endNanos = nanos.getAsLong();
            stats.sliceEnded(endNanos);
            sharing.sliceEnded(slice, 0, 0, chosen.computes(), endNanos);
            return;
        }
        RestingBatch batch = tenant.resting;
        WholeSlice whole = new WholeSlice(batch, device, nanos);
        whole.run(slice.units(), () -> interrupted.getAsBoolean() || sharing.mustYield(slice, nanos.getAsLong()));
        long endNanos = nanos.getAsLong();
        batch.computeNanos += endNanos - startNanos;
        stats.sliceEnded(endNanos);
        if (alone) {
            whole.tell(sharing, tenant.id, batch.group(), chosen.computes());
        }
        try {
            if (whole.failure() != null) {
                batches.failed(tenant, whole.failure());
            } else if (whole.outputs() != null) {
                batches.done(tenant, whole.outputs(), endNanos);
            }
        } finally {
            // Sampling and sending are part of it: latency-critical work waits for them as well.
            boolean sampled = whole.outputs() != null && chosen.kind().phase() == Phase.HEAD;
            sharing.sliceEnded(
                    slice,
                    whole.units(),
                    sampled ? 0 : WholeSlice.usual(whole.unitNanos()),
                    chosen.computes(),
                    nanos.getAsLong());
        }
    }
}
