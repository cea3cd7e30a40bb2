package io.sluice.simtest;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.routing.AdmissionQueue;
import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.FirstAttempts;
import io.sluice.core.routing.Notice;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.RunningSession;
import io.sluice.core.routing.SessionCommand;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.routing.SessionWatch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One partition at the router that owns it now: its sessions, its queue, and what has changed since the last commit. */
final class RouterTask {
    private static final int QUEUE_LIMIT = 64;
    private static final long DEADLINE_MS = 10_000;

    private final SimRouter router;
    private final World world;
    private final Partition partition;
    private final Recovery recovery;
    private final Notices notices;
    private final Set<SessionId> dirty = new LinkedHashSet<>();
    private final Map<SessionId, RouterSession> sessions = new LinkedHashMap<>();
    private final Map<SessionId, RouterSession> running = new LinkedHashMap<>();
    private final FirstAttempts attempts = new FirstAttempts();
    private final AdmissionQueue<RouterSession> queue = new AdmissionQueue<>(QUEUE_LIMIT);
    private final Reader<Wire.Request> requests;
    private final Reader<Wire.Token> tokens;
    private final Reader<Wire.Report> reports;

    /** Takes up what is committed. */
    RouterTask(SimRouter router, Partition partition) {
        this.router = router;
        this.world = router.world;
        this.partition = partition;
        this.recovery = new Recovery(router, this);
        this.notices = new Notices(router);
        // The topic holds only the last record, which need not be the newest epoch.
        Optional.ofNullable(partition.allocation).ifPresent(router::accept);
        long now = router.clockMillis();
        partition.committed.values().forEach(stored -> restore(stored.restore(now)));
        long[] at = partition.positions;
        requests = new Reader<>(router, partition.requests, at[0], (offset, r) -> onRequest(r));
        tokens = new Reader<>(router, partition.tokens, at[1], (offset, t) -> onToken(t));
        reports = new Reader<>(router, partition.reports, at[2], (offset, r) -> onReport(r));
    }

    private void restore(RouterSession session) {
        SessionLife life = session.life;
        sessions.put(life.id(), session);
        if (life.phase() == SessionPhase.WAITING) {
            queue.restore(life.id(), session.request.serviceClass(), life.deadlineMs(), session);
        } else if (life.phase().isRunning()) {
            running.put(life.id(), session);
            router.dispatcher().restore(life.id(), session.request.serviceClass(), life.pipeline(), session.kvTokens());
            life.pipeline().stages().forEach(stage -> router.members().expect(stage.worker()));
        }
    }

    Partition partition() {
        return partition;
    }

    /** It takes nothing more. */
    void close() {
        requests.close();
        tokens.close();
        reports.close();
    }

    /** The reservations of its sessions are free again for others. */
    void release() {
        running.keySet().forEach(router.dispatcher()::release);
    }

    void pause(boolean pause) {
        requests.pause(pause);
        tokens.pause(pause);
        reports.pause(pause);
    }

    /** What has changed is kept. */
    void committed() {
        for (SessionId id : dirty) {
            RouterSession session = sessions.get(id);
            if (session == null) {
                partition.committed.remove(id);
            } else {
                partition.committed.put(id, session.store());
            }
        }
        dirty.clear();
        partition.allocation = router.dispatcher().allocation().orElse(null);
        partition.positions[0] = requests.position();
        partition.positions[1] = tokens.position();
        partition.positions[2] = reports.position();
    }

    // Requests

    private void onRequest(Wire.Request request) {
        long now = router.clockMillis();
        if (request.cancels()) {
            cancel(request.id(), now);
            return;
        }
        Optional<SessionLife> life =
                Optional.ofNullable(sessions.get(request.id())).map(s -> s.life);
        boolean patient = request.serviceClass() == ServiceClass.BEST_EFFORT;
        long deadline = patient ? Long.MAX_VALUE : now + DEADLINE_MS;
        for (SessionEvent event : SessionMachine.decide(life, new SessionCommand.Submit(request.id(), deadline), now)) {
            if (event instanceof SessionEvent.Duplicate) {
                router.transaction().write(world.failures, new Wire.Failure(request.id(), true, "duplicate"));
                return;
            }
            life = SessionMachine.apply(life, event);
        }
        RouterSession session = new RouterSession(request, life.orElseThrow(), new ArrayList<>(), now);
        if (!queue.offer(request.id(), request.serviceClass(), deadline, session)) {
            router.transaction().write(world.failures, new Wire.Failure(request.id(), true, "queue full"));
            return;
        }
        sessions.put(request.id(), session);
        dirty.add(request.id());
        drain(now);
    }

    /** As the live router's class of that name does. */
    private void cancel(SessionId id, long now) {
        if (queue.remove(id).isPresent()) {
            attempts.forget(id);
            sessions.remove(id);
            dirty.add(id);
            router.transaction().write(world.failures, new Wire.Failure(id, false, "cancelled"));
            return;
        }
        RouterSession session = running.get(id);
        if (session != null) {
            for (SessionEvent event :
                    SessionMachine.decide(Optional.of(session.life), new SessionCommand.GiveUp(), now)) {
                change(
                        session,
                        SessionMachine.apply(Optional.of(session.life), event).orElseThrow());
            }
            end(session, "cancelled");
        }
    }

    /** Tries what waits, latency-critical first; nobody overtakes one that waits for KV cache. */
    void drain(long now) {
        for (RouterSession session : queue.takeExpired(now, 100)) {
            SessionId id = session.life.id();
            attempts.forget(id);
            sessions.remove(id);
            dirty.add(id);
            router.transaction().write(world.failures, new Wire.Failure(id, false, "deadline"));
        }
        boolean[] held = new boolean[1];
        queue.drain(session -> {
            if (held[0] || now > session.life.deadlineMs()) {
                world.trace(session.life.id(), () -> "router lets it wait behind others");
                return false;
            }
            Route route = router.dispatcher()
                    .route(
                            session.life.id(),
                            session.request.serviceClass(),
                            session.work(),
                            session.kvTokens(),
                            Set.of(),
                            router.members()::takesSessions);
            if (route instanceof Route.Routed routed) {
                assign(session, routed, now);
                return true;
            }
            Route.Blocked blocked = (Route.Blocked) route;
            world.trace(session.life.id(), () -> "router cannot assign: " + blocked.message());
            held[0] = blocked.cause().holdsBackOthers();
            return false;
        });
    }

    private void assign(RouterSession session, Route.Routed routed, long now) {
        SessionId id = session.life.id();
        world.judge().routed(id, routed.epoch(), router.name);
        SessionCommand assign = new SessionCommand.Assign(routed.pipeline(), routed.epoch(), attempts.take(id));
        for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), assign, now)) {
            change(
                    session,
                    SessionMachine.apply(Optional.of(session.life), event).orElseThrow());
        }
        world.faults().assigned(id, session.life.attempt(), routed.pipeline());
        session.assignedMs = now;
        session.watch = new SessionWatch(0, now);
        session.notes = session.notes.withIncarnations(AttemptNotes.incarnations(routed.pipeline(), router.members()));
        running.put(id, session);
        notices.send(session, Notice.ofAttempt(session.running(), routed.pipeline(), 0));
    }

    // Tokens and reports

    private void onToken(Wire.Token token) {
        RouterSession session = running.get(token.session());
        if (session == null) {
            if (queue.contains(token.session())) {
                attempts.seen(token.session(), token.attempt());
            }
            return;
        }
        long now = router.clockMillis();
        boolean fenced = !world.has(Mutation.NO_FENCING);
        int attempt = fenced ? token.attempt() : session.life.attempt();
        RunningSession.Fate fate =
                session.running().fate(attempt, fenced ? RunningSession.workers(token.hops()) : List.of());
        if (fate == RunningSession.Fate.UNKNOWN) {
            recovery.overtaken(session, attempt, now);
        }
        if (fate != RunningSession.Fate.PRESENT) {
            return;
        }
        SessionCommand command = new SessionCommand.Receive(attempt, token.index(), token.last());
        for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), command, now)) {
            SessionLife next =
                    SessionMachine.apply(Optional.of(session.life), event).orElseThrow();
            switch (event) {
                case SessionEvent.TokenAccepted accepted -> {
                    change(session, next);
                    session.tokens.add(token);
                    session.watch.token(now);
                }
                case SessionEvent.Finished finished -> {
                    change(session, next);
                    finish(session);
                }
                default ->
                    world.trace(
                            token.session(),
                            () -> "router ignores token " + token.index() + " of attempt " + token.attempt() + ": "
                                    + event);
            }
        }
    }

    private void onReport(Wire.Report report) {
        RouterSession session = running.get(report.session());
        if (session == null || report.incarnation() < router.members().incarnation(report.worker())) {
            return;
        }
        world.trace(report.session(), () -> "router gets " + report);
        long now = router.clockMillis();
        switch (session.running().fate(report.attempt())) {
            case UNKNOWN -> recovery.overtaken(session, report.attempt(), now);
            case PRESENT -> recovery.report(session, report, now);
            case STALE -> {}
        }
    }

    // Ends

    private void finish(RouterSession session) {
        Wire.Completion completion = new Wire.Completion(session.life.id(), session.life.attempt(), session.tokenIds());
        world.trace(session.life.id(), () -> "router completes attempt " + session.life.attempt());
        if (world.has(Mutation.DOUBLE_PUBLISH)) {
            world.completions.append(completion);
        } else {
            router.transaction().write(world.completions, completion);
        }
        free(session);
        router.drain();
    }

    void end(RouterSession session, String reason) {
        router.transaction().write(world.failures, new Wire.Failure(session.life.id(), false, reason));
        free(session);
    }

    private void free(RouterSession session) {
        notices.send(session, Notice.ofEnd(session.running(), session.newestAttempt(), router.members()));
        running.remove(session.life.id());
        router.dispatcher().release(session.life.id());
    }

    // State

    /** Its new life; an attempt is published with it. */
    void change(RouterSession session, SessionLife life) {
        boolean next = life.attempt() != session.life.attempt();
        session.life = life;
        dirty.add(life.id());
        if (next) {
            router.transaction()
                    .write(world.sessions, new Wire.Session(life.id(), life.attempt(), life.epoch(), life.pipeline()));
        }
        world.trace(
                life.id(),
                () -> router.name + ": " + life.phase() + ", attempt " + life.attempt() + ", " + life.nextIndex()
                        + " tokens");
    }

    /** What is kept of it has changed. */
    void touch(RouterSession session) {
        dirty.add(session.life.id());
    }

    List<RouterSession> running() {
        return List.copyOf(running.values());
    }

    Notices notices() {
        return notices;
    }

    Recovery recovery() {
        return recovery;
    }

    int waiting() {
        return queue.size();
    }
}
