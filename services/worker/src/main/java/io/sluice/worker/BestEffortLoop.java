package io.sluice.worker;

import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.runtime.StageRunner;
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
        lanes.callBack();
        boolean holdPrompts = outbox.full();
        List<NextBatch> candidates = next.look(holdPrompts, now);
        if (candidates.isEmpty()) {
            askAgainNanos = Long.MAX_VALUE;
            return false;
        }
        List<SliceOffer> offers =
                candidates.stream().map(batch -> batch.offer(model)).toList();
        return switch (sharing.next(offers, now)) {
            case GateDecision.Wait wait -> {
                askAgainNanos = wait.until() == Long.MAX_VALUE
                        ? Long.MAX_VALUE
                        : Math.max(wait.until(), now + LEAST_WAIT_NANOS);
                yield false;
            }
            case GateDecision.Start start -> {
                askAgainNanos = 0;
                NextBatch chosen = candidates.stream()
                        .filter(batch -> batch.tenant().id.equals(start.slice().tenant()))
                        .findFirst()
                        .orElseThrow();
                run(chosen, start.slice(), holdPrompts, interrupted);
                yield true;
            }
        };
    }

    /** A latency-critical batch is about to run: gives batches to the side lanes, where that is allowed. */
    void startBeside() {
        takeBack();
        boolean holdPrompts = outbox.full();
        Map<SliceOffer, NextBatch> offers = new LinkedHashMap<>();
        for (NextBatch batch : next.look(holdPrompts, nanos.getAsLong())) {
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

    private void run(NextBatch chosen, RunningSlice slice, boolean holdPrompts, BooleanSupplier interrupted) {
        BestEffortTenant tenant = chosen.tenant();
        long startNanos = nanos.getAsLong();
        stats.sliceStarted(startNanos);
        if (!batches.begin(chosen, holdPrompts)) {
            long endNanos = nanos.getAsLong();
            stats.sliceEnded(endNanos);
            sharing.sliceEnded(slice, 0, 0, chosen.computes(), endNanos);
            return;
        }
        WholeSlice whole = new WholeSlice(tenant.resting, device, nanos);
        whole.run(slice.units(), () -> interrupted.getAsBoolean() || sharing.mustYield(slice, nanos.getAsLong()));
        long endNanos = nanos.getAsLong();
        tenant.resting.computeNanos += endNanos - startNanos;
        stats.sliceEnded(endNanos);
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
                    slice, whole.units(), sampled ? 0 : usual(whole.unitNanos()), chosen.computes(), nanos.getAsLong());
        }
    }

    /** The lower median, so that what the machine did to a few of them is not taken for what such a batch costs. */
    private static long usual(List<Long> nanos) {
        return nanos.isEmpty()
                ? 0
                : nanos.stream()
                        .sorted()
                        .skip((nanos.size() - 1) / 2)
                        .findFirst()
                        .orElseThrow();
    }
}
