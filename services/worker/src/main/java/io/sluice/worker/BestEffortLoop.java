package io.sluice.worker;

import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.SliceSizing;
import io.sluice.records.ServiceClass;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.SliceKind.Phase;
import io.sluice.worker.StepSender.Result;
import io.sluice.worker.StepSender.StepTime;
import io.sluice.worker.device.BatchShape;
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
 * of a layer is, and the layer goes on later. Batches are so small that a layer fits the slice bound, as far as is known
 * ({@link SliceSizing}).
 *
 * <p>A session that ends or begins anew leaves its batch, and the rest goes on. A batch that cannot be computed is computed
 * again piece by piece, so that only the guilty session fails. Owned by the compute thread.
 */
final class BestEffortLoop {
    /** Batches under way at once, each of another tenant; their hidden states stay in memory. */
    static final int RESTING_MAX = 8;
    /** Smallest part of a prompt. */
    private static final int LEAST_POSITIONS = 4;
    /** A batch under way is begun anew when a layer of it takes so many bounds: what it has done is lost then. */
    private static final double TOO_LARGE = 2;
    /** The gate is not asked again sooner, unless something has happened. */
    private static final long LEAST_WAIT_NANOS = 10_000;

    private final LoopSettings settings;
    private final StageRunner runner;
    private final Device device;
    private final Outbox outbox;
    private final SharingControl sharing;
    private final BestEffortQueue queue;
    private final StepSender sender;
    private final BesideLanes lanes;
    private final IntervalStats stats;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final String model;
    /** When to ask the gate again; {@link Long#MAX_VALUE}: when something has changed, 0: now. */
    private long askAgainNanos = Long.MAX_VALUE;

    /**
     * What a tenant would run next.
     *
     * @param rows most decode steps of a new batch
     * @param positions most positions of a new batch of anything else
     */
    private record Candidate(
            BestEffortTenant tenant, SliceKind kind, int unitsLeft, int computes, int rows, int positions) {

        SliceOffer offer(String model) {
            return new SliceOffer(tenant.id, tenant.weight, kind.name(model), unitsLeft, 1, 0);
        }
    }

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
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.device = Objects.requireNonNull(device, "device");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.queue = Objects.requireNonNull(queue, "queue");
        this.sender = Objects.requireNonNull(sender, "sender");
        this.lanes = Objects.requireNonNull(lanes, "lanes");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        model = runner.model().name();
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
        List<Candidate> candidates = candidates(holdPrompts, now);
        if (candidates.isEmpty()) {
            askAgainNanos = Long.MAX_VALUE;
            return false;
        }
        List<SliceOffer> offers = new ArrayList<>(candidates.size());
        for (Candidate c : candidates) {
            offers.add(c.offer(model));
        }
        return switch (sharing.next(offers, now)) {
            case GateDecision.Wait wait -> {
                askAgainNanos = wait.until() == Long.MAX_VALUE
                        ? Long.MAX_VALUE
                        : Math.max(wait.until(), now + LEAST_WAIT_NANOS);
                yield false;
            }
            case GateDecision.Start start -> {
                askAgainNanos = 0;
                Candidate chosen = candidates.stream()
                        .filter(c -> c.tenant.id.equals(start.slice().tenant()))
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
        Map<SliceOffer, Candidate> offers = new LinkedHashMap<>();
        for (Candidate c : candidates(holdPrompts, nanos.getAsLong())) {
            // The head stays here, and a batch is begun only where nobody waits for a layer on a lane by that.
            if (c.kind.phase() != Phase.HEAD && (c.tenant.resting != null || !lanes.busy())) {
                offers.put(c.offer(model), c);
            }
        }
        lanes.start(
                List.copyOf(offers.keySet()),
                offer -> begunBeside(offers.get(offer), holdPrompts),
                offer -> offers.get(offer).tenant);
    }

    private RestingBatch begunBeside(Candidate c, boolean holdPrompts) {
        if (c.tenant.resting == null) {
            List<Work> works = c.tenant.take(holdPrompts, c.rows, c.positions);
            try {
                c.tenant.resting = begin(works);
            } catch (RuntimeException e) {
                failed(c.tenant, works, e);
                return null;
            }
        }
        c.tenant.out = true;
        return c.tenant.resting;
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
                tenant.resting = null;
                slice.batch.abandon();
                failed(tenant, slice.batch.counting(), slice.failure());
            }
        }
    }

    private List<Candidate> candidates(boolean holdPrompts, long now) {
        List<Candidate> candidates = new ArrayList<>();
        for (BestEffortTenant tenant : queue.tenants()) {
            if (tenant.out) {
                continue;
            }
            long bound = sharing.sliceBoundNanos(tenant.id, now);
            int rows = most(tenant, Phase.DECODE, 1, BestEffortTenant.ROWS_MAX, bound);
            if (tenant.resting != null && isTooLarge(tenant, bound)) {
                tenant.putBackResting();
            }
            RestingBatch resting = tenant.resting;
            if (resting != null) {
                candidates.add(new Candidate(
                        tenant, resting.next(), Math.max(1, resting.unitsLeft()), resting.positions(), rows, 0));
            } else if (queue.resting() < RESTING_MAX) {
                Candidate begins = begins(tenant, holdPrompts, rows, bound);
                if (begins != null) {
                    candidates.add(begins);
                }
            }
        }
        return candidates;
    }

    /** What a new batch of the tenant would be; null: nothing is ready. */
    private Candidate begins(BestEffortTenant tenant, boolean holdPrompts, int rows, long bound) {
        List<Work> ready = tenant.upcoming(holdPrompts);
        if (ready.isEmpty()) {
            return null;
        }
        Phase phase = SliceKind.phase(ready, settings.exactRebuild());
        if (phase == Phase.DECODE) {
            List<Work> batch = ready.subList(0, Math.min(rows, ready.size()));
            return candidate(tenant, batch, batch.size(), rows, LEAST_POSITIONS);
        }
        int count = ready.getFirst().chunk().count();
        int positions = most(tenant, phase, LEAST_POSITIONS, SliceSizing.sizeClass(count), bound);
        return candidate(tenant, List.of(ready.getFirst()), BestEffortTenant.part(count, positions), rows, positions);
    }

    private Candidate candidate(BestEffortTenant tenant, List<Work> works, int computes, int rows, int positions) {
        Phase phase = SliceKind.phase(works, settings.exactRebuild());
        int first = works.stream().mapToInt(work -> work.layers().first()).min().orElseThrow();
        int end = works.stream().mapToInt(work -> work.layers().end()).max().orElseThrow();
        SliceKind kind = new SliceKind(phase, SliceSizing.sizeClass(computes));
        return new Candidate(tenant, kind, end - first, computes, rows, positions);
    }

    /** Whether a layer of the batch under way no longer fits, and smaller batches could. */
    private boolean isTooLarge(BestEffortTenant tenant, long bound) {
        SliceKind kind = tenant.resting.layers;
        int least = kind.phase() == Phase.DECODE ? 1 : LEAST_POSITIONS;
        return bound > 0
                && !tenant.resting.atHead()
                && kind.size() > least
                && sharing.unitNanos(tenant.id, kind.name(model)) > TOO_LARGE * bound;
    }

    private int most(BestEffortTenant tenant, Phase phase, int least, int most, long bound) {
        return SliceSizing.fitting(
                least,
                most,
                bound,
                tenant.triesAgain(),
                size -> sharing.unitNanos(tenant.id, SliceKind.name(model, phase, size)));
    }

    private void run(Candidate chosen, RunningSlice slice, boolean holdPrompts, BooleanSupplier interrupted) {
        BestEffortTenant tenant = chosen.tenant;
        long startNanos = nanos.getAsLong();
        stats.sliceStarted(startNanos);
        List<Work> works =
                tenant.resting == null ? tenant.take(holdPrompts, chosen.rows, chosen.positions) : tenant.resting.works;
        int units = 0;
        List<Long> unitNanos = new ArrayList<>();
        List<StageOutput> outputs = null;
        RuntimeException failure = null;
        try {
            if (tenant.resting == null) {
                tenant.resting = begin(works);
            }
            RestingBatch batch = tenant.resting;
            boolean head = batch.atHead();
            while (batch.atHead() == head && batch.unitsLeft() > 0 && units < slice.units()) {
                if (units > 0 && (interrupted.getAsBoolean() || sharing.mustYield(slice, nanos.getAsLong()))) {
                    break;
                }
                BooleanSupplier stop = () -> interrupted.getAsBoolean() || sharing.mustYield(slice, nanos.getAsLong());
                if (!unit(batch, head, stop)) {
                    break;
                }
                units++;
                unitNanos.add(batch.unitNanos);
                batch.unitNanos = 0;
            }
            if (batch.isThrough()) {
                outputs = batch.run.finish();
                units = Math.max(1, units);
            }
        } catch (RuntimeException e) {
            failure = e;
        }
        long endNanos = nanos.getAsLong();
        RestingBatch batch = tenant.resting;
        if (batch != null) {
            batch.computeNanos += endNanos - startNanos;
        }
        try {
            if (failure != null) {
                tenant.resting = null;
                stats.sliceEnded(endNanos);
                failed(tenant, batch == null ? works : batch.counting(), failure);
            } else if (outputs != null) {
                tenant.resting = null;
                done(tenant, batch, outputs, endNanos);
            } else {
                stats.sliceEnded(endNanos);
            }
        } finally {
            // Sampling and sending are part of it: latency-critical work waits for them as well.
            boolean sampled = outputs != null && chosen.kind.phase() == Phase.HEAD;
            sharing.sliceEnded(slice, units, sampled ? 0 : usual(unitNanos), chosen.computes, nanos.getAsLong());
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

    private RestingBatch begin(List<Work> works) {
        boolean exact = settings.exactRebuild();
        return new RestingBatch(
                runner.begin(works.stream().map(work -> work.input(exact)).toList()),
                works,
                SliceKind.of(works, exact));
    }

    /** Runs a part of the head, or of a layer what is left of it; false: the device was given back in the middle. */
    private boolean unit(RestingBatch batch, boolean head, BooleanSupplier stop) {
        long startNanos = nanos.getAsLong();
        if (head) {
            batch.run.advanceHead(1);
        } else {
            long dueNanos = startNanos + (batch.owedNanos > 0 ? batch.owedNanos : layer(batch));
            batch.owedNanos = device.pace(dueNanos, stop);
        }
        batch.unitNanos += nanos.getAsLong() - startNanos;
        return batch.owedNanos == 0;
    }

    /** Computes one layer; what the device takes for it, nanoseconds. */
    private long layer(RestingBatch batch) {
        int layer = batch.run.nextLayer();
        BatchShape shape = new BatchShape(layer, 1);
        batch.counting().forEach(work -> work.addTo(shape, layer, layer + 1));
        batch.run.advance(1);
        return device.batchNanos(shape);
    }

    private void done(BestEffortTenant tenant, RestingBatch batch, List<StageOutput> outputs, long endNanos) {
        StepTime time = new StepTime(batch.computeNanos, endNanos);
        List<Result> results = new ArrayList<>();
        int prefill = 0;
        int decode = 0;
        for (int i = 0; i < outputs.size(); i++) {
            Work work = batch.works.get(i);
            if (!batch.counts(work)) {
                continue;
            }
            prefill += work.isPrompt() ? work.chunk().count() : 0;
            decode += work.isPrompt() ? 0 : work.chunk().count();
            long waited = time.waitedNanos(work.chunk());
            stats.step(ServiceClass.BEST_EFFORT, waited / 1_000, time.computeNanos() / 1_000);
            results.add(new Result(work, outputs.get(i)));
        }
        stats.sliceEnded(endNanos);
        metrics.computed(prefill, decode);
        sharing.bestEffortDone(tenant.id, prefill + decode);
        sender.send(results, time, results.size());
    }

    private void failed(BestEffortTenant tenant, List<Work> works, RuntimeException failure) {
        if (works.size() == 1) {
            sender.failed(works.getFirst(), failure);
        } else {
            tenant.aloneFromNowOn(works);
        }
    }
}
