package io.sluice.simtest;

import io.sluice.core.WorkerId;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.routing.SessionLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** One session as the router holds it: what its stores keep, and what it knows of losses. Mutable. */
final class RouterSession {
    final Wire.Request request;
    SessionLife life;
    final List<Wire.Token> tokens;
    /** Workers whose KV cache of the session is gone. */
    final Set<WorkerId> lost = new TreeSet<>();
    /** Workers that cannot serve it. */
    final Set<WorkerId> avoid = new TreeSet<>();

    boolean logUsable = true;
    /** When it got its last token or its first pipeline. */
    long progressMs;

    /** What a transaction keeps of it. */
    record Stored(Wire.Request request, SessionLife life, List<Wire.Token> tokens, int count) {
        RouterSession restore(long nowMs) {
            SessionLife former = life;
            SessionLife now = former.pipeline() == null || former.phase().isOver()
                    ? former
                    : new SessionLife(
                            former.id(),
                            former.phase(),
                            former.attempt(),
                            former.epoch(),
                            former.pipeline(),
                            count,
                            nowMs,
                            former.deadlineMs(),
                            former.assignments());
            RouterSession session = new RouterSession(request, now, new ArrayList<>(tokens.subList(0, count)));
            session.progressMs = nowMs;
            return session;
        }
    }

    RouterSession(Wire.Request request, SessionLife life, List<Wire.Token> tokens) {
        this.request = request;
        this.life = life;
        this.tokens = tokens;
    }

    Stored store() {
        return new Stored(request, life, tokens, tokens.size());
    }

    int kvTokens() {
        return KvReservation.roundUp(request.prompt().length + request.maxTokens());
    }

    long work() {
        return request.prompt().length + request.maxTokens();
    }

    boolean uses(WorkerId worker) {
        return life.pipeline() != null
                && life.pipeline().stages().stream()
                        .anyMatch(stage -> stage.worker().equals(worker));
    }

    /** Where the inputs of its tokens lie. */
    List<StepTrace> steps(boolean forgetful) {
        List<StepTrace> steps = new ArrayList<>(tokens.size());
        for (Wire.Token token : tokens) {
            steps.add(new StepTrace(token.attempt(), token.hops()));
        }
        if (forgetful && steps.size() > 1) {
            // As if the newest tokens had been kept without their offsets: the index ends too early.
            steps.set(steps.size() - 1, steps.get(steps.size() - 2));
        }
        return steps;
    }

    int[] tokenIds() {
        return tokens.stream().mapToInt(Wire.Token::id).toArray();
    }
}
