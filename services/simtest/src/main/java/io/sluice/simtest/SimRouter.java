package io.sluice.simtest;

import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.routing.AdmissionQueue;
import io.sluice.core.routing.Dispatcher;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.core.routing.SessionCommand;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.core.routing.SessionPhase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The router around the core: records in, decisions of the core, records out, in transactions. A crash loses what was
 * not committed, though workers may have seen the chunks of it.
 */
final class SimRouter extends Actor {
    private static final long TICK_MICROS = 50_000;
    private static final long SLOW_TICK_MICROS = 1_000_000;
    private static final long COMMIT_MICROS = 100_000;
    private static final long TRANSACTION_MICROS = 10_000_000;
    private static final int QUEUE_LIMIT = 64;
    private static final double HIGH_WATER = 0.9;
    /** Attempts of one start of the router, so that no number is used twice after a crash. */
    private static final int ATTEMPTS_PER_START = 1_000;

    static final WorkerId SELF = new WorkerId("router");
    static final long DEADLINE_MS = 10_000;
    private static final long SESSION_MS = 25_000;
    private static final long RETENTION_MS = 600_000;

    private final Recovery recovery;
    private final Map<SessionId, RouterSession.Stored> committed = new LinkedHashMap<>();
    private final Set<SessionId> dirty = new LinkedHashSet<>();
    private final Map<SessionId, RouterSession> sessions = new LinkedHashMap<>();
    private final Map<SessionId, RouterSession> running = new LinkedHashMap<>();
    private final List<MemberEvent> members = new ArrayList<>();
    private final Transaction transaction = new Transaction(this);
    private Dispatcher dispatcher;
    private LeaseTable leases;
    private AdmissionQueue<RouterSession> queue;
    private Reader<Wire.Request> requests;
    private Reader<Wire.Token> tokens;
    private Reader<Wire.Report> reports;
    private Reader<Beat> beats;
    private Reader<Allocation> allocations;
    private Sender<Beat> echo;
    private long[] positions = new long[3];
    private int starts;
    private boolean committing;
    private long commitSinceMicros;
    private int checks;

    SimRouter(World world, long skew, double drift) {
        super(world, SELF.value(), skew, drift);
        recovery = new Recovery(this);
    }

    // Life

    void start() {
        born();
        starts++;
        world.judge().routerStarted();
        dirty.clear();
        sessions.clear();
        running.clear();
        members.clear();
        committing = false;
        long now = clockMillis();
        dispatcher = new Dispatcher(World.MODEL, RoutingPolicy.SLUICE, HIGH_WATER);
        leases = new LeaseTable(SimWorker.LEASE_MILLIS, now);
        queue = new AdmissionQueue<>(QUEUE_LIMIT);
        committed.forEach((id, stored) -> restore(stored.restore(now), now));
        echo = new Sender<>(this, world.beats, true, SimWorker.DELIVERY_MICROS);
        requests = new Reader<>(this, world.requests, positions[0], (offset, r) -> onRequest(r));
        tokens = new Reader<>(this, world.tokens, positions[1], (offset, t) -> onToken(t));
        reports = new Reader<>(this, world.reports, positions[2], (offset, r) -> onReport(r));
        beats = new Reader<>(this, world.beats, world.beats.end(), (offset, b) -> onBeat(b));
        // A global table starts with what there is.
        allocations = new Reader<>(
                this,
                world.allocations,
                Math.max(world.allocations.start(), world.allocations.end() - 1),
                (offset, a) -> onAllocation(a));
        every(TICK_MICROS, this::tick);
        every(SLOW_TICK_MICROS, this::slowTick);
        every(COMMIT_MICROS, this::commit);
    }

    private void restore(RouterSession session, long now) {
        SessionLife life = session.life;
        sessions.put(life.id(), session);
        if (life.phase() == SessionPhase.WAITING) {
            queue.restore(life.id(), life.deadlineMs(), session);
        } else if (life.phase().isRunning()) {
            running.put(life.id(), session);
            dispatcher.restore(life.id(), life.pipeline(), session.kvTokens());
            life.pipeline().stages().forEach(stage -> leases.expect(stage.worker(), SimWorker.LEASE_MILLIS, now));
        }
    }

    /** The process ends; its transaction is aborted. */
    void kill() {
        died();
        requests.close();
        tokens.close();
        reports.close();
        beats.close();
        allocations.close();
        transaction.abort();
    }

    // Transactions

    private void commit() {
        if (committing) {
            return;
        }
        committing = true;
        commitSinceMicros = world.nowMicros();
        pause(true);
        tryCommit();
    }

    private void tryCommit() {
        if (world.nowMicros() - commitSinceMicros > TRANSACTION_MICROS) {
            crash();
            return;
        }
        if (isCutOff() || !transaction.isFlushed()) {
            after(1_000, this::tryCommit);
            return;
        }
        transaction.commit();
        for (SessionId id : dirty) {
            RouterSession session = sessions.get(id);
            if (session == null) {
                committed.remove(id);
            } else {
                committed.put(id, session.store());
            }
        }
        dirty.clear();
        positions = new long[] {requests.position(), tokens.position(), reports.position()};
        committing = false;
        pause(false);
        takeMembers();
    }

    private void pause(boolean pause) {
        requests.pause(pause);
        tokens.pause(pause);
        reports.pause(pause);
    }

    /** A task that cannot write starts again from what is committed. */
    private void crash() {
        kill();
        world.at(world.nowMicros() + 200_000, this::start);
    }

    // Requests

    private void onRequest(Wire.Request request) {
        long now = clockMillis();
        RouterSession known = sessions.get(request.id());
        Optional<SessionLife> life = Optional.ofNullable(known).map(s -> s.life);
        long deadline = now + DEADLINE_MS;
        for (SessionEvent event : SessionMachine.decide(life, new SessionCommand.Submit(request.id(), deadline), now)) {
            if (event instanceof SessionEvent.Duplicate) {
                transaction.write(world.failures, new Wire.Failure(request.id(), true, "duplicate"));
                return;
            }
            life = SessionMachine.apply(life, event);
        }
        RouterSession session = new RouterSession(request, life.orElseThrow(), new ArrayList<>());
        session.progressMs = now;
        if (!queue.offer(request.id(), deadline, session)) {
            transaction.write(world.failures, new Wire.Failure(request.id(), true, "queue full"));
            return;
        }
        keep(session);
        drain(now);
    }

    /** Tries what waits, in order; nobody overtakes one that waits for KV cache. */
    private void drain(long now) {
        for (RouterSession session : queue.takeExpired(now, 100)) {
            sessions.remove(session.life.id());
            dirty.add(session.life.id());
            transaction.write(world.failures, new Wire.Failure(session.life.id(), false, "deadline"));
        }
        boolean[] held = new boolean[1];
        queue.drain(session -> {
            if (held[0] || now > session.life.deadlineMs()) {
                return false;
            }
            Route route = dispatcher.route(
                    session.life.id(), session.work(), session.kvTokens(), Set.of(), leases::takesSessions);
            if (route instanceof Route.Routed routed) {
                assign(session, routed, now);
                return true;
            }
            held[0] = ((Route.Blocked) route).cause().holdsBackOthers();
            return false;
        });
    }

    private void assign(RouterSession session, Route.Routed routed, long now) {
        world.judge().routed(session.life.id(), routed.epoch());
        SessionCommand command = new SessionCommand.Assign(routed.pipeline(), routed.epoch(), nextAttempt(0));
        change(session, command, now);
        session.progressMs = now;
        running.put(session.life.id(), session);
        recovery.sendPrompt(session);
    }

    /** The number of an attempt that follows {@code attempt}. */
    int nextAttempt(int attempt) {
        return Math.max(attempt + 1, (starts - 1) * ATTEMPTS_PER_START + 1);
    }

    // Tokens

    private void onToken(Wire.Token token) {
        RouterSession session = running.get(token.session());
        long now = clockMillis();
        int attempt = world.has(Mutation.NO_FENCING) && session != null ? session.life.attempt() : token.attempt();
        SessionCommand command = new SessionCommand.Receive(attempt, token.index(), token.last());
        for (SessionEvent event :
                SessionMachine.decide(Optional.ofNullable(session).map(s -> s.life), command, now)) {
            switch (event) {
                case SessionEvent.TokenAccepted accepted -> {
                    apply(session, event);
                    session.tokens.add(token);
                    session.progressMs = now;
                }
                case SessionEvent.Finished finished -> {
                    apply(session, event);
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

    private void finish(RouterSession session) {
        Wire.Completion completion = new Wire.Completion(session.life.id(), session.life.attempt(), session.tokenIds());
        world.trace(session.life.id(), () -> "router completes attempt " + session.life.attempt());
        if (world.has(Mutation.DOUBLE_PUBLISH)) {
            world.completions.append(completion);
        } else {
            transaction.write(world.completions, completion);
        }
        running.remove(session.life.id());
        dispatcher.release(session.life.id());
        drain(clockMillis());
    }

    // Trouble

    private void onReport(Wire.Report report) {
        RouterSession session = running.get(report.session());
        if (session == null || session.life.attempt() != report.attempt()) {
            return;
        }
        recovery.trouble(session, report, clockMillis());
    }

    void fail(RouterSession session, String reason) {
        world.trace(session.life.id(), () -> "router gives up: " + reason);
        change(session, new SessionCommand.GiveUp(), clockMillis());
        end(session, reason);
    }

    private void end(RouterSession session, String reason) {
        transaction.write(world.failures, new Wire.Failure(session.life.id(), false, reason));
        recovery.drop(session);
        running.remove(session.life.id());
        dispatcher.release(session.life.id());
    }

    // Members

    private void onBeat(Beat beat) {
        long now = clockMillis();
        if (beat.worker().equals(SELF)) {
            leases.echo(now);
            return;
        }
        members.addAll(leases.beat(beat, now));
        takeMembers();
    }

    private void takeMembers() {
        if (committing || members.isEmpty()) {
            return;
        }
        List<MemberEvent> events = List.copyOf(members);
        members.clear();
        long now = clockMillis();
        for (MemberEvent event : events) {
            world.trace(null, () -> "router: " + event);
            if (event instanceof MemberEvent.Lost || event instanceof MemberEvent.Restarted) {
                recovery.lost(event, now);
            }
        }
        recovery.retry(now);
        drain(now);
    }

    private void onAllocation(Allocation allocation) {
        if (!AllocationVerifier.verify(allocation).isEmpty()) {
            return;
        }
        world.judge().arrived(allocation.epoch());
        boolean taken = dispatcher.accept(allocation);
        if (!taken && world.has(Mutation.STALE_EPOCH)) {
            dispatcher = new Dispatcher(World.MODEL, RoutingPolicy.SLUICE, HIGH_WATER);
            dispatcher.accept(allocation);
            running.values().forEach(s -> dispatcher.restore(s.life.id(), s.life.pipeline(), s.kvTokens()));
        }
        if (!committing) {
            drain(clockMillis());
            recovery.retry(clockMillis());
        }
    }

    // Time

    private void tick() {
        echo.send(new Beat(SELF, starts, Beat.State.ALIVE, 0, SimWorker.LEASE_MILLIS, name, ""), null);
        members.addAll(leases.tick(clockMillis()));
        if (committing) {
            return;
        }
        takeMembers();
        recovery.retry(clockMillis());
        if (!queue.isEmpty()) {
            drain(clockMillis());
        }
    }

    private void slowTick() {
        if (committing) {
            return;
        }
        long now = clockMillis();
        SessionCommand tick = new SessionCommand.Tick(SESSION_MS, RETENTION_MS);
        for (RouterSession session : List.copyOf(running.values())) {
            for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), tick, now)) {
                apply(session, event);
                end(session, "stalled");
            }
            if (running.containsKey(session.life.id()) && now - session.progressMs > SESSION_MS) {
                fail(session, "no token for too long");
            }
        }
        recovery.silent(now);
        drain(now);
    }

    // State

    private void keep(RouterSession session) {
        sessions.put(session.life.id(), session);
        dirty.add(session.life.id());
    }

    void change(RouterSession session, SessionCommand command, long now) {
        for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), command, now)) {
            apply(session, event);
        }
    }

    private void apply(RouterSession session, SessionEvent event) {
        int former = session.life.attempt();
        session.life = SessionMachine.apply(Optional.of(session.life), event).orElseThrow();
        dirty.add(session.life.id());
        SessionLife life = session.life;
        if (life.attempt() != former) {
            transaction.write(
                    world.sessions, new Wire.Session(life.id(), life.attempt(), life.epoch(), life.pipeline()));
        }
        world.trace(life.id(), () -> "router: " + event);
    }

    Iterable<RouterSession> running() {
        return List.copyOf(running.values());
    }

    Dispatcher dispatcher() {
        return dispatcher;
    }

    LeaseTable leases() {
        return leases;
    }

    Transaction transaction() {
        return transaction;
    }

    /** A record that never reached its topic: the transaction cannot commit. */
    void undelivered() {
        if (isAlive()) {
            crash();
        }
    }

    int waiting() {
        return queue.size();
    }

    int runningCount() {
        return running.size();
    }

    @Override
    void check() {
        if (!isAlive() || (++checks & 31) != 0) {
            return;
        }
        Map<WorkerId, Long> expected = new TreeMap<>();
        for (RouterSession session : running.values()) {
            for (Stage stage : session.life.pipeline().stages()) {
                expected.merge(stage.worker(), (long) session.kvTokens(), Long::sum);
            }
        }
        if (dispatcher.sessions() != running.size()) {
            world.judge()
                    .violation(
                            "KV reservations",
                            null,
                            "the router has " + dispatcher.sessions() + " reservations for " + running.size()
                                    + " sessions that run");
        }
        expected.forEach((worker, sum) -> {
            if (dispatcher.reserved(worker) != sum) {
                world.judge()
                        .violation(
                                "KV reservations",
                                null,
                                "the router has reserved " + dispatcher.reserved(worker) + " tokens on " + worker
                                        + ", its sessions need " + sum);
            }
        });
    }
}
