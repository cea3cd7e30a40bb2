package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.ResumeMode;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What the router tells the stages of a session. */
final class Notices {
    private final SimRouter router;

    Notices(SimRouter router) {
        this.router = router;
    }

    /** The first attempt, or one from nothing. */
    void prompt(RouterSession session) {
        forward(session, 0, session.request.prompt(), setup(session));
    }

    /** An attempt that goes on where the former one ended; who is no longer used is told, too. */
    void resume(RouterSession session, Pipeline former) {
        Assignment now = session.life.assignments().getLast();
        SessionId id = session.life.id();
        if (session.tokens.isEmpty()) {
            prompt(session);
        } else {
            Wire.Setup setup = setup(session);
            List<Stage> stages = now.pipeline().stages();
            for (Stage stage : stages.subList(1, stages.size())) {
                say(stage.worker(), Wire.Chunk.word(id, now.attempt(), Wire.Kind.PREPARE, setup));
            }
            if (now.stages().getFirst().mode() == ResumeMode.KEEP) {
                forward(
                        session,
                        now.position(),
                        new int[] {session.tokens.getLast().id()},
                        setup);
            } else {
                forward(session, 0, allIds(session), setup);
            }
        }
        Set<WorkerId> used = new HashSet<>();
        now.pipeline().stages().forEach(stage -> used.add(stage.worker()));
        for (Stage stage : former.stages()) {
            if (!used.contains(stage.worker())) {
                say(stage.worker(), Wire.Chunk.word(id, now.attempt() - 1, Wire.Kind.DROP, null));
            }
        }
    }

    /** Frees the session at all stages of its pipeline, whatever attempt they know. */
    void drop(RouterSession session, int newestAttempt) {
        for (Stage stage : session.stages()) {
            say(stage.worker(), Wire.Chunk.word(session.life.id(), newestAttempt, Wire.Kind.DROP, null));
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
        int[] ids = Arrays.copyOf(prompt, prompt.length + session.tokens.size());
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
        int positions = session.request.prompt().length + session.request.maxTokens();
        return new Wire.Setup(
                now.pipeline(),
                session.request.prompt().length,
                session.request.maxTokens(),
                positions,
                session.request.seed(),
                resume);
    }
}
