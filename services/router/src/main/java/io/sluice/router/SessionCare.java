package io.sluice.router;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.SessionCommand.Tick;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionEvent.Stalled;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.core.routing.SessionPhase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Looks after the running sessions of one partition where nobody reports anything: those whose tokens stay away, those
 * on workers that drain, and those that are beyond help. Used by one task.
 */
final class SessionCare {
    /** A session is silent after this many times its usual time per token, if that is longer than the set time. */
    private static final double USUAL_TIMES = 20;
    /** The same for what its recovery was expected to take. */
    private static final double EXPECTED_TIMES = 3;
    /** No prompt is taken for lost before. */
    private static final double LEAST_PROMPT_MS = Duration.ofSeconds(30).toMillis();
    /** Nudges that lose nothing; then nothing that its workers hold is trusted. */
    private static final int NUDGES = 2;
    /** A session that would end this close to its worker's deadline is moved before. */
    private static final long DRAIN_MARGIN_MS = Duration.ofSeconds(2).toMillis();

    private final RouterConfig config;
    private final SessionBook book;
    private final SharedDispatch dispatch;
    private final Recovery recovery;
    private final SessionEnds ends;

    SessionCare(RouterConfig config, SessionBook book, SharedDispatch dispatch, Recovery recovery, SessionEnds ends) {
        this.config = config;
        this.book = book;
        this.dispatch = dispatch;
        this.recovery = recovery;
        this.ends = ends;
    }

    /** Nudges silent sessions and moves those whose workers leave. */
    void look(long now) {
        Membership members = dispatch.members();
        if (members.isCutOff()) {
            // What does not come may only not have been read.
            return;
        }
        for (StoredSession session : new ArrayList<>(book.running())) {
            if (session.life().phase() == SessionPhase.ACTIVE && !leave(session, now)) {
                nudge(session, now);
            }
        }
    }

    private boolean leave(StoredSession session, long now) {
        Set<WorkerId> leaving = new TreeSet<>();
        for (Stage stage : session.life().pipeline().stages()) {
            dispatch.members().drainDeadlineMs(stage.worker()).stream()
                    .filter(deadline -> mustLeave(session, deadline, now))
                    .forEach(deadline -> leaving.add(stage.worker()));
        }
        return !leaving.isEmpty()
                && recovery.move(
                        session,
                        leaving,
                        "drain",
                        leaving.stream().map(WorkerId::value).collect(Collectors.joining(", ")) + " drains",
                        now);
    }

    private boolean mustLeave(StoredSession session, long deadlineMs, long now) {
        boolean waits = session.life().nextIndex() == 0;
        if (deadlineMs == 0) {
            // It stays as long as it has sessions, and a prompt is cheaper to finish than to compute again.
            return !waits;
        }
        double usualMs = recovery.watch(session, now).usualMs();
        int left = session.request().maxTokens() - session.life().nextIndex();
        return usualMs == 0 || now + left * usualMs > deadlineMs - DRAIN_MARGIN_MS;
    }

    private void nudge(StoredSession session, long now) {
        SessionLife life = session.life();
        SessionWatch watch = recovery.watch(session, now);
        long silentMs = now - Math.max(life.changedMs(), dispatch.members().connectedSinceMs());
        if (silentMs <= patienceMs(session, watch)) {
            return;
        }
        String what = "no token for " + silentMs + " ms";
        if (watch.nudge() > NUDGES || life.nextIndex() == 0) {
            watch.startAnew(life.pipeline().stages().stream().map(Stage::worker).collect(Collectors.toSet()), now);
        }
        recovery.interrupt(session, "silent", what, now);
    }

    /** How long a session may be silent, milliseconds; each nudge that was in vain doubles it. */
    private double patienceMs(StoredSession session, SessionWatch watch) {
        if (session.life().nextIndex() == 0) {
            // Prompts may take long; one of them is sent once more in half of the time that it has.
            return watch.nudges() > 0
                    ? Double.POSITIVE_INFINITY
                    : Math.max(LEAST_PROMPT_MS, config.sessionTimeout().toMillis() / 2.0);
        }
        double least = Math.max(
                config.stall().toMillis(),
                Math.max(USUAL_TIMES * watch.usualMs(), EXPECTED_TIMES * watch.expectedMs()));
        return least * (1L << Math.min(20, watch.nudges()));
    }

    /** Ends sessions that had no token for too long, whatever was tried; returns whether there were any. */
    boolean endStalled(long now) {
        boolean any = false;
        for (StoredSession session : new ArrayList<>(book.running())) {
            SessionLife life = session.life();
            SessionWatch watch = recovery.watch(session, now);
            // The time-out counts from the last token, however often the session was interrupted since.
            long spentMs = Math.max(0, life.changedMs() - watch.progressMs());
            Tick tick = new Tick(
                    Math.max(0, config.sessionTimeout().toMillis() - spentMs),
                    config.retention().toMillis());
            List<SessionEvent> events = SessionMachine.decide(Optional.of(life), tick, now);
            for (SessionEvent event : events) {
                if (event instanceof Stalled) {
                    SessionLife ended =
                            SessionMachine.apply(Optional.of(life), event).orElseThrow();
                    ends.stalled(
                            session,
                            ended,
                            now - watch.progressMs(),
                            recovery.newestAttempt(session),
                            watch.obstacle(),
                            now);
                    recovery.ended(session);
                    any = true;
                }
            }
        }
        return any;
    }
}
