package io.sluice.simtest;

import io.sluice.core.Stage;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.routing.RunningSession;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionRecovery;
import io.sluice.core.routing.SessionWatch;
import java.util.ArrayList;
import java.util.List;

/**
 * One session as the router holds it: what its stores keep (life, tokens, notes) and what a restart may forget (the
 * watch). Mutable.
 */
final class RouterSession {
    final Wire.Request request;
    SessionLife life;
    final List<Wire.Token> tokens;
    long assignedMs;
    AttemptNotes notes = AttemptNotes.NONE;
    SessionWatch watch;

    /** What a transaction keeps of it. */
    record Stored(
            Wire.Request request,
            SessionLife life,
            List<Wire.Token> tokens,
            int count,
            long assignedMs,
            AttemptNotes notes) {
        RouterSession restore(long nowMs) {
            SessionLife now = life.pipeline() == null || life.phase().isOver()
                    ? life
                    : new SessionLife(
                            life.id(),
                            life.phase(),
                            life.attempt(),
                            life.epoch(),
                            life.pipeline(),
                            count,
                            nowMs,
                            life.deadlineMs(),
                            life.assignments());
            RouterSession session = new RouterSession(request, now, new ArrayList<>(tokens.subList(0, count)), nowMs);
            session.assignedMs = assignedMs;
            session.notes = notes;
            if (now.phase().isRunning()) {
                session.watch = SessionRecovery.restored(session.running(), assignedMs, nowMs);
            }
            return session;
        }
    }

    RouterSession(Wire.Request request, SessionLife life, List<Wire.Token> tokens, long nowMs) {
        this.request = request;
        this.life = life;
        this.tokens = tokens;
        this.watch = new SessionWatch(0, nowMs);
    }

    Stored store() {
        return new Stored(request, life, tokens, tokens.size(), assignedMs, notes);
    }

    /** What the core must know of it; only of one that runs. */
    RunningSession running() {
        return new RunningSession(life, notes, request.prompt().length, request.maxTokens(), request.serviceClass());
    }

    int newestAttempt() {
        return SessionRecovery.newestAttempt(running(), watch);
    }

    int kvTokens() {
        return KvReservation.roundUp(request.prompt().length + request.maxTokens());
    }

    long work() {
        return request.prompt().length + request.maxTokens();
    }

    List<Stage> stages() {
        return life.pipeline().stages();
    }

    /** Where the inputs of its tokens lie. */
    List<StepTrace> steps(boolean forgetful) {
        List<StepTrace> steps = new ArrayList<>(tokens.size());
        for (Wire.Token token : tokens) {
            steps.add(new StepTrace(token.attempt(), token.hops()));
        }
        if (forgetful && steps.size() > 1) {
            // As if the newest token had been kept without its offsets: the index ends too early.
            steps.set(steps.size() - 1, steps.get(steps.size() - 2));
        }
        return steps;
    }

    int[] tokenIds() {
        return tokens.stream().mapToInt(Wire.Token::id).toArray();
    }

    /** Of prompt and tokens, those from a position on. */
    int[] ids(int position, int count) {
        int[] prompt = request.prompt();
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            int at = position + i;
            ids[i] = at < prompt.length
                    ? prompt[at]
                    : tokens.get(at - prompt.length).id();
        }
        return ids;
    }
}
