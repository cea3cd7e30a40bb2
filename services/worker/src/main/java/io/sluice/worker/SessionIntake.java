package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.batching.CohortGate;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.core.routing.KvReservation;
import io.sluice.records.ErrorReason;
import io.sluice.runtime.PromptChunks;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.worker.StageLoop.Work;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From chunks as they come to chunks that may run: fencing by attempt, duplicates dropped, order restored, KV cache
 * reserved, long prompts cut. Also ends sessions. Every wait is bounded in number and time. Owned by the compute
 * thread.
 */
final class SessionIntake {
    /** Chunks of one session that may wait for a missing one. */
    static final int MAX_EARLY_CHUNKS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(SessionIntake.class);

    private final LoopSettings settings;
    private final StageRunner runner;
    private final BatchScheduler<Work> scheduler;
    private final CohortGate gate;
    private final Outbox outbox;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final int maxSendTokens;
    private final SessionTable table = new SessionTable();
    /** Sessions without KV cache, first come first served. */
    private final ArrayDeque<StageSession> waiting = new ArrayDeque<>();
    /** Sessions whose set-up has come. */
    private long arrivals;

    /** @param maxSendTokens most positions in one payload sent; no prompt is cut into larger chunks */
    SessionIntake(
            LoopSettings settings,
            StageRunner runner,
            BatchScheduler<Work> scheduler,
            CohortGate gate,
            Outbox outbox,
            WorkerMetrics metrics,
            LongSupplier nanos,
            int maxSendTokens) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.scheduler = Objects.requireNonNull(scheduler, "scheduler");
        this.gate = Objects.requireNonNull(gate, "gate");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.maxSendTokens = maxSendTokens;
    }

    int sessions() {
        return table.size();
    }

    /** The layers of every session whose set-up is known, one element per session. */
    List<LayerRange> layers() {
        return table.live().stream()
                .filter(session -> session.plan != null)
                .map(session -> session.plan.layers())
                .toList();
    }

    /** Sessions whose step is on its way round the pipeline and may be back soon. */
    int expectedBack(CohortGate gate) {
        long now = nanos.getAsLong();
        int expected = 0;
        for (StageSession session : table.live()) {
            if (session.awaySinceNanos != 0 && gate.expects(now - session.awaySinceNanos)) {
                expected++;
            }
        }
        return expected;
    }

    void accept(InboundChunk chunk) {
        if (chunk.release()) {
            release(chunk);
            return;
        }
        if (table.isFenced(chunk.session(), chunk.attempt())) {
            metrics.dropped("fenced");
            return;
        }
        long now = nanos.getAsLong();
        StageSession session = table.get(chunk.session());
        if (session != null && session.attempt < chunk.attempt()) {
            LOG.info("session={} superseded_attempt={} attempt={}", session.id, session.attempt, chunk.attempt());
            end(session);
            session = null;
        }
        if (session == null) {
            session = table.open(chunk.session(), chunk.attempt(), now);
        }
        session.touchedNanos = now;
        if (session.plan == null) {
            session.plan = chunk.plan();
            if (session.plan != null) {
                session.rank = SchedulingBounds.DEFAULT.rank(
                        arrivals++, session.plan.setup().getPromptTokens());
            }
            if (!isHeld(chunk)) {
                fail(session, ErrorReason.WORKER_FAILED, notHeld(chunk));
                return;
            }
        }
        inOrder(session, chunk, now);
    }

    /** From the set-up on, a session's layers are held until it ends; so nobody asks again. */
    private boolean isHeld(InboundChunk chunk) {
        return chunk.plan() == null
                ? runner.held().contains(chunk.enterLayer())
                : runner.held().contains(chunk.plan().layers());
    }

    private String notHeld(InboundChunk chunk) {
        return "worker " + settings.self() + " does not hold "
                + (chunk.plan() == null
                        ? "layer " + chunk.enterLayer()
                        : "layers " + chunk.plan().layers())
                + " of the session, it holds " + runner.held()
                + "; the session was routed before or after they were here: send the request again";
    }

    /**
     * A release: frees the session here and passes the word along the pipeline. When it does not come from the last
     * stage, which has freed the session already, but from the router, the first stage tells everybody.
     */
    private void release(InboundChunk chunk) {
        StageSession session = table.get(chunk.session());
        if (session == null) {
            table.end(chunk.session(), chunk.attempt());
            return;
        }
        if (session.attempt > chunk.attempt()) {
            return;
        }
        end(session);
        table.end(session.id, chunk.attempt());
        SessionPlan plan = session.plan;
        if (plan == null) {
            return;
        }
        String last = plan.pipeline().last().worker().value();
        if (plan.isFirst() && !chunk.arrival().sender().equals(last)) {
            releaseOthers(session);
        } else if (plan.index() + 2 < plan.pipeline().stages().size()) {
            sendRelease(plan.next().worker(), session);
        }
    }

    /** The last token of a session is out: frees it and tells the first stage. */
    void finished(SessionId id, int attempt) {
        StageSession session = table.get(id);
        if (session == null || session.attempt != attempt) {
            return;
        }
        end(session);
        if (!session.plan.isFirst()) {
            sendRelease(session.plan.pipeline().first().worker(), session);
        }
    }

    /** The session cannot go on: publishes why and frees it at every stage. Does nothing when it is over already. */
    void fail(SessionId id, int attempt, ErrorReason reason, String message) {
        if (!table.isFenced(id, attempt)) {
            metrics.failed(reason);
            outbox.failed(id, reason, message);
        }
        giveUp(id, attempt);
    }

    private void fail(StageSession session, ErrorReason reason, String message) {
        fail(session.id, session.attempt, reason, message);
    }

    /** Frees the session at every stage; its error is already published. */
    void giveUp(SessionId id, int attempt) {
        if (table.isFenced(id, attempt)) {
            return;
        }
        StageSession session = table.get(id);
        if (session == null) {
            table.end(id, attempt);
            return;
        }
        end(session);
        table.end(id, attempt);
        LOG.info("session={} attempt={} state=failed", id, attempt);
        if (session.plan != null) {
            releaseOthers(session);
        }
    }

    /** Ends what has waited too long for KV cache, for a missing chunk, or for anything at all. */
    void sweep(long nowNanos) {
        for (StageSession session : List.copyOf(table.live())) {
            if (session.waitsForKv()
                    && nowNanos - session.waitingSinceNanos
                            > settings.waitTimeout().toNanos()) {
                fail(
                        session,
                        ErrorReason.NO_CAPACITY,
                        "worker " + settings.self()
                                + " had no KV cache for " + session.plan.kvTokens() + " tokens within "
                                + settings.waitTimeout().toMillis()
                                + " ms; raise --kv-mib or send fewer requests at once");
            } else if (session.waitsForChunk()
                    && nowNanos - session.waitingSinceNanos
                            > settings.gapTimeout().toNanos()) {
                fail(
                        session,
                        ErrorReason.WORKER_FAILED,
                        "worker " + settings.self() + " misses "
                                + (session.plan == null ? "the set-up" : "position " + session.expected)
                                + " of the session; the chunk was lost or this worker was restarted: send the request again");
            } else if (nowNanos - session.touchedNanos > settings.idleTimeout().toNanos()) {
                LOG.info(
                        "session={} attempt={} state=dropped idle_ms={}",
                        session.id,
                        session.attempt,
                        (nowNanos - session.touchedNanos) / 1_000_000);
                metrics.dropped("expired");
                end(session);
            }
        }
    }

    private void inOrder(StageSession session, InboundChunk chunk, long now) {
        if (chunk.position() < session.expected) {
            metrics.dropped("duplicate");
            return;
        }
        if (session.plan == null || chunk.position() > session.expected) {
            if (session.early.isEmpty() && !session.waitsForKv()) {
                session.waitingSinceNanos = now;
            }
            session.early.putIfAbsent(chunk.position(), chunk);
            if (session.early.size() > MAX_EARLY_CHUNKS) {
                fail(
                        session,
                        ErrorReason.WORKER_FAILED,
                        "worker " + settings.self()
                                + " misses position " + session.expected + " of the session, and "
                                + session.early.size()
                                + " later chunks have come: send the request again");
            }
            return;
        }
        take(session, chunk, now);
        while (!session.early.isEmpty() && session.early.firstKey() <= session.expected) {
            InboundChunk next = session.early.pollFirstEntry().getValue();
            if (next.position() < session.expected) {
                metrics.dropped("duplicate");
            } else {
                take(session, next, now);
                session.waitingSinceNanos = now;
            }
        }
    }

    private void take(StageSession session, InboundChunk chunk, long now) {
        SessionPlan plan = session.plan;
        boolean tooSoon = chunk.lastOfPrompt() && chunk.end() < plan.setup().getPromptTokens();
        if (chunk.enterLayer() != plan.enterLayer() || chunk.end() > plan.kvTokens() || tooSoon) {
            fail(
                    session,
                    ErrorReason.MALFORMED_RECORD,
                    "chunk of positions [" + chunk.position() + ", " + chunk.end()
                            + ") entering layer " + chunk.enterLayer() + (tooSoon ? " as the last of the prompt" : "")
                            + " contradicts the session's set-up: it enters layer " + plan.enterLayer()
                            + ", has a prompt of "
                            + plan.setup().getPromptTokens() + " tokens and reserves " + plan.kvTokens()
                            + " tokens of KV cache");
            return;
        }
        session.expected = chunk.end();
        if (session.slot == null) {
            session.parked.add(chunk);
            if (session.parked.size() == 1) {
                reserve(session, now);
            }
            return;
        }
        schedule(session, chunk);
    }

    private void reserve(StageSession session, long now) {
        int kvTokens = KvReservation.roundUp(positions(session));
        long capacityTokens = runner.kvCapacityTokens(session.plan.layers());
        if (kvTokens > capacityTokens) {
            fail(
                    session,
                    ErrorReason.NO_CAPACITY,
                    "worker " + settings.self() + " has KV cache for " + capacityTokens
                            + " tokens, the session reserves " + kvTokens + "; raise --kv-mib");
            return;
        }
        if (waiting.isEmpty() && tryReserve(session)) {
            return;
        }
        if (waiting.size() >= settings.maxWaitingSessions()) {
            fail(
                    session,
                    ErrorReason.NO_CAPACITY,
                    "worker " + settings.self()
                            + " has no KV cache left and " + waiting.size()
                            + " sessions wait for it; raise --kv-mib or send fewer requests at once");
            return;
        }
        session.waitingSinceNanos = now;
        waiting.add(session);
    }

    private boolean tryReserve(StageSession session) {
        Optional<KvSlot> slot;
        try {
            slot = runner.reserve(positions(session), session.plan.layers());
        } catch (IllegalArgumentException e) {
            fail(session, ErrorReason.NO_CAPACITY, "worker " + settings.self() + ": " + e.getMessage());
            return true;
        }
        if (slot.isEmpty()) {
            return false;
        }
        session.slot = slot.get();
        while (!session.parked.isEmpty()) {
            schedule(session, session.parked.poll());
        }
        return true;
    }

    private void schedule(StageSession session, InboundChunk chunk) {
        if (!session.plan.isPrompt(chunk.position()) && chunk.count() == 1) {
            if (session.awaySinceNanos != 0) {
                gate.returned(chunk.arrival().receivedNanos() - session.awaySinceNanos);
                session.awaySinceNanos = 0;
            }
            scheduler.addDecode(session.id, new Work(session, chunk));
            return;
        }
        int chunkTokens =
                Math.min(settings.chunks().tokens(session.plan.layers().size()), maxSendTokens);
        if (chunk.tokenIds() == null) {
            InboundChunk whole = session.gathering.add(chunk, chunkTokens);
            if (whole != null) {
                addPrefill(session, whole);
            }
            return;
        }
        int from = 0;
        for (int size : PromptChunks.split(chunk.count(), chunkTokens)) {
            addPrefill(session, chunk.slice(from, from + size));
            from += size;
        }
    }

    private void addPrefill(StageSession session, InboundChunk chunk) {
        scheduler.addPrefill(session.id, chunk.count(), session.rank, new Work(session, chunk));
    }

    private void end(StageSession session) {
        table.end(session.id, session.attempt);
        scheduler.remove(session.id);
        waiting.remove(session);
        session.parked.clear();
        session.early.clear();
        session.gathering.clear();
        if (session.slot != null) {
            runner.release(session.slot);
            session.slot = null;
        }
        admitWaiting();
    }

    /** A reservation is rounded up by whoever makes it, but no slot is longer than the model's context. */
    private int positions(StageSession session) {
        return Math.min(session.plan.kvTokens(), runner.model().contextLength());
    }

    private void admitWaiting() {
        while (!waiting.isEmpty()) {
            StageSession head = waiting.peek();
            if (!tryReserve(head)) {
                return;
            }
            waiting.remove(head);
        }
    }

    private void releaseOthers(StageSession session) {
        for (Stage stage : session.plan.pipeline().stages()) {
            if (!stage.worker().equals(settings.self())) {
                sendRelease(stage.worker(), session);
            }
        }
    }

    private void sendRelease(WorkerId to, StageSession session) {
        outbox.forward(to, List.of(ChunkWriter.release(session.id.value(), session.attempt)));
    }
}
