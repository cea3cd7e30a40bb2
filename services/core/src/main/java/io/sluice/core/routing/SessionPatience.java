package io.sluice.core.routing;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Members;
import io.sluice.core.routing.RecoveryDecision.Unchanged;
import io.sluice.core.routing.SessionCommand.Tick;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Decides about running sessions where nobody reports anything: those whose tokens stay away, those on workers that
 * drain, and those that are beyond help. A best-effort session is never ended for its silence, which is what its devices'
 * limits may want for hours, and nudged only after as long as others are given at all, then after twice as long, and so on:
 * a record may be lost without anybody noticing, and a session that only stood still loses a step or, at last, a prefill.
 * Not thread-safe.
 */
public final class SessionPatience {
    /** A session is silent after this many times its usual time per token, if that is longer than the set time. */
    private static final double USUAL_TIMES = 20;
    /** The same for what its recovery was expected to take. */
    private static final double EXPECTED_TIMES = 3;
    /** Nudges that lose nothing; then nothing that its workers hold is trusted. */
    private static final int NUDGES = 2;

    private final Limits limits;
    private final Members members;
    private final SessionRecovery recovery;

    /**
     * How long it waits, milliseconds.
     *
     * @param stallMs least silence after which a session gets one step again
     * @param sessionMs after so long without a token a session ends
     * @param leastPromptMs no prompt is taken for lost before
     * @param drainMarginMs a session that would end this close to its worker's deadline is moved before
     */
    public record Limits(long stallMs, long sessionMs, long leastPromptMs, long drainMarginMs) {
        public Limits {
            if (stallMs < 1 || sessionMs < 1 || leastPromptMs < 1 || drainMarginMs < 0) {
                throw new IllegalArgumentException("times of " + stallMs + ", " + sessionMs + " and " + leastPromptMs
                        + " ms must be at least 1, the margin of " + drainMarginMs + " ms at least 0");
            }
        }
    }

    public SessionPatience(Limits limits, Members members, SessionRecovery recovery) {
        this.limits = Objects.requireNonNull(limits, "limits");
        this.members = Objects.requireNonNull(members, "members");
        this.recovery = Objects.requireNonNull(recovery, "recovery");
    }

    /** Whether looking makes sense: while the router is cut off, what does not come may only not have been read. */
    public boolean mayLook() {
        return !members.isCutOff();
    }

    /** Nudges the session if it is silent, or moves it if its workers leave. */
    public RecoveryDecision look(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        if (session.life().phase() != SessionPhase.ACTIVE) {
            return new Unchanged();
        }
        RecoveryDecision left = leave(session, watch, rerouting, now);
        return left instanceof Unchanged ? nudge(session, watch, rerouting, now) : left;
    }

    private RecoveryDecision leave(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        Set<WorkerId> leaving = new TreeSet<>();
        for (Stage stage : session.pipeline().stages()) {
            members.drainDeadlineMs(stage.worker()).stream()
                    .filter(deadline -> mustLeave(session, watch, deadline, now))
                    .forEach(deadline -> leaving.add(stage.worker()));
        }
        if (leaving.isEmpty()) {
            return new Unchanged();
        }
        String what = leaving.stream().map(WorkerId::value).collect(Collectors.joining(", ")) + " drains";
        return recovery.move(session, watch, rerouting, leaving, "drain", what, now);
    }

    private boolean mustLeave(RunningSession session, SessionWatch watch, long deadlineMs, long now) {
        boolean waits = session.life().nextIndex() == 0;
        if (deadlineMs == 0) {
            // It stays as long as it has sessions, and a prompt is cheaper to finish than to compute again; a
            // best-effort one may stand still and would hold the worker for as long.
            return !waits || session.isBestEffort();
        }
        double usualMs = watch.usualMs();
        int left = session.maxTokens() - session.life().nextIndex();
        return usualMs == 0 || now + left * usualMs > deadlineMs - limits.drainMarginMs();
    }

    private RecoveryDecision nudge(RunningSession session, SessionWatch watch, Rerouting rerouting, long now) {
        SessionLife life = session.life();
        long silentMs = now - Math.max(life.changedMs(), members.connectedSinceMs());
        if (silentMs <= patienceMs(session, watch)) {
            return new Unchanged();
        }
        if (watch.nudge() > NUDGES || life.nextIndex() == 0) {
            watch.startAnew(life.pipeline().stages().stream().map(Stage::worker).collect(Collectors.toSet()), now);
        }
        return recovery.interrupt(session, watch, rerouting, "silent", "no token for " + silentMs + " ms", now);
    }

    /** How long a session may be silent, milliseconds; each nudge that was in vain doubles it. */
    private double patienceMs(RunningSession session, SessionWatch watch) {
        if (session.life().nextIndex() == 0 && !session.isBestEffort()) {
            // Prompts may take long; one of them is sent once more in half of the time that it has.
            return watch.nudges() > 0
                    ? Double.POSITIVE_INFINITY
                    : Math.max(limits.leastPromptMs(), limits.sessionMs() / 2.0);
        }
        double least = Math.max(
                session.isBestEffort() ? limits.sessionMs() : limits.stallMs(),
                Math.max(USUAL_TIMES * watch.usualMs(), EXPECTED_TIMES * watch.expectedMs()));
        return least * (1L << Math.min(20, watch.nudges()));
    }

    /**
     * Whether the session had no token for too long, whatever was tried; the time-out counts from the last token,
     * however often it was interrupted since.
     *
     * @return its life as it ended; empty: it goes on
     */
    public Optional<SessionLife> stalled(RunningSession session, SessionWatch watch, long now) {
        if (session.isBestEffort()) {
            return Optional.empty();
        }
        long spentMs = Math.max(0, session.life().changedMs() - watch.progressMs());
        Tick tick = new Tick(Math.max(0, limits.sessionMs() - spentMs), Long.MAX_VALUE);
        return SessionRecovery.after(session, tick, now);
    }
}
