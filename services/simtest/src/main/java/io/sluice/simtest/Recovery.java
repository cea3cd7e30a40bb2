package io.sluice.simtest;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.routing.AllocationCosts;
import io.sluice.core.routing.RecoveryDecision;
import io.sluice.core.routing.RecoveryDecision.GivenUp;
import io.sluice.core.routing.RecoveryDecision.GoesOn;
import io.sluice.core.routing.RecoveryDecision.Noted;
import io.sluice.core.routing.RecoveryDecision.Unchanged;
import io.sluice.core.routing.RecoveryDecision.Waits;
import io.sluice.core.routing.Rerouting;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.SessionPatience;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.routing.SessionRecovery;
import java.util.List;
import java.util.Set;

/**
 * Carries out what the core decides about sessions that lost a stage, as the live router's class of the same name does:
 * asks, keeps the answer, tells the stages.
 */
final class Recovery {
    private static final SessionPatience.Limits LIMITS =
            new SessionPatience.Limits(3_000, SimRouter.SESSION_MS, 8_000, 2_000);

    private final SimRouter router;
    private final RouterTask task;
    private final World world;
    private final SessionRecovery rules;
    private final SessionPatience patience;

    Recovery(SimRouter router, RouterTask task) {
        this.router = router;
        this.task = task;
        this.world = router.world;
        this.rules = new SessionRecovery(router.members());
        this.patience = new SessionPatience(LIMITS, router.members(), rules);
    }

    void lookForLosses(long now) {
        for (RouterSession session : task.running()) {
            carryOut(session, rules.lookForLoss(session.running(), session.watch, known(session), now));
        }
    }

    void overtaken(RouterSession session, int attempt, long now) {
        carryOut(session, rules.overtaken(session.running(), session.watch, known(session), attempt, now));
    }

    void report(RouterSession session, Wire.Report report, long now) {
        RecoveryDecision decision = rules.report(
                session.running(),
                session.watch,
                known(session),
                report.worker(),
                report.trouble(),
                report.trouble().name(),
                now);
        carryOut(session, decision);
    }

    /** Tries every interrupted session again. */
    void retry(long now) {
        for (RouterSession session : task.running()) {
            if (session.life.phase() == SessionPhase.RECOVERING) {
                carryOut(session, rules.retry(session.running(), session.watch, known(session), now));
            }
        }
    }

    /** Nudges silent sessions and moves those whose workers leave. */
    void look(long now) {
        if (patience.mayLook()) {
            for (RouterSession session : task.running()) {
                carryOut(session, patience.look(session.running(), session.watch, known(session), now));
            }
        }
    }

    /** Ends sessions that had no token for too long. */
    void endStalled(long now) {
        for (RouterSession session : task.running()) {
            patience.stalled(session.running(), session.watch, now).ifPresent(ended -> {
                task.change(session, ended);
                task.end(session, "stalled");
            });
        }
    }

    private void carryOut(RouterSession session, RecoveryDecision decision) {
        switch (decision) {
            case Unchanged unchanged -> {}
            case Noted noted -> {
                session.notes = noted.notes();
                task.touch(session);
            }
            case Waits waits -> {
                session.notes = waits.notes();
                task.change(session, waits.life());
                world.trace(session.life.id(), () -> "router: it waits, " + session.watch.obstacle());
            }
            case GoesOn next -> {
                world.judge().routed(session.life.id(), next.life().epoch(), router.name);
                session.notes = next.notes();
                task.change(session, next.life());
                world.trace(
                        session.life.id(),
                        () -> "router: attempt " + session.life.attempt() + " on " + session.stages() + ", "
                                + next.plan().reason());
                world.faults().recovered(next.plan().assignment());
                task.notices().send(session, next.notices());
            }
            case GivenUp over -> {
                world.trace(session.life.id(), () -> "router gives up: " + over.message());
                task.change(session, over.life());
                task.end(session, over.why().words());
            }
        }
    }

    private Rerouting known(RouterSession session) {
        return new Rerouting() {
            @Override
            public Route reroute(Set<WorkerId> avoid) {
                return router.dispatcher()
                        .reroute(
                                session.life.id(),
                                session.life.pipeline(),
                                session.work(),
                                session.kvTokens(),
                                Set.of(),
                                avoid,
                                router.members()::takesSessions);
            }

            @Override
            public boolean serves(Stage stage) {
                return router.dispatcher().serves(stage, router.members()::takesSessions);
            }

            @Override
            public List<StepTrace> steps() {
                return session.steps(world.has(Mutation.LOST_OFFSET_INDEX));
            }

            @Override
            public RecoveryCosts costs() {
                return router.dispatcher()
                        .allocation()
                        .<RecoveryCosts>map(AllocationCosts::new)
                        .orElse(RecoveryCosts.UNKNOWN);
            }
        };
    }
}
