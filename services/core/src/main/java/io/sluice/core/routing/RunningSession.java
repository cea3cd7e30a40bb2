package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.StepTrace;
import java.util.List;
import java.util.Objects;

/**
 * A session with a pipeline, as decisions about its recovery see it. Immutable.
 *
 * @param promptTokens length of its prompt
 * @param maxTokens most tokens it may generate
 * @param serviceClass a best-effort session may stand still for as long as its devices are busy
 */
public record RunningSession(
        SessionLife life, AttemptNotes notes, int promptTokens, int maxTokens, ServiceClass serviceClass) {
    public RunningSession {
        Objects.requireNonNull(life, "life");
        Objects.requireNonNull(notes, "notes");
        Objects.requireNonNull(serviceClass, "serviceClass");
        if (life.pipeline() == null || promptTokens < 1) {
            throw new IllegalArgumentException("session " + life.id() + " is " + life.phase() + " with a prompt of "
                    + promptTokens + " tokens: only one with a pipeline and a prompt can run");
        }
    }

    /** A latency-critical one. */
    public RunningSession(SessionLife life, AttemptNotes notes, int promptTokens, int maxTokens) {
        this(life, notes, promptTokens, maxTokens, ServiceClass.LATENCY_CRITICAL);
    }

    /** How a token or report stands to the session's present attempt. */
    public enum Fate {
        /** It is of an attempt that was replaced. */
        STALE,
        /** It is of the present attempt. */
        PRESENT,
        /** It is of an attempt that this router does not know. */
        UNKNOWN
    }

    public RunningSession with(SessionLife newLife) {
        return new RunningSession(newLife, notes, promptTokens, maxTokens, serviceClass);
    }

    public RunningSession with(AttemptNotes newNotes) {
        return new RunningSession(life, newNotes, promptTokens, maxTokens, serviceClass);
    }

    public boolean isBestEffort() {
        return serviceClass == ServiceClass.BEST_EFFORT;
    }

    public Pipeline pipeline() {
        return life.pipeline();
    }

    /** Highest attempt on record. */
    public int newestAttempt() {
        return Math.max(life.attempt(), notes.seen());
    }

    /** Tokens that the session had when its attempt began. */
    public int tokensAtStart() {
        int position = life.assignments().getLast().position();
        return position == 0 ? 0 : position - promptTokens + 1;
    }

    /** Whether the present attempt has led to a token. */
    public boolean progressed() {
        return life.nextIndex() > tokensAtStart();
    }

    /** Attempts in a row without a token, with the present one where that has led to none. */
    public int fruitless() {
        return progressed() ? 0 : notes.fruitless() + 1;
    }

    /** What becomes of something that names an attempt. */
    public Fate fate(int attempt) {
        if (attempt > newestAttempt()) {
            return Fate.UNKNOWN;
        }
        return attempt == life.attempt() && attempt == newestAttempt() ? Fate.PRESENT : Fate.STALE;
    }

    /**
     * What becomes of a token. One that names the present attempt but came through other workers is of an attempt whose
     * record a crash has undone, and whose number was given once more: see {@link FirstAttempts}.
     *
     * @param hops workers that it came through; empty: not known
     */
    public Fate fate(int attempt, List<WorkerId> hops) {
        Fate fate = fate(attempt);
        boolean elsewhere = fate == Fate.PRESENT
                && !hops.isEmpty()
                && !hops.equals(pipeline().stages().stream().map(Stage::worker).toList());
        return elsewhere ? Fate.UNKNOWN : fate;
    }

    /** The workers of a step, in order. */
    public static List<WorkerId> workers(List<StepTrace.Hop> hops) {
        return hops.stream().map(StepTrace.Hop::worker).toList();
    }
}
