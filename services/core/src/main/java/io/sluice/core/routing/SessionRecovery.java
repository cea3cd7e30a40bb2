package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Members;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.RecoveryDecision.GivenUp;
import io.sluice.core.routing.RecoveryDecision.GoesOn;
import io.sluice.core.routing.RecoveryDecision.Noted;
import io.sluice.core.routing.RecoveryDecision.Unchanged;
import io.sluice.core.routing.RecoveryDecision.Waits;
import io.sluice.core.routing.RecoveryDecision.Why;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionCommand.Interrupt;
import io.sluice.core.routing.SessionCommand.Reassign;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Decides when a running session is interrupted and how it goes on: at a loss, at a report of a stage, at anything of
 * an attempt that the router does not know; another pipeline, another attempt, waiting, or the end. The live router and
 * the simulated one both ask it and carry out what it says. Changes nothing but the {@link SessionWatch} it is given and,
 * through {@link Rerouting#reroute}, the session's reservation. Not thread-safe.
 *
 * <p>Numbers of attempts never repeat, though a crash can undo the record of one that workers have seen already: a
 * session that was taken up after a restart leaves a gap for as many attempts as an earlier life can have made; see
 * {@link FirstAttempts} for those that begin.
 */
public final class SessionRecovery {
    /** Attempts in a row that may end without a token. */
    public static final int FRUITLESS_MAX = 8;
    /** Reports in a row that the session itself cannot be computed. */
    public static final int FAILURES_MAX = 2;
    /** Beyond this a number cannot be of a session of this router; it also keeps attempts far from their type's end. */
    public static final int ATTEMPT_MAX = 1 << 30;

    private static final RecoveryDecision UNCHANGED = new Unchanged();

    private final Members members;
    private final SessionLosses losses;

    public SessionRecovery(Members members) {
        this.members = members;
        this.losses = new SessionLosses(members);
    }

    /**
     * Highest attempt that an earlier life of the router may have used without a record of it.
     *
     * @param newest on record
     * @param assignedMs when the session got its first pipeline
     */
    public static int floorAfterRestart(int newest, long assignedMs, long now) {
        long seconds = Math.clamp((now - assignedMs) / 1000, 0, ATTEMPT_MAX / FRUITLESS_MAX / 4);
        return Math.min(newest + FRUITLESS_MAX * (1 + (int) seconds), ATTEMPT_MAX);
    }

    /** Highest attempt of which workers may know. */
    public static int newestAttempt(RunningSession session, SessionWatch watch) {
        return Math.max(session.newestAttempt(), watch.floor());
    }

    /** A session was taken up after a restart of the router. */
    public static SessionWatch restored(RunningSession session, long assignedMs, long now) {
        SessionWatch watch = new SessionWatch(floorAfterRestart(session.newestAttempt(), assignedMs, now), now);
        if (session.life().phase() == SessionPhase.RECOVERING) {
            watch.interrupted("restart", "interrupted before a restart of the router", now);
        }
        return watch;
    }

    /** Something about the members has changed: looks whether the session's workers are gone, or have started anew. */
    public RecoveryDecision lookForLoss(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        if (session.life().phase() != SessionPhase.ACTIVE) {
            return UNCHANGED;
        }
        RunningSession current = session.with(losses.adopt(session));
        Set<WorkerId> lost = losses.gone(current.pipeline());
        boolean restarted = lost.isEmpty();
        lost.addAll(losses.emptied(current, watch));
        if (!lost.isEmpty()) {
            String cause = restarted ? "restarted" : "lost";
            return interrupt(current, watch, rerouting, cause, losses.describe(lost), now);
        }
        return current.notes().equals(session.notes()) ? UNCHANGED : new Noted(current.notes(), false);
    }

    /**
     * Workers know an attempt that this router does not: a crash has undone its record. Its number is spent, and where
     * its stages stand is not known, so a higher one follows.
     */
    public RecoveryDecision overtaken(
            RunningSession session, SessionWatch watch, Rerouting rerouting, int attempt, long now) {
        if (attempt < session.newestAttempt() || attempt >= ATTEMPT_MAX) {
            return UNCHANGED;
        }
        RunningSession noted = session.with(session.notes().withSeen(attempt));
        String what = "attempt " + attempt + " was begun before a restart of the router";
        RecoveryDecision decision = interrupt(noted, watch, rerouting, "overtaken", what, now);
        return decision instanceof Unchanged ? new Noted(noted.notes(), true) : decision;
    }

    /** A stage cannot go on with the session's present attempt. */
    public RecoveryDecision report(
            RunningSession session,
            SessionWatch watch,
            Rerouting rerouting,
            WorkerId worker,
            Trouble trouble,
            String message,
            long now) {
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
            return UNCHANGED;
        }
        boolean ofTheSession = trouble == Trouble.COMPUTE_FAILED || trouble == Trouble.MALFORMED_INPUT;
        int failures = (session.progressed() ? 0 : session.notes().failures()) + (ofTheSession ? 1 : 0);
        if (session.fruitless() >= FRUITLESS_MAX || failures >= FAILURES_MAX) {
            Why why = failures >= FAILURES_MAX ? Why.CANNOT_BE_COMPUTED : Why.FRUITLESS;
            return giveUp(session, trouble == Trouble.NO_CAPACITY ? Why.NO_CAPACITY : why, message, now);
        }
        // Caches are often lost together, and every stage reports its own: the next look knows them all.
        boolean later = trouble == Trouble.STATE_LOST;
        String cause = trouble.name().toLowerCase(Locale.ROOT);
        Cut cut = new Cut(cause, worker + ": " + message, session.fruitless(), failures, later);
        return interrupt(session, watch, rerouting, cut, now);
    }

    /**
     * Interrupts a session and lets it go on at once where it can. An attempt that ended before its first token, though
     * no stage complained, counts against a latency-critical session only: a best-effort one may have stood still.
     */
    RecoveryDecision interrupt(
            RunningSession session, SessionWatch watch, Rerouting rerouting, String cause, String what, long now) {
        int failures = session.progressed() ? 0 : session.notes().failures();
        int before = session.progressed() ? 0 : session.notes().fruitless();
        int fruitless = session.isBestEffort() ? before : session.fruitless();
        return interrupt(session, watch, rerouting, new Cut(cause, what, fruitless, failures, false), now);
    }

    /**
     * How an attempt is cut short.
     *
     * @param fruitless attempts in a row without a token, as they count now
     * @param failures reports in a row that it cannot be computed
     * @param later whether the session goes on with the next look only
     */
    private record Cut(String cause, String what, int fruitless, int failures, boolean later) {}

    private RecoveryDecision interrupt(
            RunningSession session, SessionWatch watch, Rerouting rerouting, Cut cut, long now) {
        Optional<SessionLife> stopped =
                after(session, new Interrupt(session.life().attempt(), cut.what()), now);
        if (stopped.isEmpty()) {
            return UNCHANGED;
        }
        if (cut.fruitless() >= FRUITLESS_MAX) {
            String message = cut.fruitless() + " attempts in a row led to no token, the last one on "
                    + session.pipeline().stages() + " ended: " + cut.what();
            return giveUp(session, Why.FRUITLESS, message, now);
        }
        watch.interrupted(cut.cause(), cut.what(), now);
        RunningSession interrupted =
                session.with(stopped.get()).with(session.notes().withCounts(cut.fruitless(), cut.failures()));
        Optional<GoesOn> next = cut.later() ? Optional.empty() : reassign(interrupted, watch, rerouting, now);
        return next.<RecoveryDecision>map(goesOn -> goesOn)
                .orElseGet(() -> new Waits(interrupted.life(), interrupted.notes()));
    }

    private static RecoveryDecision giveUp(RunningSession session, Why why, String message, long now) {
        return after(session, new GiveUp(), now)
                .<RecoveryDecision>map(life -> new GivenUp(life, why, message))
                .orElse(UNCHANGED);
    }

    /** Tries an interrupted session again. */
    public RecoveryDecision retry(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        if (session.life().phase() != SessionPhase.RECOVERING) {
            return UNCHANGED;
        }
        return reassign(session, watch, rerouting, now)
                .<RecoveryDecision>map(goesOn -> goesOn)
                .orElse(UNCHANGED);
    }

    /**
     * Moves a session that runs away from workers that leave; it is interrupted only where it has somewhere to go, else
     * it runs on as it is.
     */
    RecoveryDecision move(
            RunningSession session,
            SessionWatch watch,
            Rerouting rerouting,
            Set<WorkerId> leaving,
            String cause,
            String what,
            long now) {
        Set<WorkerId> avoid = losses.gone(session.pipeline());
        avoid.addAll(leaving);
        avoid.addAll(watch.avoided(now));
        if (!(rerouting.reroute(avoid) instanceof Routed routed)) {
            return UNCHANGED;
        }
        SessionLife stopped = after(session, new Interrupt(session.life().attempt(), what), now)
                .orElseThrow();
        AttemptNotes notes = session.progressed() ? session.notes().withCounts(0, 0) : session.notes();
        watch.interrupted(cause, what, now);
        return goOn(session.with(stopped).with(notes), watch, rerouting, routed, avoid, now);
    }

    /** Finds a pipeline for an interrupted session; empty when there is none. */
    private Optional<GoesOn> reassign(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        Pipeline old = session.pipeline();
        Set<WorkerId> emptied = losses.emptied(session, watch);
        Set<WorkerId> avoid = losses.gone(old);
        Set<WorkerId> lost = new TreeSet<>(emptied);
        lost.addAll(avoid);
        avoid.addAll(watch.avoided(now));
        for (Stage stage : old.stages()) {
            // One that must begin anew has to be fit for new sessions.
            if (emptied.contains(stage.worker()) && !rerouting.serves(stage)) {
                avoid.add(stage.worker());
            }
        }
        Set<WorkerId> better = new TreeSet<>(avoid);
        better.addAll(losses.draining(old));
        Route route = rerouting.reroute(better);
        if (route instanceof Blocked && better.size() > avoid.size()) {
            route = rerouting.reroute(avoid);
        }
        return switch (route) {
            case Blocked blocked -> {
                watch.blocked(blocked.message());
                yield Optional.empty();
            }
            case Routed routed -> Optional.of(goOn(session, watch, rerouting, routed, lost, now));
        };
    }

    /** @param lost workers that have nothing of it any more */
    private GoesOn goOn(
            RunningSession session,
            SessionWatch watch,
            Rerouting rerouting,
            Routed routed,
            Set<WorkerId> lost,
            long now) {
        List<StepTrace> steps = rerouting.steps();
        RecoveryPlan plan = RecoveryPlanner.plan(
                newestAttempt(session, watch) + 1,
                watch.what(),
                session.life().assignments(),
                steps,
                session.promptTokens(),
                routed.pipeline(),
                lost,
                watch.logUsable(),
                rerouting.costs());
        Reassign reassign = new Reassign(plan.assignment(), routed.epoch(), plan.reason());
        RunningSession running = session.with(after(session, reassign, now).orElseThrow())
                .with(session.notes()
                        .withSeen(plan.assignment().attempt())
                        .withIncarnations(AttemptNotes.incarnations(routed.pipeline(), members)));
        String mode = mode(plan.assignment(), steps.size());
        watch.reassigned(mode, plan.seconds());
        return new GoesOn(
                running.life(),
                running.notes(),
                plan,
                mode,
                Notice.ofAttempt(running, session.pipeline(), steps.size()));
    }

    /** How the session goes on, in one word. */
    private static String mode(Assignment assignment, int tokens) {
        if (tokens == 0) {
            return "restart";
        }
        Set<ResumeMode> modes = EnumSet.noneOf(ResumeMode.class);
        assignment.stages().forEach(stage -> modes.add(stage.mode()));
        if (modes.contains(ResumeMode.REBUILD)) {
            return "rebuild";
        }
        return modes.contains(ResumeMode.KEEP) ? (modes.size() == 1 ? "keep" : "recompute") : "replay";
    }

    /** The session's life after a command that leads to one event; empty when it leads to none. */
    static Optional<SessionLife> after(RunningSession session, SessionCommand command, long now) {
        Optional<SessionLife> life = Optional.of(session.life());
        List<SessionEvent> events = SessionMachine.decide(life, command, now);
        return events.isEmpty() ? Optional.empty() : SessionMachine.apply(life, events.getFirst());
    }
}
