package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.core.recovery.RecoveryPlanner;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.SessionCommand;
import io.sluice.core.routing.SessionPhase;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The router's part in recovery: who has lost what, another pipeline, another attempt, and who is told. */
final class Recovery {
    /** Without a token for so long, a session is sent its way again. */
    private static final long SILENT_MS = 3_000;

    private final SimRouter router;
    private final World world;

    Recovery(SimRouter router) {
        this.router = router;
        this.world = router.world;
    }

    /** What a worker had in memory is gone. */
    void lost(MemberEvent event, long now) {
        for (RouterSession session : router.running()) {
            if (session.uses(event.worker())) {
                session.lost.add(event.worker());
                interrupt(session, event.toString(), now);
            }
        }
    }

    /** A stage cannot go on. */
    void trouble(RouterSession session, Wire.Report report, long now) {
        if (report.trouble().losesState()) {
            session.lost.add(report.worker());
        }
        if (report.trouble().avoidsWorker()) {
            session.avoid.add(report.worker());
        }
        session.logUsable &= report.trouble().logUsable();
        interrupt(session, report.toString(), now);
        recover(session, now);
    }

    private void interrupt(RouterSession session, String reason, long now) {
        router.change(session, new SessionCommand.Interrupt(session.life.attempt(), reason), now);
    }

    /** Looks at all sessions that wait for another attempt, or should leave a worker that drains. */
    void retry(long now) {
        for (RouterSession session : router.running()) {
            if (session.life.phase() == SessionPhase.RECOVERING) {
                recover(session, now);
            } else if (session.life.pipeline().stages().stream()
                    .anyMatch(stage ->
                            router.leases().drainDeadlineMs(stage.worker()).isPresent())) {
                recover(session, now);
            }
        }
    }

    /** Sessions that go on nowhere though nobody says why: a record may have been lost. */
    void silent(long now) {
        for (RouterSession session : router.running()) {
            if (session.life.phase() == SessionPhase.ACTIVE && now - session.life.changedMs() > SILENT_MS) {
                interrupt(session, "silent", now);
                recover(session, now);
            }
        }
    }

    private void recover(RouterSession session, long now) {
        Pipeline former = session.life.pipeline();
        Set<WorkerId> avoid = new TreeSet<>();
        for (Stage stage : former.stages()) {
            if (!router.leases().takesSessions(stage.worker()) || session.avoid.contains(stage.worker())) {
                avoid.add(stage.worker());
            }
        }
        Route route = router.dispatcher()
                .reroute(
                        session.life.id(),
                        former,
                        session.work(),
                        session.kvTokens(),
                        Set.of(),
                        avoid,
                        worker -> router.leases().takesSessions(worker) && !session.avoid.contains(worker));
        if (!(route instanceof Route.Routed routed)) {
            // Who could not serve it a while ago may now.
            session.avoid.clear();
            return;
        }
        world.judge().routed(session.life.id(), routed.epoch());
        if (session.life.phase() == SessionPhase.ACTIVE) {
            interrupt(session, "drain", now);
        }
        RecoveryPlan plan = RecoveryPlanner.plan(
                router.nextAttempt(session.life.attempt()),
                "trouble",
                session.life.assignments(),
                session.steps(world.has(Mutation.LOST_OFFSET_INDEX)),
                session.request.prompt().length,
                routed.pipeline(),
                session.lost,
                session.logUsable,
                RecoveryCosts.UNKNOWN);
        int formerAttempt = session.life.attempt();
        router.change(session, new SessionCommand.Reassign(plan.assignment(), routed.epoch(), plan.reason()), now);
        world.faults().recovered(plan.assignment());
        session.lost.clear();
        session.logUsable = true;
        send(session, former, formerAttempt);
    }

    // Who is told

    /** The first attempt. */
    void sendPrompt(RouterSession session) {
        forward(session, 0, session.request.prompt(), setup(session));
    }

    private void send(RouterSession session, Pipeline former, int formerAttempt) {
        Assignment now = session.life.assignments().getLast();
        Wire.Setup setup = setup(session);
        SessionId id = session.life.id();
        Set<WorkerId> used = new HashSet<>();
        now.pipeline().stages().forEach(stage -> used.add(stage.worker()));
        if (setup.resume() == null) {
            forward(session, 0, session.request.prompt(), setup);
        } else if (now.stages().getFirst().mode() == ResumeMode.KEEP) {
            forward(session, now.position(), new int[] {session.tokens.getLast().id()}, setup);
        } else {
            forward(session, 0, allIds(session), setup);
        }
        if (setup.resume() != null) {
            for (Stage stage :
                    now.pipeline().stages().subList(1, now.pipeline().stages().size())) {
                say(stage.worker(), Wire.Chunk.word(id, now.attempt(), Wire.Kind.PREPARE, setup));
            }
        }
        for (Stage stage : former.stages()) {
            if (!used.contains(stage.worker())) {
                say(stage.worker(), Wire.Chunk.word(id, formerAttempt, Wire.Kind.DROP, null));
            }
        }
    }

    /** Frees the session at all stages of its pipeline. */
    void drop(RouterSession session) {
        for (Stage stage : session.life.pipeline().stages()) {
            say(stage.worker(), Wire.Chunk.word(session.life.id(), session.life.attempt(), Wire.Kind.DROP, null));
        }
    }

    private void forward(RouterSession session, int position, int[] ids, Wire.Setup setup) {
        say(
                session.life.pipeline().first().worker(),
                Wire.Chunk.tokens(session.life.id(), session.life.attempt(), position, ids, true, setup));
    }

    private void say(WorkerId worker, Wire.Chunk chunk) {
        router.transaction().send(worker, chunk, router::undelivered);
    }

    private static int[] allIds(RouterSession session) {
        int[] prompt = session.request.prompt();
        int[] ids = java.util.Arrays.copyOf(prompt, prompt.length + session.tokens.size());
        for (int i = 0; i < session.tokens.size(); i++) {
            ids[prompt.length + i] = session.tokens.get(i).id();
        }
        return ids;
    }

    private static Wire.Setup setup(RouterSession session) {
        Assignment now = session.life.assignments().getLast();
        Wire.Resume resume = session.tokens.isEmpty()
                ? null
                : new Wire.Resume(now.position(), session.tokenIds(), List.copyOf(now.stages()));
        return new Wire.Setup(
                now.pipeline(),
                session.request.prompt().length,
                session.request.maxTokens(),
                session.request.prompt().length + session.request.maxTokens(),
                session.request.seed(),
                resume);
    }
}
