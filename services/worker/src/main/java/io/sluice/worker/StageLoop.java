package io.sluice.worker;

import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.batching.CohortGate;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.SliceSizing;
import io.sluice.core.sharing.StepSlowdown;
import io.sluice.records.ServiceClass;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.StepSender.Result;
import io.sluice.worker.StepSender.StepTime;
import io.sluice.worker.device.BatchShape;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * The compute side of a worker: takes chunks, forms a batch of what is ready, runs it, waits out the device's pace,
 * and sends every result on. All methods belong to one thread, the compute thread, which also owns the runner.
 * Latency-critical work always goes first; when none is ready, best-effort work may run a slice ({@link BestEffortLoop}).
 * Steps that wait for others of their pipeline ({@link CohortGate}) count as ready there: no slice runs meanwhile.
 *
 * <p>Sessions of different layer ranges may be in one batch, while a placement changes. The runner then batches those of
 * equal range together, so a real device reads the weights of layers that two ranges share once per range until the
 * former sessions have ended: eight decodes over 15 layers of SmolLM2-135M took 19 ms in one range and 31 ms in two (two
 * cores of a Xeon). An emulated device is paced by the positions in each layer, as if it read them once. A former
 * session that is not at its first stage may wait with the first stage's gathering, which is bounded.
 */
final class StageLoop {
    private final LoopSettings settings;
    private final StageRunner runner;
    private final Device device;
    private final Outbox outbox;
    private final LayerKeeper keeper;
    private final IntervalStats stats;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final SharingControl sharing;
    private final BatchScheduler<Work> scheduler;
    private final CohortGate gate;
    private final SessionIntake intake;
    private final StepSender sender;
    private final BestEffortQueue bestEffortQueue = new BestEffortQueue();
    private final BestEffortLoop bestEffort;
    private final BesideLanes lanes;
    /** When the oldest decode step now ready became so; 0: none is ready. */
    private long decodesSinceNanos;
    /** Until when decode steps, and prompts, did not run because this loop let them wait itself. */
    private long decodesHeldNanos = Long.MIN_VALUE;

    private long promptsHeldNanos = Long.MIN_VALUE;

    /**
     * @param log where inputs are read again of sessions whose former stage was lost
     * @param nanos the time source of arrivals and of the device, nanoseconds
     * @param sharing says when best-effort work may run
     * @param lanes where it may run beside latency-critical batches; closed by whoever made them
     */
    StageLoop(
            LoopSettings settings,
            StageRunner runner,
            Device device,
            Outbox outbox,
            InputLog log,
            LayerKeeper keeper,
            IntervalStats stats,
            WorkerMetrics metrics,
            LongSupplier nanos,
            SharingControl sharing,
            BesideLanes lanes) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.device = Objects.requireNonNull(device, "device");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.keeper = Objects.requireNonNull(keeper, "keeper");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.lanes = Objects.requireNonNull(lanes, "lanes");
        int hiddenSize = runner.model().hiddenSize();
        ChunkWriter writer = new ChunkWriter(settings.activations(), hiddenSize, settings.maxPayloadBytes());
        this.scheduler = new BatchScheduler<>(settings.batch());
        // Only first stages gather, as only their sessions ever come back: what leaves together stays together.
        this.gate = new CohortGate(device.sharesCores());
        WorkFeed feed = new WorkFeed(settings, scheduler, bestEffortQueue, gate, writer.maxPositions());
        this.intake = new SessionIntake(
                settings, sharing.settings(), runner, feed, log, outbox, metrics, keeper::begun, nanos);
        this.sender = new StepSender(settings, writer, hiddenSize, gate, keeper, outbox, intake, metrics, nanos);
        this.bestEffort = new BestEffortLoop(
                settings, runner, device, outbox, sharing, bestEffortQueue, sender, lanes, stats, metrics, nanos);
        keeper.watch(intake::layers);
    }

    /** Takes what another thread handed over. */
    void accept(Inbound inbound) {
        switch (inbound) {
            case Inbound.Chunks record -> record.chunks().forEach(intake::accept);
            case Inbound.Unusable chunk ->
                intake.fail(chunk.session(), chunk.attempt(), Trouble.MALFORMED_INPUT, chunk.message());
            case Inbound.Rebuilt rebuilt -> intake.rebuilt(rebuilt);
            case Inbound.LogGone gone -> intake.fail(gone.session(), gone.attempt(), Trouble.LOG_GONE, gone.why());
            case Inbound.Undelivered lost ->
                lost.sessions()
                        .forEach(key -> intake.fail(key.session(), key.attempt(), Trouble.UNDELIVERED, lost.why()));
            case Inbound.Ordered placement -> keeper.order(placement.order());
            case Inbound.Loaded load -> keeper.loaded(load.outcome());
            case Inbound.Limited limited -> sharing.limits(limited.limits(), nanos.getAsLong());
            case Inbound.WakeUp ignored -> {}
        }
    }

    /** Nanoseconds until a batch may run: 0 now, {@link Long#MAX_VALUE} when nothing waits. */
    long untilReadyNanos() {
        if (scheduler.size() > scheduler.decodes() && !outbox.full()) {
            return 0;
        }
        long critical = scheduler.decodes() == 0 ? Long.MAX_VALUE : holdNanos();
        return Math.min(critical, bestEffort.untilReadyNanos());
    }

    private long holdNanos() {
        int ready = scheduler.decodes();
        if (ready == 0) {
            decodesSinceNanos = 0;
            return 0;
        }
        long now = nanos.getAsLong();
        if (decodesSinceNanos == 0) {
            decodesSinceNanos = now;
        }
        return gate.holdNanos(ready, now - decodesSinceNanos, now);
    }

    /** Ends what has waited too long; to be called about once a second. */
    void sweep() {
        intake.sweep(nanos.getAsLong());
        keeper.sweep(nanos.getAsLong());
        intake.giveWay(keeper::outlived);
        publishLevels(0);
    }

    /** Tells telemetry how much waits. */
    void publishLevels(int inboxSize) {
        int chunks = scheduler.size() + bestEffortQueue.steps() + inboxSize;
        stats.levels(chunks, intake.sessions(), runner.kvReservedTokens());
        bestEffort.publishLevels();
    }

    /** As {@link #step(BooleanSupplier)}, of slices that nothing interrupts. */
    boolean step() {
        return step(() -> false);
    }

    /**
     * Runs one batch of what is ready, or else a slice of best-effort work.
     *
     * @param somethingCame whether anything waits to be taken; a slice ends then after its layer
     * @return false when nothing was ready
     */
    boolean step(BooleanSupplier somethingCame) {
        if (runCritical()) {
            bestEffort.lookAgain();
            return true;
        }
        int ready = outbox.full() ? scheduler.decodes() : scheduler.size();
        sharing.criticalWaiting(ready, nanos.getAsLong());
        return bestEffort.step(somethingCame);
    }

    private boolean runCritical() {
        if (settings.chunks().byRule()) {
            scheduler.setMaxPrefillTokens(
                    settings.chunks().tokens(keeper.holding().layersServed()));
        }
        boolean holdDecodes = holdNanos() > 0;
        boolean holdPrompts = outbox.full();
        List<Work> batch = scheduler.next(holdDecodes, holdPrompts);
        long startNanos = nanos.getAsLong();
        decodesHeldNanos = holdDecodes ? startNanos : decodesHeldNanos;
        promptsHeldNanos = holdPrompts ? startNanos : promptsHeldNanos;
        if (batch.isEmpty()) {
            return false;
        }
        sharing.criticalStarted(startNanos);
        bestEffort.gapEnds(startNanos);
        stats.batchStarted(startNanos);
        int layerCount = runner.model().layerCount();
        BatchShape shape = new BatchShape(0, layerCount);
        int prefill = 0;
        int decode = 0;
        List<StageInput> inputs = new ArrayList<>(batch.size());
        for (Work work : batch) {
            work.addTo(shape, 0, layerCount);
            prefill += work.isPrompt() ? work.chunk().count() : 0;
            decode += work.isPrompt() ? 0 : work.chunk().count();
            inputs.add(work.input(settings.exactRebuild()));
        }
        StepSlowdown.Kind kind = new StepSlowdown.Kind(
                prefill > 0,
                SliceSizing.sizeClass(prefill + decode),
                batch.getFirst().layers().size());
        startBeside(kind, startNanos);
        List<Result> results = compute(batch, inputs);
        device.pace(startNanos, shape);
        long endNanos = nanos.getAsLong();
        CriticalSteps steps = new CriticalSteps(batch, decodesHeldNanos, promptsHeldNanos);
        double slowedNanos = slowedNanos(kind, startNanos, endNanos);
        sharing.criticalFinished(steps.readyNanos(), steps.budgetNanos(), slowedNanos, endNanos);
        steps.ended(endNanos);
        stats.batchDone(endNanos, prefill, decode);
        metrics.batch(batch.size(), prefill, decode, endNanos - startNanos);
        StepTime time = new StepTime(endNanos - startNanos, endNanos);
        for (Work work : batch) {
            long waited = time.waitedNanos(work.chunk());
            metrics.queued(waited);
            stats.step(ServiceClass.LATENCY_CRITICAL, waited / 1_000, time.computeNanos() / 1_000);
        }
        sender.send(results, time, batch.size());
        if (decode > 0) {
            decodesSinceNanos = 0;
        }
        return true;
    }

    private void startBeside(StepSlowdown.Kind kind, long startNanos) {
        if (!lanes.any()) {
            return;
        }
        lanes.stepBegins(startNanos);
        if (sharing.mayRunBeside(kind)) {
            bestEffort.startBeside();
        } else {
            lanes.callBack();
        }
    }

    /** By how much what ran beside a batch usually makes such a batch longer. */
    private double slowedNanos(StepSlowdown.Kind kind, long startNanos, long endNanos) {
        if (!lanes.any()) {
            return 0;
        }
        bestEffort.takeBack();
        return lanes.stepEnded(kind, startNanos, endNanos);
    }

    /**
     * Runs the batch. When the runner refuses it, each input that has not advanced runs alone, so that only the guilty
     * session fails.
     */
    private List<Result> compute(List<Work> batch, List<StageInput> inputs) {
        List<Result> results = new ArrayList<>(batch.size());
        try {
            List<StageOutput> outputs = runner.run(inputs);
            for (int i = 0; i < batch.size(); i++) {
                results.add(new Result(batch.get(i), outputs.get(i)));
            }
            return results;
        } catch (RuntimeException e) {
            if (batch.size() == 1) {
                sender.failed(batch.getFirst(), e);
                return List.of();
            }
        }
        for (int i = 0; i < batch.size(); i++) {
            Work work = batch.get(i);
            try {
                StageOutput output = runner.run(List.of(inputs.get(i))).getFirst();
                results.add(new Result(work, new StageOutput(copy(output.hidden()), copy(output.logits()))));
            } catch (RuntimeException e) {
                sender.failed(work, e);
            }
        }
        return results;
    }

    private static FloatBuffer copy(FloatBuffer source) {
        if (source == null) {
            return null;
        }
        FloatBuffer copy = FloatBuffer.allocate(source.remaining());
        copy.put(source.duplicate()).flip();
        return copy;
    }
}
