package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.planning.Allocation;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.SessionCommand;
import io.sluice.core.routing.SessionPhase;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The router's part in recovery, as the live class of the same name does it around the core: who has lost what, another
 * pipeline, another attempt; nudges for sessions that are silent, moves for those on workers that drain.
 */
final class Recovery {
    private static final int FRUITLESS_MAX = 8;
    private static final int FAILURES_MAX = 2;
    private static final int NUDGES = 2;
    private static final long STALL_MS = 3_000;
    private static final long PROMPT_MS = 8_000;

    private final SimRouter router;
    private final World world;
    private final Notices notices;

    Recovery(SimRouter router) {
        this.router = router;
        this.world = router.world;
        this.notices = new Notices(router);
    }

    Notices notices() {
        return notices;
    }

    /** Takes up a session after a restart: numbers that an earlier life can have used are left out. */
    void restored(RouterSession session, long now) {
        long seconds = Math.max(0, (now - session.assignedMs) / 1000);
        session.floor = (int) (session.newestAttempt() + FRUITLESS_MAX * (1 + seconds));
    }

    int newestAttempt(RouterSession session) {
        return Math.max(session.newestAttempt(), session.floor);
    }

    List<Long> incarnations(Pipeline pipeline) {
        return pipeline.stages().stream()
                .map(stage -> router.leases().incarnation(stage.worker()))
                .toList();
    }

    // Losses

    /** Looks for sessions whose workers are gone, or have started anew. */
    void lookForLosses(long now) {
        for (RouterSession session : router.running()) {
            if (session.life.phase() != SessionPhase.ACTIVE) {
                continue;
            }
            adopt(session);
            Set<WorkerId> lost = gone(session);
            lost.addAll(emptied(session));
            if (!lost.isEmpty()) {
                interrupt(session, "lost " + lost, now);
            }
        }
    }

    private void adopt(RouterSession session) {
        List<Long> known = new ArrayList<>();
        for (int i = 0; i < session.stages().size(); i++) {
            long before = session.notes.incarnations().get(i);
            known.add(
                    before == LeaseTable.UNKNOWN
                            ? router.leases()
                                    .incarnation(session.stages().get(i).worker())
                            : before);
        }
        session.notes = session.notes.withIncarnations(known);
    }

    private Set<WorkerId> gone(RouterSession session) {
        Set<WorkerId> gone = new TreeSet<>();
        for (Stage stage : session.stages()) {
            if (!router.leases().isAlive(stage.worker())) {
                gone.add(stage.worker());
            }
        }
        return gone;
    }

    private Set<WorkerId> emptied(RouterSession session) {
        Set<WorkerId> workers = new TreeSet<>();
        for (int i = 0; i < session.stages().size(); i++) {
            WorkerId worker = session.stages().get(i).worker();
            long before = session.notes.incarnations().get(i);
            long now = router.leases().incarnation(worker);
            boolean anew = before != LeaseTable.UNKNOWN && now != LeaseTable.UNKNOWN && now != before;
            if (anew || session.emptied.contains(worker)) {
                workers.add(worker);
            }
        }
        return workers;
    }

    /** Workers know an attempt that this router does not. */
    void overtaken(RouterSession session, int attempt, long now) {
        session.notes = session.notes.withSeen(attempt);
        router.touch(session);
        interrupt(session, "overtaken by attempt " + attempt, now);
    }

    /** A stage cannot go on. */
    void report(RouterSession session, Wire.Report report, long now) {
        Trouble trouble = report.trouble();
        if (trouble.losesState()) {
            session.emptied.add(report.worker());
        }
        if (trouble.avoidsWorker()) {
            session.avoid(report.worker(), now);
        }
        session.logUsable &= trouble.logUsable();
        if (session.life.phase() != SessionPhase.ACTIVE) {
            return;
        }
        boolean ofTheSession = trouble == Trouble.COMPUTE_FAILED || trouble == Trouble.MALFORMED_INPUT;
        int failures = (session.progressed() ? 0 : session.notes.failures()) + (ofTheSession ? 1 : 0);
        session.notes = session.notes.withCounts(session.notes.fruitless(), failures);
        router.touch(session);
        if (failures >= FAILURES_MAX) {
            router.fail(session, "cannot be computed");
        } else {
            interrupt(session, report.worker() + " reports " + trouble, failures, now);
        }
    }

    private void interrupt(RouterSession session, String what, long now) {
        interrupt(session, what, session.progressed() ? 0 : session.notes.failures(), now);
    }

    private void interrupt(RouterSession session, String what, int failures, long now) {
        if (session.life.phase() != SessionPhase.ACTIVE) {
            return;
        }
        int fruitless = session.progressed() ? 0 : session.notes.fruitless() + 1;
        if (fruitless >= FRUITLESS_MAX) {
            world.trace(session.life.id(), () -> "after " + what);
            router.fail(session, "no attempt leads to a token");
            return;
        }
        router.change(session, new SessionCommand.Interrupt(session.life.attempt(), what), now);
        session.notes = session.notes.withCounts(fruitless, failures);
        reassign(session, now);
    }

    // Where it goes on

    /** Tries every interrupted session again. */
    void retry(long now) {
        for (RouterSession session : router.running()) {
            if (session.life.phase() == SessionPhase.RECOVERING) {
                reassign(session, now);
            }
        }
    }

    private void reassign(RouterSession session, long now) {
        Set<WorkerId> emptied = emptied(session);
        Set<WorkerId> avoid = gone(session);
        Set<WorkerId> lost = new TreeSet<>(emptied);
        lost.addAll(avoid);
        avoid.addAll(session.avoided(now));
        for (Stage stage : session.stages()) {
            if (emptied.contains(stage.worker()) && !serves(stage)) {
                avoid.add(stage.worker());
            }
        }
        Set<WorkerId> better = new TreeSet<>(avoid);
        for (Stage stage : session.stages()) {
            if (router.leases().drainDeadlineMs(stage.worker()).isPresent()) {
                better.add(stage.worker());
            }
        }
        Route route = reroute(session, better);
        if (route instanceof Route.Blocked && better.size() > avoid.size()) {
            route = reroute(session, avoid);
        }
        if (route instanceof Route.Routed routed) {
            send(session, routed, lost, now);
        }
    }

    private boolean serves(Stage stage) {
        return router.leases().takesSessions(stage.worker())
                && router.dispatcher().allocation().stream()
                        .map(Allocation::workers)
                        .flatMap(List::stream)
                        .anyMatch(flow -> flow.worker().equals(stage.worker())
                                && flow.layers().first() <= stage.layers().first()
                                && flow.layers().end() >= stage.layers().end());
    }

    private Route reroute(RouterSession session, Set<WorkerId> avoid) {
        return router.dispatcher()
                .reroute(
                        session.life.id(),
                        session.life.pipeline(),
                        session.work(),
                        session.kvTokens(),
                        Set.of(),
                        avoid,
                        router.leases()::takesSessions);
    }

    private void send(RouterSession session, Route.Routed routed, Set<WorkerId> lost, long now) {
        world.judge().routed(session.life.id(), routed.epoch());
        Pipeline former = session.life.pipeline();
        RecoveryPlan plan = RecoveryPlanner.plan(
                newestAttempt(session) + 1,
                "trouble",
                session.life.assignments(),
                session.steps(world.has(Mutation.LOST_OFFSET_INDEX)),
                session.request.prompt().length,
                routed.pipeline(),
                lost,
                session.logUsable,
                router.costs());
        router.change(session, new SessionCommand.Reassign(plan.assignment(), routed.epoch(), plan.reason()), now);
        session.notes =
                session.notes.withSeen(plan.assignment().attempt()).withIncarnations(incarnations(routed.pipeline()));
        session.emptied.clear();
        world.faults().recovered(plan.assignment());
        notices.resume(session, former);
    }

    // Where nobody says anything

    /** Nudges silent sessions and moves those whose workers leave. */
    void look(long now) {
        if (router.leases().isCutOff()) {
            return;
        }
        for (RouterSession session : router.running()) {
            if (session.life.phase() == SessionPhase.ACTIVE && !leave(session, now)) {
                nudge(session, now);
            }
        }
    }

    private boolean leave(RouterSession session, long now) {
        Set<WorkerId> avoid = new TreeSet<>();
        for (Stage stage : session.stages()) {
            if (router.leases().drainDeadlineMs(stage.worker()).isPresent() && session.life.nextIndex() > 0) {
                avoid.add(stage.worker());
            }
        }
        if (avoid.isEmpty()) {
            return false;
        }
        avoid.addAll(gone(session));
        avoid.addAll(session.avoided(now));
        if (!(reroute(session, avoid) instanceof Route.Routed routed)) {
            return false;
        }
        if (session.progressed()) {
            session.notes = session.notes.withCounts(0, 0);
        }
        router.change(session, new SessionCommand.Interrupt(session.life.attempt(), "drain"), now);
        send(session, routed, avoid, now);
        return true;
    }

    private void nudge(RouterSession session, long now) {
        long silent = now - Math.max(session.life.changedMs(), router.connectedSinceMs());
        boolean begun = session.life.nextIndex() > 0;
        long patience =
                begun ? STALL_MS << Math.min(20, session.nudges) : session.nudges > 0 ? Long.MAX_VALUE : PROMPT_MS;
        if (silent <= patience) {
            return;
        }
        if (++session.nudges > NUDGES || !begun) {
            session.startAnew(now);
        }
        interrupt(session, "no token for " + silent + " ms", now);
    }
}
