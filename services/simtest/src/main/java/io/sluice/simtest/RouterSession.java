package io.sluice.simtest;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.routing.SessionLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One session as the router holds it: what its stores keep (life, tokens, notes) and what a restart may forget (the
 * watch). The names are those of the live router. Mutable.
 */
final class RouterSession {
    private static final long AVOID_MS = 500;

    final Wire.Request request;
    SessionLife life;
    final List<Wire.Token> tokens;
    long assignedMs;
    Notes notes = Notes.NONE;

    // The watch

    int floor;
    final Set<WorkerId> emptied = new TreeSet<>();
    private final TreeMap<WorkerId, Long> avoidedUntilMs = new TreeMap<>();
    private int avoidances;
    boolean logUsable = true;
    int nudges;
    long progressMs;

    /**
     * What is remembered of its attempts.
     *
     * @param seen highest attempt seen at work
     * @param fruitless attempts in a row without a token
     * @param failures reports in a row that it cannot be computed
     * @param incarnations of the workers of its pipeline, by stage
     */
    record Notes(int seen, int fruitless, int failures, List<Long> incarnations) {
        static final Notes NONE = new Notes(0, 0, 0, List.of());

        Notes withSeen(int attempt) {
            return new Notes(Math.max(seen, attempt), fruitless, failures, incarnations);
        }

        Notes withCounts(int newFruitless, int newFailures) {
            return new Notes(seen, newFruitless, newFailures, incarnations);
        }

        Notes withIncarnations(List<Long> values) {
            return new Notes(seen, fruitless, failures, List.copyOf(values));
        }
    }

    /** What a transaction keeps of it. */
    record Stored(
            Wire.Request request, SessionLife life, List<Wire.Token> tokens, int count, long assignedMs, Notes notes) {
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
            RouterSession session = new RouterSession(request, now, new ArrayList<>(tokens.subList(0, count)));
            session.progressMs = nowMs;
            session.assignedMs = assignedMs;
            session.notes = notes;
            return session;
        }
    }

    RouterSession(Wire.Request request, SessionLife life, List<Wire.Token> tokens) {
        this.request = request;
        this.life = life;
        this.tokens = tokens;
    }

    Stored store() {
        return new Stored(request, life, tokens, tokens.size(), assignedMs, notes);
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

    /** Highest attempt on record. */
    int newestAttempt() {
        return Math.max(life.attempt(), notes.seen);
    }

    /** Whether the present attempt has led to a token. */
    boolean progressed() {
        int position = life.assignments().getLast().position();
        int atStart = position == 0 ? 0 : position - request.prompt().length + 1;
        return life.nextIndex() > atStart;
    }

    void avoid(WorkerId worker, long nowMs) {
        avoidedUntilMs.put(worker, nowMs + (AVOID_MS << Math.min(6, avoidances++)));
    }

    Set<WorkerId> avoided(long nowMs) {
        avoidedUntilMs.values().removeIf(until -> until <= nowMs);
        return avoidedUntilMs.keySet();
    }

    /** Nothing that its workers hold is trusted any more. */
    void startAnew(long nowMs) {
        for (Stage stage : stages()) {
            emptied.add(stage.worker());
            avoidedUntilMs.merge(stage.worker(), nowMs + 1, Math::max);
        }
        logUsable = false;
    }

    void gotToken(long nowMs) {
        progressMs = nowMs;
        logUsable = true;
        nudges = 0;
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
}
