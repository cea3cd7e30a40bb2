package io.sluice.core.stage;

import io.sluice.core.SessionId;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.Trouble;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * From chunks as they come to chunks that may run, at one stage: the ledger fences attempts and keeps the order, attempts
 * begin as their set-up says (with the KV cache of the former one, with inputs from the log, or with nothing), and a
 * chunk that has its turn and KV cache goes to be computed. Also ends sessions, and reports those that cannot go on;
 * what then becomes of them is the router's to say. Every wait is bounded in number and time. The live worker and the
 * simulated one both run it; what it needs done it asks of {@link StageDesk} and {@link KvPool}, at once and in order.
 * Times are nanoseconds of any one clock. Not thread-safe.
 *
 * @param <C> chunks
 * @param <P> set-ups
 * @param <K> KV caches
 * @param <S> sessions
 */
public final class StageIntake<C extends StageChunk<P>, P extends StageSetup, K, S extends SessionAtStage<C, P, K>> {
    /** Chunks of one session that may wait for a missing one. */
    public static final int MAX_EARLY_CHUNKS = 64;
    /** Goes before every prompt: somebody has read the first part of this answer and waits for the rest. */
    private static final double RESUMED_RANK = -1;

    private final StageLimits limits;
    private final StageLedger ledger;
    private final StageDesk<C, S> desk;
    private final KvQueue<K, S> admission;
    /** The sessions that are live in the ledger, oldest first. */
    private final Map<SessionId, S> sessions = new LinkedHashMap<>();
    /** Sessions whose set-up has come. */
    private long arrivals;

    public StageIntake(StageLimits limits, StageLedger ledger, KvPool<K> pool, StageDesk<C, S> desk) {
        this.limits = Objects.requireNonNull(limits, "limits");
        this.ledger = Objects.requireNonNull(ledger, "ledger");
        this.desk = Objects.requireNonNull(desk, "desk");
        this.admission =
                new KvQueue<>(limits, pool, this::admitted, (session, why) -> fail(session, Trouble.NO_CAPACITY, why));
    }

    /** The sessions that are live here, oldest first; a live view. */
    public Collection<S> sessions() {
        return Collections.unmodifiableCollection(sessions.values());
    }

    /** Whether the session's attempt is no longer the one that is live here. */
    public boolean isOver(S session) {
        return sessions.get(session.id) != session;
    }

    /** Takes a chunk. */
    public void accept(C chunk, long now) {
        switch (chunk.type()) {
            case RELEASE -> {
                release(chunk);
                return;
            }
            case DROP -> {
                end(chunk.session(), chunk.attempt());
                return;
            }
            case FORWARD, PREPARE -> {}
        }
        if (ledger.isFenced(chunk.session(), chunk.attempt())) {
            desk.dropped(StageDesk.Drop.FENCED);
            return;
        }
        S session = open(chunk, now);
        session.touchedNanos = now;
        if (session.plan == null && !isHeld(chunk)) {
            fail(session, Trouble.LAYERS_NOT_HELD, notHeld(chunk));
            return;
        }
        if (session.plan != null && chunk.plan() != null && session.plan.contradicts(chunk.plan())) {
            fail(session, Trouble.STATE_LOST, twice(session, chunk.plan()));
            return;
        }
        if (session.plan == null && chunk.plan() != null && !begin(session, chunk.plan(), now)) {
            return;
        }
        if (chunk.type() == StageChunk.Kind.FORWARD) {
            inOrder(session, chunk, now);
        }
        takeEarly(session, now);
    }

    /** The inputs of a session that rebuilds have been read: every position before its start, once, in order. */
    public void rebuilt(SessionId id, int attempt, List<C> chunks, long now) {
        S session = sessions.get(id);
        if (session == null || session.attempt != attempt || !session.rebuilding) {
            return;
        }
        session.rebuilding = false;
        session.touchedNanos = now;
        desk.noted(
                id,
                attempt,
                "state=rebuilding positions=" + session.plan.resume().start() + " read_ms="
                        + (now - session.rebuildingSinceNanos) / 1_000_000);
        for (C chunk : chunks) {
            if (isOver(session)) {
                return;
            }
            inOrder(session, chunk, now);
        }
        takeEarly(session, now);
    }

    /** The last token of a session is out: frees it and tells the first stage. */
    public void finished(SessionId id, int attempt) {
        S session = sessions.get(id);
        if (session == null || session.attempt != attempt) {
            return;
        }
        end(id, attempt);
        if (!session.plan.isFirst()) {
            desk.sendRelease(session.plan.pipeline().first().worker(), id, attempt);
        }
    }

    /**
     * The session cannot go on here: reports it. Where the KV cache is still good, it stays for the next attempt; else
     * the session ends here. Says nothing of attempts that are over or older than the newest, and the same only once.
     */
    public void fail(SessionId id, int attempt, Trouble trouble, String message) {
        // A last token that could not be sent comes back after its session has ended here.
        if (attempt < ledger.newest(id) || trouble != Trouble.UNDELIVERED && ledger.isFenced(id, attempt)) {
            return;
        }
        S session = sessions.get(id);
        if (session == null || session.attempt < attempt || trouble.losesState()) {
            end(id, attempt);
        } else if (session.reported) {
            return;
        } else {
            session.reported = true;
        }
        desk.noted(id, attempt, "state=troubled trouble=" + trouble);
        desk.report(id, attempt, trouble, message);
    }

    private void fail(S session, Trouble trouble, String message) {
        fail(session.id, session.attempt, trouble, message);
    }

    /** Reports what has waited too long for KV cache, for the log or for a missing chunk, and drops what is idle. */
    public void sweep(long now) {
        for (S session : List.copyOf(sessions.values())) {
            if (isOver(session)) {
                continue; // by what became of another one
            }
            if (session.rebuilding
                    && now - session.rebuildingSinceNanos
                            > limits.rebuildTimeout().toNanos()) {
                fail(session, Trouble.LOG_GONE, notRead(session));
            } else if (session.waitsForKv()
                    && !session.bestEffort()
                    && now - session.waitingSinceNanos > limits.waitTimeout().toNanos()) {
                fail(session, Trouble.NO_CAPACITY, admission.tookTooLong(session));
            } else if (now - session.touchedNanos > idleTimeout(session).toNanos()) {
                // Before the gap: one that misses a chunk may have been told so in vain, its router knows it no more.
                desk.noted(
                        session.id,
                        session.attempt,
                        "state=dropped idle_ms=" + (now - session.touchedNanos) / 1_000_000);
                desk.dropped(StageDesk.Drop.EXPIRED);
                end(session.id, session.attempt);
            } else if (session.waitsForChunk()
                    && now - session.gapSinceNanos > limits.gapTimeout().toNanos()) {
                missing(session, "the chunk was lost or this worker was restarted");
            }
        }
    }

    private Duration idleTimeout(S session) {
        return session.bestEffort() ? limits.bestEffortIdle() : limits.idleTimeout();
    }

    /** The attempt of the chunk, which may be new; what a former one has computed waits for the set-up. */
    private S open(C chunk, long now) {
        S session = sessions.get(chunk.session());
        if (session != null && session.attempt == chunk.attempt()) {
            return session;
        }
        ledger.open(chunk.session(), chunk.attempt());
        S next = desk.open(chunk.session(), chunk.attempt(), now);
        if (session != null) {
            desk.noted(next.id, next.attempt, "superseded_attempt=" + session.attempt);
            desk.forget(session);
            admission.bequeath(session, next);
        }
        sessions.put(next.id, next);
        return next;
    }

    /** Begins an attempt as its set-up says; false when it cannot. */
    private boolean begin(S session, P plan, long now) {
        session.plan = plan;
        session.rank = plan.resumed() ? RESUMED_RANK : SchedulingBounds.DEFAULT.rank(arrivals++, plan.promptTokens());
        StageResume resume = plan.resume();
        int computed = admission.computed(session);
        switch (ledger.begin(session.id, session.attempt, resume, computed)) {
            case KEPT -> admission.keep(session, resume.start());
            case EMPTY -> admission.admit(session, now);
            case STATE_LOST -> {
                fail(
                        session,
                        Trouble.STATE_LOST,
                        "worker " + limits.self() + " was to keep " + resume.start() + " positions of layers "
                                + plan.layers() + ", it has " + Math.max(0, computed) + " of the session");
                return false;
            }
        }
        if (resume.mode() == ResumeMode.REBUILD && !isOver(session)) {
            session.rebuilding = true;
            session.rebuildingSinceNanos = now;
            desk.readLog(
                    session,
                    new LogPicker.Want(session.id, session.attempt, plan.enterLayer(), resume.start(), resume.log()));
        }
        if (plan.resumed()) {
            desk.noted(
                    session.id,
                    session.attempt,
                    "state=resumed mode=" + resume.mode() + " start=" + resume.start() + " position="
                            + plan.position());
        }
        return !isOver(session);
    }

    /** From the set-up on, a session's layers are held until it ends; so nobody asks again. */
    private boolean isHeld(C chunk) {
        return chunk.plan() == null
                ? desk.holds(chunk.enterLayer())
                : desk.holds(chunk.plan().layers());
    }

    private String notHeld(C chunk) {
        return "worker " + limits.self() + " does not hold "
                + (chunk.plan() == null
                        ? "layer " + chunk.enterLayer()
                        : "layers " + chunk.plan().layers())
                + " of the session, it holds " + desk.held()
                + "; the session was routed before or after they were here: send the request again";
    }

    private String twice(S session, P other) {
        return "worker " + limits.self() + " has got two set-ups of attempt " + session.attempt + ", over "
                + session.plan.pipeline().stages() + " and over "
                + other.pipeline().stages() + ": a router has restarted between them";
    }

    /** A release by the last stage, which has freed the session already: frees it here and passes the word along. */
    private void release(C chunk) {
        S session = sessions.get(chunk.session());
        boolean live = end(chunk.session(), chunk.attempt());
        if (live
                && session.plan != null
                && session.plan.index() + 2 < session.plan.resumes().size()) {
            desk.sendRelease(session.plan.next().worker(), session.id, session.attempt);
        }
    }

    private void inOrder(S session, C chunk, long now) {
        switch (ledger.offer(session.id, session.attempt, chunk.position())) {
            case FENCED -> desk.dropped(StageDesk.Drop.FENCED);
            case REPEATED -> desk.dropped(StageDesk.Drop.DUPLICATE);
            case NEXT -> take(session, chunk);
            case EARLY -> {
                if (session.early.size() >= MAX_EARLY_CHUNKS) {
                    desk.dropped(StageDesk.Drop.EARLY);
                    missing(session, session.early.size() + " later chunks have come");
                    return;
                }
                if (session.early.isEmpty()) {
                    session.gapSinceNanos = now;
                }
                session.early.putIfAbsent(chunk.position(), chunk);
            }
        }
    }

    private void takeEarly(S session, long now) {
        while (!session.early.isEmpty()
                && !isOver(session)
                && ledger.begun(session.id)
                && session.early.firstKey() <= ledger.expected(session.id)) {
            inOrder(session, session.early.pollFirstEntry().getValue(), now);
            session.gapSinceNanos = now;
        }
    }

    private void take(S session, C chunk) {
        P plan = session.plan;
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
        session.logged(chunk.offset());
        session.reported = false;
        if (session.slot == null) {
            session.parked.add(chunk);
        } else {
            desk.work(session, chunk);
        }
    }

    private void admitted(S session) {
        while (!session.parked.isEmpty()) {
            desk.work(session, session.parked.poll());
        }
    }

    private void missing(S session, String why) {
        boolean unknown = session.plan == null && session.inherited == null;
        fail(
                session,
                unknown ? Trouble.STATE_LOST : Trouble.INPUT_MISSING,
                "worker " + limits.self() + " misses "
                        + (session.plan == null ? "the set-up" : "position " + ledger.expected(session.id))
                        + " of the session; " + why + ": send the request again");
    }

    private String notRead(S session) {
        return "worker " + limits.self() + " could not read the inputs of "
                + session.plan.resume().start() + " positions within "
                + limits.rebuildTimeout().toMillis() + " ms";
    }

    /** Frees the session, unless a newer attempt is live, and fences the attempt; true when it was live. */
    private boolean end(SessionId id, int attempt) {
        if (!ledger.end(id, attempt)) {
            return false;
        }
        S session = sessions.remove(id);
        desk.forget(session);
        session.parked.clear();
        session.early.clear();
        admission.release(session);
        return true;
    }
}
