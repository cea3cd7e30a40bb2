package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.CohortGate;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * Sends on what a batch gave: hidden states to the next stages, one record each, or the token that comes of them, and the
 * next position to the first stage. A session whose result cannot be sent fails alone. Owned by the compute thread.
 */
final class StepSender {
    private final LoopSettings settings;
    private final ChunkWriter writer;
    private final int hiddenSize;
    private final CohortGate gate;
    private final LayerKeeper keeper;
    private final Outbox outbox;
    private final SessionIntake intake;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;

    /** What the runner gave for a piece of work. */
    record Result(Work work, StageOutput output) {}

    /**
     * How long a batch computed.
     *
     * @param computeNanos without what passed while the batch rested; the rest since a chunk came, it has waited
     * @param endNanos when it was done
     */
    record StepTime(long computeNanos, long endNanos) {
        long waitedNanos(InboundChunk chunk) {
            return endNanos - chunk.arrival().receivedNanos() - computeNanos;
        }
    }

    /** @param hiddenSize elements of a position's hidden state */
    StepSender(
            LoopSettings settings,
            ChunkWriter writer,
            int hiddenSize,
            CohortGate gate,
            LayerKeeper keeper,
            Outbox outbox,
            SessionIntake intake,
            WorkerMetrics metrics,
            LongSupplier nanos) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.writer = Objects.requireNonNull(writer, "writer");
        this.hiddenSize = hiddenSize;
        this.gate = Objects.requireNonNull(gate, "gate");
        this.keeper = Objects.requireNonNull(keeper, "keeper");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.intake = Objects.requireNonNull(intake, "intake");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    /** The session of this work cannot be computed. */
    void failed(Work work, RuntimeException cause) {
        intake.fail(
                work.session().id,
                work.session().attempt,
                Trouble.COMPUTE_FAILED,
                "worker " + settings.self() + " could not compute positions ["
                        + work.chunk().position() + ", " + work.chunk().end() + "): " + cause.getMessage());
    }

    /** @param batchSize sessions that were computed together */
    void send(List<Result> results, StepTime time, int batchSize) {
        Map<WorkerId, List<ActivationChunk>> outgoing = new LinkedHashMap<>();
        List<Token> sampled = new ArrayList<>();
        List<InboundChunk> looped = new ArrayList<>();
        for (Result result : results) {
            StageSession session = result.work.session();
            InboundChunk chunk = result.work.chunk();
            session.touchedNanos = time.endNanos();
            List<HopTiming> hops = hops(session, chunk, time, batchSize);
            try {
                if (!session.plan.isLast()) {
                    forward(session, chunk, result.output.hidden(), hops, outgoing);
                } else if (result.work.samples()) {
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
        FloatBuffer hidden = output.slice(output.position() + known * hiddenSize, chunk.count() * hiddenSize);
        var setup = session.setupPassedOn ? null : session.plan.setup();
        var next = session.plan.next();
        outgoing.computeIfAbsent(next.worker(), key -> new ArrayList<>())
                .addAll(writer.hidden(chunk, next.worker(), next.layers().first(), hidden, setup, hops));
        session.setupPassedOn = true;
        if (session.plan.isFirst() && chunk.lastOfPrompt() && !session.bestEffort()) {
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
        // What best-effort work waits for is not how fast this stage is.
        metrics.sampled(session.lastTokenNanos == 0 || session.bestEffort() ? 0 : now - session.lastTokenNanos);
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

    private List<HopTiming> hops(StageSession session, InboundChunk chunk, StepTime time, int batchSize) {
        boolean logged = chunk.arrival().offset() != Arrival.NOT_LOGGED;
        List<HopTiming> hops = new ArrayList<>(chunk.hops().size() + 1);
        hops.addAll(chunk.hops());
        hops.add(new HopTiming(
                settings.self().value(),
                chunk.arrival().transferMicros(),
                time.waitedNanos(chunk) / 1_000,
                time.computeNanos() / 1_000,
                batchSize,
                session.firstOffset,
                logged ? session.lastOffset : Arrival.NOT_LOGGED));
        return hops;
    }
}
