package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.stage.StageLedger;
import io.sluice.records.ChunkKind;
import io.sluice.runtime.StageRunner;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From chunks as they come to chunks that may run: the ledger fences attempts and keeps the order, attempts begin as
 * their set-up says, {@link KvAdmission} gives KV cache, {@link WorkFeed} makes work of what has its turn. Also ends
 * sessions, and reports those that cannot go on; what then becomes of them is the router's to say. Every wait is
 * bounded in number and time. Owned by the compute thread.
 */
final class SessionIntake {
    /** Chunks of one session that may wait for a missing one. */
    static final int MAX_EARLY_CHUNKS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(SessionIntake.class);
    /** Goes before every prompt: somebody has read the first part of this answer and waits for the rest. */
    private static final double RESUMED_RANK = -1;

    private final LoopSettings settings;
    private final StageRunner runner;
    private final WorkFeed feed;
    private final InputLog log;
    private final Outbox outbox;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final KvAdmission admission;
    private final StageLedger ledger = new StageLedger();
    /** The sessions that are live in the ledger, oldest first. */
    private final Map<SessionId, StageSession> sessions = new LinkedHashMap<>();
    /** Sessions whose set-up has come. */
    private long arrivals;

    SessionIntake(
            LoopSettings settings,
            StageRunner runner,
            WorkFeed feed,
            InputLog log,
            Outbox outbox,
            WorkerMetrics metrics,
            LongSupplier nanos) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.feed = Objects.requireNonNull(feed, "feed");
        this.log = Objects.requireNonNull(log, "log");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.admission = new KvAdmission(
                settings, runner, this::admitted, (session, why) -> fail(session, Trouble.NO_CAPACITY, why));
    }

    int sessions() {
        return sessions.size();
    }

    /** The layers of every session whose set-up is known, one element per session. */
    List<LayerRange> layers() {
        return sessions.values().stream()
                .filter(session -> session.plan != null)
                .map(session -> session.plan.layers())
                .toList();
    }

    void accept(InboundChunk chunk) {
        if (chunk.kind() == ChunkKind.RELEASE) {
            release(chunk);
            return;
        }
        if (chunk.kind() == ChunkKind.DROP) {
            end(chunk.session(), chunk.attempt());
            return;
        }
        if (ledger.isFenced(chunk.session(), chunk.attempt())) {
            metrics.dropped("fenced");
            return;
        }
        long now = nanos.getAsLong();
        StageSession session = open(chunk, now);
        session.touchedNanos = now;
        if (session.plan == null && !isHeld(chunk)) {
            fail(session, Trouble.LAYERS_NOT_HELD, notHeld(chunk));
            return;
        }
        if (session.plan == null && chunk.plan() != null && !begin(session, chunk.plan(), now)) {
            return;
        }
        if (chunk.kind() == ChunkKind.FORWARD) {
            inOrder(session, chunk, now);
        }
        takeEarly(session, now);
    }

    /** The inputs of a session that rebuilds have been read. */
    void rebuilt(Inbound.Rebuilt rebuilt) {
        StageSession session = sessions.get(rebuilt.session());
        if (session == null || session.attempt != rebuilt.attempt() || !session.rebuilding) {
            return;
        }
        session.rebuilding = false;
        long now = nanos.getAsLong();
        session.touchedNanos = now;
        LOG.info(
                "session={} attempt={} state=rebuilding positions={} read_ms={}",
                session.id,
                session.attempt,
                session.plan.resume().start(),
                (now - session.rebuildingSinceNanos) / 1_000_000);
        for (InboundChunk chunk : rebuilt.chunks()) {
            if (isOver(session)) {
                return;
            }
            inOrder(session, chunk, now);
        }
        takeEarly(session, now);
    }

    /** The last token of a session is out: frees it and tells the first stage. */
    void finished(SessionId id, int attempt) {
        StageSession session = sessions.get(id);
        if (session == null || session.attempt != attempt) {
            return;
        }
        end(id, attempt);
        if (!session.plan.isFirst()) {
            sendRelease(session.plan.pipeline().first().worker(), session);
        }
    }

    /**
     * The session cannot go on here: reports it. Where the KV cache is still good, it stays for the next attempt; else
     * the session ends here. Says nothing of attempts that are over or older than the newest, and the same only once.
     */
    void fail(SessionId id, int attempt, Trouble trouble, String message) {
        // A last token that could not be sent comes back after its session has ended here.
        if (attempt < ledger.newest(id) || trouble != Trouble.UNDELIVERED && ledger.isFenced(id, attempt)) {
            return;
        }
        StageSession session = sessions.get(id);
        if (session == null || session.attempt < attempt || trouble.losesState()) {
            end(id, attempt);
        } else if (session.reported) {
            return;
        } else {
            session.reported = true;
        }
        metrics.failed(trouble);
        LOG.info("session={} attempt={} state=troubled trouble={}", id, attempt, trouble);
        outbox.report(id, attempt, trouble, message);
    }

    private void fail(StageSession session, Trouble trouble, String message) {
        fail(session.id, session.attempt, trouble, message);
    }

    /** Reports what has waited too long for KV cache, for the log or for a missing chunk, and drops what is idle. */
    void sweep(long nowNanos) {
        for (StageSession session : List.copyOf(sessions.values())) {
            long waited = nowNanos - session.waitingSinceNanos;
            if (isOver(session)) {
                continue; // by what became of another one
            }
            if (session.rebuilding
                    && nowNanos - session.rebuildingSinceNanos
                            > settings.rebuildTimeout().toNanos()) {
                fail(session, Trouble.LOG_GONE, notRead(session));
            } else if (session.waitsForKv() && waited > settings.waitTimeout().toNanos()) {
                fail(session, Trouble.NO_CAPACITY, admission.tookTooLong(session));
            } else if (nowNanos - session.touchedNanos > settings.idleTimeout().toNanos()) {
                // Before the gap: one that misses a chunk may have been told so in vain, its router knows it no more.
                LOG.info(
                        "session={} attempt={} state=dropped idle_ms={}",
                        session.id,
                        session.attempt,
                        (nowNanos - session.touchedNanos) / 1_000_000);
                metrics.dropped("expired");
                end(session.id, session.attempt);
            } else if (session.waitsForChunk() && waited > settings.gapTimeout().toNanos()) {
                missing(session, "the chunk was lost or this worker was restarted");
            }
        }
    }

    /** The attempt of the chunk, which may be new; what a former one has computed waits for the set-up. */
    private StageSession open(InboundChunk chunk, long now) {
        StageSession session = sessions.get(chunk.session());
        if (session != null && session.attempt == chunk.attempt()) {
            return session;
        }
        ledger.open(chunk.session(), chunk.attempt());
        StageSession next = new StageSession(chunk.session(), chunk.attempt(), now);
        if (session != null) {
            LOG.info("session={} superseded_attempt={} attempt={}", session.id, session.attempt, chunk.attempt());
            feed.remove(session);
            admission.bequeath(session, next);
        }
        sessions.put(next.id, next);
        return next;
    }

    /** Begins an attempt as its set-up says; false when it cannot. */
    private boolean begin(StageSession session, SessionPlan plan, long now) {
        session.plan = plan;
        session.rank = plan.resumed()
                ? RESUMED_RANK
                : SchedulingBounds.DEFAULT.rank(arrivals++, plan.setup().getPromptTokens());
        StageResume resume = plan.resume();
        int computed = admission.computed(session);
        switch (ledger.begin(session.id, session.attempt, resume, computed)) {
            case KEPT -> admission.keep(session, resume.start());
            case EMPTY -> admission.admit(session, now);
            case STATE_LOST -> {
                fail(
                        session,
                        Trouble.STATE_LOST,
                        "worker " + settings.self() + " was to keep " + resume.start() + " positions of layers "
                                + plan.layers() + ", it has " + Math.max(0, computed) + " of the session");
                return false;
            }
        }
        if (resume.mode() == ResumeMode.REBUILD && !isOver(session)) {
            session.rebuilding = true;
            session.rebuildingSinceNanos = now;
            log.read(new InputLog.Order(session.id, session.attempt, plan.enterLayer(), resume.start(), resume.log()));
        }
        if (plan.resumed()) {
            LOG.info(
                    "session={} attempt={} state=resumed mode={} start={} position={}",
                    session.id,
                    session.attempt,
                    resume.mode(),
                    resume.start(),
                    plan.position());
        }
        return !isOver(session);
    }

    private boolean isOver(StageSession session) {
        return sessions.get(session.id) != session;
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

    /** A release by the last stage, which has freed the session already: frees it here and passes the word along. */
    private void release(InboundChunk chunk) {
        StageSession session = sessions.get(chunk.session());
        boolean live = end(chunk.session(), chunk.attempt());
        if (live
                && session.plan != null
                && session.plan.index() + 2 < session.plan.resumes().size()) {
            sendRelease(session.plan.next().worker(), session);
        }
    }

    private void sendRelease(io.sluice.core.WorkerId to, StageSession session) {
        outbox.forward(to, List.of(ChunkWriter.release(session.id.value(), session.attempt)));
    }

    private void inOrder(StageSession session, InboundChunk chunk, long now) {
        switch (ledger.offer(session.id, session.attempt, chunk.position())) {
            case FENCED -> metrics.dropped("fenced");
            case REPEATED -> metrics.dropped("duplicate");
            case NEXT -> take(session, chunk);
            case EARLY -> {
                if (session.early.size() >= MAX_EARLY_CHUNKS) {
                    metrics.dropped("early");
                    missing(session, session.early.size() + " later chunks have come");
                    return;
                }
                if (session.early.isEmpty() && !session.waitsForKv()) {
                    session.waitingSinceNanos = now;
                }
                session.early.putIfAbsent(chunk.position(), chunk);
            }
        }
    }

    private void takeEarly(StageSession session, long now) {
        while (!session.early.isEmpty()
                && !isOver(session)
                && ledger.begun(session.id)
                && session.early.firstKey() <= ledger.expected(session.id)) {
            inOrder(session, session.early.pollFirstEntry().getValue(), now);
            session.waitingSinceNanos = session.waitsForKv() ? session.waitingSinceNanos : now;
        }
    }

    private void take(StageSession session, InboundChunk chunk) {
        SessionPlan plan = session.plan;
        boolean tooSoon = chunk.lastOfPrompt() && chunk.end() < plan.promptTokens();
        if (chunk.enterLayer() != plan.enterLayer() || chunk.end() > plan.kvTokens() || tooSoon) {
            fail(
                    session,
                    Trouble.MALFORMED_INPUT,
                    "chunk of positions [" + chunk.position() + ", " + chunk.end()
                            + ") entering layer " + chunk.enterLayer() + (tooSoon ? " as the last of the prompt" : "")
                            + " contradicts the session's set-up: it enters layer " + plan.enterLayer()
                            + ", has a prompt of " + plan.promptTokens() + " tokens and reserves " + plan.kvTokens()
                            + " tokens of KV cache");
            return;
        }
        ledger.taken(session.id, chunk.end());
        session.logged(chunk.arrival().offset());
        session.reported = false;
        if (session.slot == null) {
            session.parked.add(chunk);
        } else {
            feed.add(session, chunk);
        }
    }

    private void admitted(StageSession session) {
        while (!session.parked.isEmpty()) {
            feed.add(session, session.parked.poll());
        }
    }

    private void missing(StageSession session, String why) {
        boolean unknown = session.plan == null && session.inherited == null;
        fail(
                session,
                unknown ? Trouble.STATE_LOST : Trouble.INPUT_MISSING,
                "worker " + settings.self() + " misses "
                        + (session.plan == null ? "the set-up" : "position " + ledger.expected(session.id))
                        + " of the session; " + why + ": send the request again");
    }

    private String notRead(StageSession session) {
        return "worker " + settings.self() + " could not read the inputs of "
                + session.plan.resume().start() + " positions within "
                + settings.rebuildTimeout().toMillis() + " ms";
    }

    /** Frees the session, unless a newer attempt is live, and fences the attempt; true when it was live. */
    private boolean end(SessionId id, int attempt) {
        if (!ledger.end(id, attempt)) {
            return false;
        }
        StageSession session = sessions.remove(id);
        feed.remove(session);
        session.parked.clear();
        session.early.clear();
        admission.release(session);
        return true;
    }
}
