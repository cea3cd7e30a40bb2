package io.sluice.router;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.SessionCommand;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionCommand.Interrupt;
import io.sluice.core.routing.SessionCommand.Reassign;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.core.routing.SessionPhase;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.Token;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the sessions of one partition running: interrupts those that lost a stage, asks the core where and how they go
 * on, and tells their stages. A session that finds no pipeline stays interrupted and is tried again. Used by one task.
 *
 * <p>Numbers of attempts never repeat, though a crash can undo the record of one that workers have seen already: a
 * session that was taken up after a restart leaves a gap for as many attempts as an earlier life can have made.
 */
final class Recovery {
    /** Attempts in a row that may end without a token. */
    static final int FRUITLESS_MAX = 8;
    /** Reports in a row that the session itself cannot be computed. */
    static final int FAILURES_MAX = 2;

    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
    /** Beyond this a number cannot be of a session of this router; it also keeps attempts far from their type's end. */
    private static final int ATTEMPT_MAX = 1 << 30;

    private final SessionBook book;
    private final Outbox outbox;
    private final SharedDispatch dispatch;
    private final Membership members;
    private final SessionEnds ends;
    private final RouterMetrics metrics;
    private final SessionLosses losses;
    private final Map<String, SessionWatch> watches = new HashMap<>();
    private final Set<String> interrupted = new LinkedHashSet<>();
    private long seenVersion = -1;

    Recovery(SessionBook book, Outbox outbox, SharedDispatch dispatch, SessionEnds ends, RouterMetrics metrics) {
        this.book = book;
        this.outbox = outbox;
        this.dispatch = dispatch;
        this.members = dispatch.members();
        this.losses = new SessionLosses(book, members);
        this.ends = ends;
        this.metrics = metrics;
    }

    /** Takes up the sessions that the book holds after a restart. */
    void restored(long now) {
        for (StoredSession session : book.running()) {
            long seconds = Math.clamp((now - session.assignedMs()) / 1000, 0, ATTEMPT_MAX / FRUITLESS_MAX / 4);
            int floor = session.newestAttempt() + FRUITLESS_MAX * (1 + (int) seconds);
            SessionWatch watch = new SessionWatch(Math.min(floor, ATTEMPT_MAX), now);
            String id = session.life().id().value();
            watches.put(id, watch);
            if (session.life().phase() == SessionPhase.RECOVERING) {
                watch.interrupted("restart", "interrupted before a restart of the router", now);
                interrupted.add(id);
            }
        }
    }

    /** What is known of a running session. */
    SessionWatch watch(StoredSession session, long now) {
        return watches.computeIfAbsent(session.life().id().value(), id -> new SessionWatch(0, now));
    }

    /** Highest attempt of which workers may know. */
    int newestAttempt(StoredSession session) {
        SessionWatch watch = watches.get(session.life().id().value());
        return Math.max(session.newestAttempt(), watch == null ? 0 : watch.floor());
    }

    /** A token was accepted. */
    void token(StoredSession session, long now) {
        SessionWatch watch = watch(session, now);
        long tookMs = watch.token(now);
        if (tookMs >= 0) {
            metrics.resumed(watch.mode(), tookMs);
        }
    }

    /** The session is over. */
    void ended(StoredSession session) {
        watches.remove(session.life().id().value());
        interrupted.remove(session.life().id().value());
    }

    /** Whether any session waits for another attempt. */
    boolean anyInterrupted() {
        return !interrupted.isEmpty();
    }

    /** Looks for sessions whose workers are gone, or have started anew, once per change of the members. */
    void lookForLosses(long now) {
        long version = members.version();
        if (version == seenVersion) {
            return;
        }
        seenVersion = version;
        for (StoredSession session : new ArrayList<>(book.running())) {
            if (session.life().phase() != SessionPhase.ACTIVE) {
                continue;
            }
            StoredSession current = losses.adopt(session);
            Set<WorkerId> lost = new TreeSet<>(losses.gone(current.life().pipeline()));
            boolean restarted = lost.isEmpty();
            lost.addAll(losses.emptied(current, watch(current, now)));
            if (!lost.isEmpty()) {
                interrupt(current, restarted ? "restarted" : "lost", losses.describe(lost), now);
            }
        }
    }

    /**
     * Workers know an attempt that this router does not: a crash has undone its record. Its number is spent, and where
     * its stages stand is not known, so a higher one follows.
     */
    StoredSession overtaken(StoredSession session, int attempt, long now) {
        if (attempt <= session.newestAttempt() || attempt >= ATTEMPT_MAX) {
            return session;
        }
        StoredSession noted = session.with(session.notes().withSeen(attempt));
        book.putRunning(noted);
        interrupt(noted, "overtaken", "attempt " + attempt + " was begun before a restart of the router", now);
        return noted;
    }

    /** A stage cannot go on with the session's present attempt. */
    void report(StoredSession session, WorkerId worker, Trouble trouble, String message, long now) {
        SessionWatch watch = watch(session, now);
        if (trouble.losesState()) {
            watch.empty(worker);
        }
        if (trouble.avoidsWorker()) {
            watch.avoid(worker, now);
        }
        if (!trouble.logUsable()) {
            watch.logGone();
        }
        if (session.life().phase() != SessionPhase.ACTIVE) {
            return;
        }
        boolean ofTheSession = trouble == Trouble.COMPUTE_FAILED || trouble == Trouble.MALFORMED_INPUT;
        AttemptNotes notes = session.notes();
        int failures = progressed(session) ? 0 : notes.failures();
        StoredSession counted = session.with(notes.withCounts(notes.fruitless(), failures + (ofTheSession ? 1 : 0)));
        book.note(counted);
        boolean last = fruitless(counted) >= FRUITLESS_MAX || counted.notes().failures() >= FAILURES_MAX;
        if (last) {
            ErrorReason reason = trouble == Trouble.NO_CAPACITY ? ErrorReason.NO_CAPACITY : ErrorReason.WORKER_FAILED;
            giveUp(counted, reason, message, now);
        } else {
            String cause = trouble.name().toLowerCase(Locale.ROOT);
            // Caches are often lost together, and every stage reports its own: the next look knows them all.
            boolean later = trouble == Trouble.STATE_LOST;
            interrupt(counted, cause, worker + ": " + message, counted.notes().failures(), later, now);
        }
    }

    private static boolean progressed(StoredSession session) {
        return session.life().nextIndex() > session.tokensAtStart();
    }

    /** Attempts in a row without a token, with the present one where that has led to none. */
    private static int fruitless(StoredSession session) {
        return progressed(session) ? 0 : session.notes().fruitless() + 1;
    }

    /** Ends the session with an error. */
    private void giveUp(StoredSession session, ErrorReason reason, String message, long now) {
        for (SessionEvent event : decide(session, new GiveUp(), now)) {
            SessionLife life = next(session, event);
            ends.givenUp(session, life, reason, message, newestAttempt(session), now);
            ended(session);
        }
    }

    /** Interrupts a session and lets it go on at once where it can. */
    void interrupt(StoredSession session, String cause, String what, long now) {
        int failures = progressed(session) ? 0 : session.notes().failures();
        interrupt(session, cause, what, failures, false, now);
    }

    /** @param later whether it goes on with the next look only */
    private void interrupt(StoredSession session, String cause, String what, int failures, boolean later, long now) {
        for (SessionEvent event : decide(session, new Interrupt(session.life().attempt(), what), now)) {
            int fruitless = fruitless(session);
            if (fruitless >= FRUITLESS_MAX) {
                giveUp(
                        session,
                        ErrorReason.WORKER_FAILED,
                        fruitless + " attempts in a row led to no token, the last one on "
                                + session.life().pipeline().stages() + " ended: " + what,
                        now);
                return;
            }
            StoredSession stopped =
                    session.with(next(session, event)).with(session.notes().withCounts(fruitless, failures));
            watch(session, now).interrupted(cause, what, now);
            dispatch.promptOver(session.life().id());
            if (later || !reassign(stopped, now)) {
                book.putRunning(stopped);
                interrupted.add(session.life().id().value());
                LOG.warn(
                        "session interrupted id={} attempt={} tokens={} obstacle={}",
                        session.life().id(),
                        session.life().attempt(),
                        session.life().nextIndex(),
                        watch(session, now).obstacle());
            }
        }
    }

    /**
     * Moves a session that runs away from workers that leave; it is interrupted only where it has somewhere to go.
     *
     * @return false when there is no other pipeline now; then it runs on as it is
     */
    boolean move(StoredSession session, Set<WorkerId> leaving, String cause, String what, long now) {
        Pipeline old = session.life().pipeline();
        SessionWatch watch = watch(session, now);
        Set<WorkerId> avoid = losses.gone(old);
        avoid.addAll(leaving);
        avoid.addAll(watch.avoided(now));
        if (!(dispatch.reroute(session.request(), old, avoid) instanceof Routed routed)) {
            return false;
        }
        for (SessionEvent event : decide(session, new Interrupt(session.life().attempt(), what), now)) {
            AttemptNotes notes = progressed(session) ? session.notes().withCounts(0, 0) : session.notes();
            watch.interrupted(cause, what, now);
            dispatch.promptOver(session.life().id());
            send(session.with(next(session, event)).with(notes), routed, avoid, watch.logUsable(), now);
        }
        return true;
    }

    /** Tries every interrupted session again. */
    void retry(long now) {
        for (String id : new ArrayList<>(interrupted)) {
            Optional<StoredSession> session =
                    book.running(id).filter(s -> s.life().phase() == SessionPhase.RECOVERING);
            if (session.isEmpty() || reassign(session.get(), now)) {
                interrupted.remove(id);
            }
        }
    }

    /** Finds a pipeline for an interrupted session and sends it there; false when there is none. */
    private boolean reassign(StoredSession session, long now) {
        Pipeline old = session.life().pipeline();
        SessionWatch watch = watch(session, now);
        Set<WorkerId> emptied = losses.emptied(session, watch);
        Set<WorkerId> avoid = losses.gone(old);
        Set<WorkerId> lost = new TreeSet<>(emptied);
        lost.addAll(avoid);
        avoid.addAll(watch.avoided(now));
        for (Stage stage : old.stages()) {
            // One that must begin anew has to be fit for new sessions.
            if (emptied.contains(stage.worker())
                    && !dispatch.serves(session.request().model(), stage)) {
                avoid.add(stage.worker());
            }
        }
        Set<WorkerId> better = new TreeSet<>(avoid);
        better.addAll(losses.draining(old));
        Route route = dispatch.reroute(session.request(), old, better);
        if (route instanceof Blocked && better.size() > avoid.size()) {
            route = dispatch.reroute(session.request(), old, avoid);
        }
        return switch (route) {
            case Blocked blocked -> {
                watch.blocked(blocked.message());
                yield false;
            }
            case Routed routed -> {
                send(session, routed, lost, watch.logUsable(), now);
                yield true;
            }
        };
    }

    /**
     * Sends an interrupted session to the pipeline that was found for it.
     *
     * @param lost workers that have nothing of it any more
     */
    private void send(StoredSession session, Routed routed, Set<WorkerId> lost, boolean logUsable, long now) {
        RoutedRequest request = session.request();
        SessionLife life = session.life();
        SessionWatch watch = watch(session, now);
        List<Token> tokens = book.tokens(life.id());
        List<StepTrace> steps = tokens.stream().map(ResumeCodec::trace).toList();
        RecoveryPlan plan = RecoveryPlanner.plan(
                newestAttempt(session) + 1,
                watch.what(),
                life.assignments(),
                steps,
                request.promptIds().length,
                routed.pipeline(),
                lost,
                logUsable,
                dispatch.costs(request.model()));
        StoredSession running = session;
        Reassign reassign = new Reassign(plan.assignment(), routed.epoch(), plan.reason());
        for (SessionEvent event : decide(session, reassign, now)) {
            running = session.with(next(session, event))
                    .with(session.notes()
                            .withSeen(plan.assignment().attempt())
                            .withIncarnations(AttemptNotes.incarnations(routed.pipeline(), members)));
        }
        book.putRunning(running);
        outbox.session(RouterCodec.reassigned(request, running.life(), plan.reason(), now));
        tell(running, life.pipeline(), tokens, now);
        String mode = mode(plan.assignment(), tokens.size());
        watch.reassigned(mode, plan.seconds());
        metrics.recovered(mode, watch.cause());
        LOG.info(
                "session reassigned id={} attempt={} mode={} cause={} expectedMs={} pipeline={} reason={}",
                life.id(),
                plan.assignment().attempt(),
                mode,
                watch.cause(),
                Math.round(plan.seconds() * 1000),
                routed.pipeline().stages(),
                plan.reason());
    }

    private void tell(StoredSession session, Pipeline before, List<Token> tokens, long now) {
        SessionLife life = session.life();
        if (tokens.isEmpty()) {
            outbox.chunks(RouterCodec.prompt(session.request(), life, now));
        } else {
            List<Integer> ids = tokens.stream().map(Token::getTokenId).toList();
            RouterCodec.prepare(session.request(), life, ids, now).forEach(outbox::chunks);
            outbox.chunks(RouterCodec.resume(session.request(), life, ids, now));
        }
        Set<WorkerId> stay =
                life.pipeline().stages().stream().map(Stage::worker).collect(Collectors.toSet());
        for (Stage stage : before.stages()) {
            if (!stay.contains(stage.worker()) && dispatch.hasTopic(stage.worker())) {
                outbox.chunks(RouterCodec.drop(life.id(), life.attempt() - 1, stage, now));
            }
        }
    }

    /** How the session goes on, in one word. */
    private static String mode(Assignment assignment, int tokens) {
        if (tokens == 0) {
            return "restart";
        }
        Set<ResumeMode> modes =
                assignment.stages().stream().map(stage -> stage.mode()).collect(Collectors.toCollection(TreeSet::new));
        if (modes.contains(ResumeMode.REBUILD)) {
            return "rebuild";
        }
        return modes.contains(ResumeMode.KEEP) ? (modes.size() == 1 ? "keep" : "recompute") : "replay";
    }

    private static List<SessionEvent> decide(StoredSession session, SessionCommand command, long now) {
        return SessionMachine.decide(Optional.of(session.life()), command, now);
    }

    private static SessionLife next(StoredSession session, SessionEvent event) {
        return SessionMachine.apply(Optional.of(session.life()), event).orElseThrow();
    }
}
