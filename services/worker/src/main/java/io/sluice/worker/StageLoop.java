package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.batching.CohortGate;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.worker.device.BatchShape;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * The compute side of a worker: takes chunks, forms a batch of what is ready, runs it, waits out the device's pace,
 * and sends every result on. All methods belong to one thread, the compute thread, which also owns the runner.
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
    private final ChunkWriter writer;
    private final BatchScheduler<Work> scheduler;
    private final CohortGate gate;
    /** When the oldest decode step now ready became so; 0: none is ready. */
    private long decodesSinceNanos;

    private final SessionIntake intake;

    /**
     * @param log where inputs are read again of sessions whose former stage was lost
     * @param nanos the time source of arrivals and of the device, nanoseconds
     * @param sharing says when best-effort work may run
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
            SharingControl sharing) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.device = Objects.requireNonNull(device, "device");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.keeper = Objects.requireNonNull(keeper, "keeper");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.writer = new ChunkWriter(settings.activations(), runner.model().hiddenSize(), settings.maxPayloadBytes());
        this.scheduler = new BatchScheduler<>(settings.batch());
        // Only first stages gather, as only their sessions ever come back: what leaves together stays together.
        this.gate = new CohortGate(device.sharesCores());
        WorkFeed feed = new WorkFeed(settings, scheduler, gate, writer.maxPositions());
        this.intake = new SessionIntake(settings, runner, feed, log, outbox, metrics, keeper::begun, nanos);
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
        return scheduler.decodes() == 0 ? Long.MAX_VALUE : holdNanos();
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
        publishLevels(0);
    }

    /** Tells telemetry how much waits. */
    void publishLevels(int inboxSize) {
        stats.levels(scheduler.size() + inboxSize, intake.sessions(), runner.kvReservedTokens());
    }

    /**
     * Runs one batch of what is ready.
     *
     * @return false when nothing was ready
     */
    boolean step() {
        if (settings.chunks().byRule()) {
            scheduler.setMaxPrefillTokens(
                    settings.chunks().tokens(keeper.holding().layersServed()));
        }
        List<Work> batch = scheduler.next(holdNanos() > 0, outbox.full());
        if (batch.isEmpty()) {
            return false;
        }
        long startNanos = nanos.getAsLong();
        stats.batchStarted(startNanos);
        BatchShape shape = new BatchShape(0, runner.model().layerCount());
        int prefill = 0;
        int decode = 0;
        List<StageInput> inputs = new ArrayList<>(batch.size());
        for (Work work : batch) {
            InboundChunk chunk = work.chunk;
            if (work.session.plan.isPrompt(chunk.position())) {
                prefill += chunk.count();
                shape.addPrompt(work.session.plan.layers(), chunk.count());
            } else {
                decode += chunk.count();
                shape.addDecode(work.session.plan.layers(), chunk.count());
            }
            inputs.add(input(work));
        }
        List<Result> results = compute(batch, inputs);
        device.pace(startNanos, shape);
        long endNanos = nanos.getAsLong();
        stats.batchDone(endNanos, prefill, decode);
        metrics.batch(batch.size(), prefill, decode, endNanos - startNanos);
        for (Work work : batch) {
            long waited = startNanos - work.chunk.arrival().receivedNanos();
            metrics.queued(waited);
            stats.step(work.session.plan.setup().getServiceClass(), waited / 1_000, (endNanos - startNanos) / 1_000);
        }
        send(results, startNanos, endNanos, batch.size());
        if (decode > 0) {
            decodesSinceNanos = 0;
        }
        return true;
    }

    private StageInput input(Work work) {
        InboundChunk chunk = work.chunk;
        return new StageInput(
                work.session.slot,
                chunk.position(),
                chunk.count(),
                chunk.tokenIds(),
                chunk.hidden(),
                chunk.enterLayer(),
                samples(work.session, chunk),
                settings.exactRebuild() && chunk.position() >= work.session.plan.promptTokens());
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
                failed(batch.getFirst(), e);
                return List.of();
            }
        }
        for (int i = 0; i < batch.size(); i++) {
            Work work = batch.get(i);
            try {
                StageOutput output = runner.run(List.of(inputs.get(i))).getFirst();
                results.add(new Result(work, new StageOutput(copy(output.hidden()), copy(output.logits()))));
            } catch (RuntimeException e) {
                failed(work, e);
            }
        }
        return results;
    }

    private void failed(Work work, RuntimeException cause) {
        intake.fail(
                work.session.id,
                work.session.attempt,
                Trouble.COMPUTE_FAILED,
                "worker " + settings.self() + " could not compute positions [" + work.chunk.position() + ", "
                        + work.chunk.end() + "): " + cause.getMessage());
    }

    private void send(List<Result> results, long startNanos, long endNanos, int batchSize) {
        Map<WorkerId, List<ActivationChunk>> outgoing = new LinkedHashMap<>();
        List<Token> sampled = new ArrayList<>();
        List<InboundChunk> looped = new ArrayList<>();
        for (Result result : results) {
            StageSession session = result.work.session;
            InboundChunk chunk = result.work.chunk;
            session.touchedNanos = endNanos;
            List<HopTiming> hops = hops(session, chunk, startNanos, endNanos, batchSize);
            try {
                if (!session.plan.isLast()) {
                    forward(session, chunk, result.output.hidden(), hops, outgoing);
                } else if (samples(session, chunk)) {
                    sample(session, chunk, result.output.logits(), hops, outgoing, sampled, looped);
                }
            } catch (RuntimeException e) {
                failed(result.work, e);
            }
        }
        // Chunks first: the next step waits for them, nobody computes with the token records.
        outgoing.forEach(outbox::forward);
        sampled.forEach(outbox::token);
        looped.forEach(intake::accept);
        finish(sampled);
    }

    /** Whether a token comes of the chunk's last position; of one that is only computed again none does. */
    private static boolean samples(StageSession session, InboundChunk chunk) {
        return session.plan.samples(chunk.lastOfPrompt(), chunk.end());
    }

    private void forward(
            StageSession session,
            InboundChunk computed,
            FloatBuffer output,
            List<HopTiming> hops,
            Map<WorkerId, List<ActivationChunk>> outgoing) {
        int known = session.plan.knownToNext(computed.position());
        if (known >= computed.count()) {
            return; // the next stage has all of it
        }
        InboundChunk chunk = computed.slice(known, computed.count());
        int hiddenSize = runner.model().hiddenSize();
        FloatBuffer hidden = output.slice(output.position() + known * hiddenSize, chunk.count() * hiddenSize);
        var setup = session.setupPassedOn ? null : session.plan.setup();
        var next = session.plan.next();
        outgoing.computeIfAbsent(next.worker(), key -> new ArrayList<>())
                .addAll(writer.hidden(chunk, next.worker(), next.layers().first(), hidden, setup, hops));
        session.setupPassedOn = true;
        if (session.plan.isFirst() && chunk.lastOfPrompt()) {
            boolean decode = !session.plan.isPrompt(chunk.position());
            gate.left(session.id, decode, session.plan.pipeline().stages().size(), session.touchedNanos);
        }
    }

    private void sample(
            StageSession session,
            InboundChunk chunk,
            FloatBuffer logits,
            List<HopTiming> hops,
            Map<WorkerId, List<ActivationChunk>> outgoing,
            List<Token> sampled,
            List<InboundChunk> looped) {
        Token token = keeper.tokens().sample(session, chunk, logits, hops);
        long now = nanos.getAsLong();
        metrics.sampled(session.lastTokenNanos == 0 ? 0 : now - session.lastTokenNanos);
        session.lastTokenNanos = now;
        sampled.add(token);
        if (token.getFinishReason() != null) {
            return;
        }
        if (session.plan.isFirst()) {
            int[] ids = {token.getTokenId()};
            Arrival here = new Arrival(settings.self().value(), 0, now, Arrival.NOT_LOGGED);
            looped.add(InboundChunk.tokens(session.id, session.attempt, chunk.end(), ids, true, null, List.of(), here));
        } else {
            outgoing.computeIfAbsent(session.plan.pipeline().first().worker(), key -> new ArrayList<>())
                    .add(ChunkWriter.decode(chunk, chunk.end(), token.getTokenId()));
        }
    }

    /** Frees sessions whose last token is out and tells the stages before. */
    private void finish(List<Token> sampled) {
        for (Token token : sampled) {
            FinishReason reason = token.getFinishReason();
            if (reason != null) {
                intake.finished(new SessionId(token.getRequestId()), token.getAttempt());
            }
        }
    }

    private List<HopTiming> hops(
            StageSession session, InboundChunk chunk, long startNanos, long endNanos, int batchSize) {
        boolean logged = chunk.arrival().offset() != Arrival.NOT_LOGGED;
        List<HopTiming> hops = new ArrayList<>(chunk.hops().size() + 1);
        hops.addAll(chunk.hops());
        hops.add(new HopTiming(
                settings.self().value(),
                chunk.arrival().transferMicros(),
                (startNanos - chunk.arrival().receivedNanos()) / 1_000,
                (endNanos - startNanos) / 1_000,
                batchSize,
                session.firstOffset,
                logged ? session.lastOffset : Arrival.NOT_LOGGED));
        return hops;
    }

    private static FloatBuffer copy(FloatBuffer source) {
        if (source == null) {
            return null;
        }
        FloatBuffer copy = FloatBuffer.allocate(source.remaining());
        copy.put(source.duplicate()).flip();
        return copy;
    }

    /** A chunk whose session has KV cache and whose turn has come. */
    record Work(StageSession session, InboundChunk chunk) {}

    private record Result(Work work, StageOutput output) {}
}
