package io.sluice.simtest;

import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.recovery.RecoveryCosts;
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
import java.util.HashMap;
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
    private static final long CARE_MICROS = 250_000;
    private static final long SLOW_TICK_MICROS = 1_000_000;
    private static final long COMMIT_MICROS = 100_000;
    private static final long TRANSACTION_MICROS = 10_000_000;
    private static final int QUEUE_LIMIT = 64;
    private static final double HIGH_WATER = 0.9;
    static final WorkerId SELF = new WorkerId("router");
    static final long DEADLINE_MS = 10_000;
    private static final long SESSION_MS = 25_000;
    private static final long RETENTION_MS = 600_000;

    private final Recovery recovery;
    private final Map<SessionId, RouterSession.Stored> committed = new LinkedHashMap<>();
    private final Set<SessionId> dirty = new LinkedHashSet<>();
    private final Map<SessionId, RouterSession> sessions = new LinkedHashMap<>();
    private final Map<SessionId, RouterSession> running = new LinkedHashMap<>();
    /** Attempts of waiting requests that are at work, though a crash has undone their record. */
    private final Map<SessionId, Integer> seen = new HashMap<>();

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
    private boolean membersChanged;
    private boolean cutOffBefore;
    private long connectedSinceMs;
    private RecoveryCosts costs = RecoveryCosts.UNKNOWN;
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
        seen.clear();
        membersChanged = true;
        cutOffBefore = false;
        committing = false;
        long now = clockMillis();
        connectedSinceMs = now;
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
        every(CARE_MICROS, this::careTick);
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
            recovery.restored(session, now);
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
                world.trace(session.life.id(), () -> "router lets it wait behind others");
                return false;
            }
            Route route = dispatcher.route(
                    session.life.id(), session.work(), session.kvTokens(), Set.of(), leases::takesSessions);
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
        world.judge().routed(session.life.id(), routed.epoch());
        Integer known = seen.remove(session.life.id());
        int attempt = known == null ? 1 : known + 1;
        change(session, new SessionCommand.Assign(routed.pipeline(), routed.epoch(), attempt), now);
        session.progressMs = now;
        session.assignedMs = now;
        session.notes = session.notes.withIncarnations(recovery.incarnations(routed.pipeline()));
        running.put(session.life.id(), session);
        recovery.notices().prompt(session);
    }

    // Tokens

    private void onToken(Wire.Token token) {
        RouterSession session = running.get(token.session());
        if (session == null) {
            if (queue.contains(token.session())) {
                seen.merge(token.session(), token.attempt(), Math::max);
            }
            return;
        }
        long now = clockMillis();
        int attempt = token.attempt();
        if (world.has(Mutation.NO_FENCING)) {
            attempt = session.life.attempt();
        } else if (attempt > session.newestAttempt()) {
            recovery.overtaken(session, attempt, now);
            return;
        } else if (attempt < session.newestAttempt()) {
            return;
        }
        SessionCommand command = new SessionCommand.Receive(attempt, token.index(), token.last());
        for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), command, now)) {
            switch (event) {
                case SessionEvent.TokenAccepted accepted -> {
                    apply(session, event);
                    session.tokens.add(token);
                    session.gotToken(now);
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
        boolean whole = session.stages().stream().allMatch(stage -> leases.isAlive(stage.worker()));
        if (session.newestAttempt() > 1 || !whole) {
            recovery.notices().drop(session, recovery.newestAttempt(session));
        }
        running.remove(session.life.id());
        dispatcher.release(session.life.id());
        drain(clockMillis());
    }

    // Trouble

    private void onReport(Wire.Report report) {
        RouterSession session = running.get(report.session());
        if (session == null || report.incarnation() < leases.incarnation(report.worker())) {
            return;
        }
        world.trace(report.session(), () -> "router gets " + report);
        if (report.attempt() > session.newestAttempt()) {
            recovery.overtaken(session, report.attempt(), clockMillis());
        } else if (report.attempt() == session.newestAttempt() && report.attempt() == session.life.attempt()) {
            recovery.report(session, report, clockMillis());
        }
    }

    void fail(RouterSession session, String reason) {
        world.trace(session.life.id(), () -> "router gives up: " + reason);
        change(session, new SessionCommand.GiveUp(), clockMillis());
        end(session, reason);
    }

    private void end(RouterSession session, String reason) {
        transaction.write(world.failures, new Wire.Failure(session.life.id(), false, reason));
        recovery.notices().drop(session, recovery.newestAttempt(session));
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
        note(leases.beat(beat, now));
    }

    private void note(List<MemberEvent> events) {
        for (MemberEvent event : events) {
            membersChanged = true;
            world.trace(null, () -> "router: " + event);
        }
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
        costs = costs(dispatcher.allocation().orElse(allocation));
        if (!committing) {
            recovery.retry(clockMillis());
            drain(clockMillis());
        }
    }

    // Time

    private void tick() {
        echo.send(new Beat(SELF, starts, Beat.State.ALIVE, 0, SimWorker.LEASE_MILLIS, name, ""), null);
        long now = clockMillis();
        note(leases.tick(now));
        if (cutOffBefore && !leases.isCutOff()) {
            connectedSinceMs = now;
        }
        cutOffBefore = leases.isCutOff();
        if (committing) {
            return;
        }
        if (membersChanged) {
            membersChanged = false;
            recovery.lookForLosses(now);
        }
        recovery.retry(now);
        drain(now);
    }

    private void careTick() {
        if (!committing) {
            recovery.look(clockMillis());
        }
    }

    private void slowTick() {
        if (committing) {
            return;
        }
        long now = clockMillis();
        for (RouterSession session : List.copyOf(running.values())) {
            long spent = Math.max(0, session.life.changedMs() - session.progressMs);
            SessionCommand tick = new SessionCommand.Tick(Math.max(0, SESSION_MS - spent), RETENTION_MS);
            for (SessionEvent event : SessionMachine.decide(Optional.of(session.life), tick, now)) {
                apply(session, event);
                end(session, "stalled");
            }
        }
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

    /** What is kept of it has changed. */
    void touch(RouterSession session) {
        dirty.add(session.life.id());
    }

    /** Compute by the allocation's capacities; what a link costs does not matter here. */
    private static RecoveryCosts costs(Allocation allocation) {
        Map<WorkerId, Double> speeds = new TreeMap<>();
        allocation.workers().forEach(flow -> speeds.put(flow.worker(), flow.capacity()));
        return new RecoveryCosts() {
            @Override
            public double computeSeconds(Stage stage, int tokens) {
                double speed = speeds.getOrDefault(stage.worker(), 0.0);
                return speed > 0 ? tokens / speed : 0;
            }

            @Override
            public double transferSeconds(WorkerId to, int tokens) {
                return tokens * 1e-5;
            }
        };
    }

    RecoveryCosts costs() {
        return costs;
    }

    long connectedSinceMs() {
        return connectedSinceMs;
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
