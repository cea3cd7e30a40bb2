package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.routing.AllocationCosts;
import io.sluice.core.routing.Notice;
import io.sluice.core.slo.LinkTimes;
import io.sluice.core.slo.SessionBudgets;
import io.sluice.core.slo.Slo;
import io.sluice.core.slo.StageBudget;
import java.util.List;
import java.util.OptionalLong;

/** Puts what the core says the stages are told into records. */
final class Notices {
    private final SimRouter router;

    Notices(SimRouter router) {
        this.router = router;
    }

    /** Sends them in their order. */
    void send(RouterSession session, List<Notice> notices) {
        for (Notice notice : notices) {
            int attempt = session.life.attempt();
            WorkerId worker = notice.stage().worker();
            switch (notice) {
                case Notice.Forward forward ->
                    say(
                            worker,
                            Wire.Chunk.tokens(
                                    session.life.id(),
                                    attempt,
                                    forward.position(),
                                    session.ids(forward.position(), forward.count()),
                                    true,
                                    setup(session)));
                case Notice.Prepare prepare ->
                    say(worker, Wire.Chunk.word(session.life.id(), attempt, Wire.Kind.PREPARE, setup(session)));
                case Notice.Drop drop ->
                    say(worker, Wire.Chunk.word(session.life.id(), drop.attempt(), Wire.Kind.DROP, null));
            }
        }
    }

    /** As the live router divides objectives: by the plan, as nothing here says how long a hop took. */
    private List<StageBudget> budgets(RouterSession session, Pipeline pipeline) {
        boolean forgotten = router.world.has(Mutation.LOST_OBJECTIVES) && session.life.attempt() > 1;
        if (forgotten || session.request.serviceClass() == ServiceClass.BEST_EFFORT) {
            return List.of();
        }
        Slo slo = session.request.slo();
        RecoveryCosts costs = router.dispatcher()
                .allocation()
                .<RecoveryCosts>map(AllocationCosts::new)
                .orElse(RecoveryCosts.UNKNOWN);
        return SessionBudgets.of(
                        session.tokens.isEmpty() ? slo : new Slo(OptionalLong.empty(), slo.tpotMs()),
                        pipeline,
                        session.request.prompt().length,
                        0,
                        costs,
                        new LinkTimes(),
                        router.name)
                .stages();
    }

    private void say(WorkerId worker, Wire.Chunk chunk) {
        router.transaction().send(worker, chunk, router::undelivered);
    }

    private Wire.Setup setup(RouterSession session) {
        Assignment now = session.life.assignments().getLast();
        Wire.Resume resume = session.tokens.isEmpty()
                ? null
                : new Wire.Resume(now.position(), session.tokenIds(), List.copyOf(now.stages()));
        int positions = session.request.prompt().length + session.request.maxTokens();
        return new Wire.Setup(
                now.pipeline(),
                session.request.prompt().length,
                session.request.maxTokens(),
                positions,
                session.request.seed(),
                resume,
                session.request.serviceClass(),
                budgets(session, now.pipeline()));
    }
}
