package io.sluice.router;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.Notice;
import io.sluice.core.routing.RecoveryDecision;
import io.sluice.core.routing.RecoveryDecision.GivenUp;
import io.sluice.core.routing.RecoveryDecision.GoesOn;
import io.sluice.core.routing.RecoveryDecision.Noted;
import io.sluice.core.routing.RecoveryDecision.Unchanged;
import io.sluice.core.routing.RecoveryDecision.Waits;
import io.sluice.core.routing.Rerouting;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.routing.SessionRecovery;
import io.sluice.core.routing.SessionWatch;
import io.sluice.core.slo.SessionBudgets;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.Token;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the sessions of one partition running: asks the core ({@link SessionRecovery}) what becomes of those that lost
 * a stage, keeps the answer and tells their stages. A session that finds no pipeline stays interrupted and is tried
 * again. Used by one task.
 */
final class Recovery {
    /**
     * Stored tokens that may be read between two ticks, and one session more; at a loss of very many sessions the others
     * go on with the next ticks, so that tokens and requests are not held up meanwhile.
     */
    static final int TOKENS_PER_TICK = 4_000;

    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    private final SessionBook book;
    private final Outbox outbox;
    private final SharedDispatch dispatch;
    private final Membership members;
    private final SessionEnds ends;
    private final RouterMetrics metrics;
    private final SessionRecovery rules;
    private final Map<String, SessionWatch> watches = new HashMap<>();
    private final Set<String> interrupted = new LinkedHashSet<>();
    private final Rounds losses;
    private long seenVersion = -1;
    private int tokensRead;

    Recovery(SessionBook book, Outbox outbox, SharedDispatch dispatch, SessionEnds ends, RouterMetrics metrics) {
        this.book = book;
        this.outbox = outbox;
        this.dispatch = dispatch;
        this.members = dispatch.members();
        this.rules = new SessionRecovery(members);
        this.losses = new Rounds(book);
        this.ends = ends;
        this.metrics = metrics;
    }

    /** What decides. */
    SessionRecovery rules() {
        return rules;
    }

    /** Takes up the sessions that the book holds after a restart. */
    void restored(long now) {
        for (StoredSession session : book.running()) {
            String id = session.life().id().value();
            watches.put(id, SessionRecovery.restored(session.running(), session.assignedMs(), now));
            if (session.life().phase() == SessionPhase.RECOVERING) {
                interrupted.add(id);
            }
        }
    }

    /** What is known of a running session. */
    SessionWatch watch(StoredSession session, long now) {
        return watches.computeIfAbsent(session.life().id().value(), id -> new SessionWatch(0, now));
    }

    /** Highest attempt of which workers may know. */
    int newestAttempt(StoredSession session, long now) {
        return SessionRecovery.newestAttempt(session.running(), watch(session, now));
    }

    /** A token was accepted. */
    void token(StoredSession session, long now) {
        SessionWatch watch = watch(session, now);
        long tookMs = watch.token(now);
        if (tookMs >= 0) {
            metrics.resumed(watch.mode(), tookMs);
        }
    }

    /** The session is over. */
    void ended(StoredSession session) {
        watches.remove(session.life().id().value());
        interrupted.remove(session.life().id().value());
    }

    /** Whether any session waits for another attempt. */
    boolean anyInterrupted() {
        return !interrupted.isEmpty();
    }

    /** Time has passed: there is room for more work. */
    void tick() {
        tokensRead = 0;
    }

    /** Whether another session may be looked at before the next tick. */
    boolean hasTime() {
        return tokensRead < TOKENS_PER_TICK;
    }

    /** Looks for sessions whose workers are gone, or have started anew, once per change of the members. */
    void lookForLosses(long now) {
        long version = members.version();
        if (version != seenVersion) {
            seenVersion = version;
            losses.begin();
        }
        losses.goOn(
                this::hasTime,
                session -> carryOut(
                        session, now, (watch, known) -> rules.lookForLoss(session.running(), watch, known, now)));
    }

    /** Workers know an attempt that this router does not. */
    void overtaken(StoredSession session, int attempt, long now) {
        carryOut(session, now, (watch, known) -> rules.overtaken(session.running(), watch, known, attempt, now));
    }

    /** A stage cannot go on with the session's present attempt. */
    void report(StoredSession session, WorkerId worker, Trouble trouble, String message, long now) {
        carryOut(
                session,
                now,
                (watch, known) -> rules.report(session.running(), watch, known, worker, trouble, message, now));
    }

    /** Tries interrupted sessions again: latency-critical ones first, of each class those that have waited longest. */
    void retry(long now) {
        List<StoredSession> bestEffort = new ArrayList<>();
        for (String id : new ArrayList<>(interrupted)) {
            Optional<StoredSession> session =
                    book.running(id).filter(s -> s.life().phase() == SessionPhase.RECOVERING);
            if (session.isEmpty()) {
                interrupted.remove(id);
            } else if (session.get().request().isBestEffort()) {
                bestEffort.add(session.get());
            } else {
                retry(session.get(), now);
            }
        }
        bestEffort.forEach(session -> retry(session, now));
    }

    private void retry(StoredSession session, long now) {
        if (hasTime()) {
            carryOut(session, now, (watch, known) -> rules.retry(session.running(), watch, known, now));
        }
    }

    /** What asks the core. */
    @FunctionalInterface
    interface Question {
        RecoveryDecision ask(SessionWatch watch, Rerouting known);
    }

    /** Asks, keeps the answer and tells who must know. */
    void carryOut(StoredSession session, long now, Question question) {
        SessionWatch watch = watch(session, now);
        Known known = new Known(session);
        RecoveryDecision decision = question.ask(watch, known);
        tokensRead += known.tokensRead();
        switch (decision) {
            case Unchanged unchanged -> {}
            case Noted noted -> {
                if (noted.durable()) {
                    book.putRunning(session.with(noted.notes()));
                } else {
                    book.note(session.with(noted.notes()));
                }
            }
            case Waits waits -> {
                dispatch.promptOver(session.life().id());
                book.putRunning(session.with(waits.life()).with(waits.notes()));
                interrupted.add(session.life().id().value());
                LOG.warn(
                        "session interrupted id={} attempt={} tokens={} obstacle={}",
                        session.life().id(),
                        session.life().attempt(),
                        session.life().nextIndex(),
                        watch.obstacle());
            }
            case GoesOn next -> {
                dispatch.promptOver(session.life().id());
                interrupted.remove(session.life().id().value());
                send(session.with(next.life()).with(next.notes()), next, watch, known, now);
            }
            case GivenUp over -> {
                ErrorReason reason = over.why() == RecoveryDecision.Why.NO_CAPACITY
                        ? ErrorReason.NO_CAPACITY
                        : ErrorReason.WORKER_FAILED;
                ends.givenUp(session, over.life(), reason, over.message(), newestAttempt(session, now), now);
                ended(session);
            }
        }
    }

    private void send(StoredSession session, GoesOn next, SessionWatch watch, Known known, long now) {
        book.putRunning(session);
        SessionBudgets budgets = dispatch.budgets(session.request(), session.life(), now);
        outbox.session(RouterCodec.reassigned(
                session.request(), session.life(), budgets, next.plan().reason(), now));
        for (Notice notice : next.notices()) {
            tell(session, notice, budgets, known, now);
        }
        metrics.recovered(next.mode(), watch.cause());
        LOG.info(
                "session reassigned id={} attempt={} mode={} cause={} expectedMs={} pipeline={} reason={}",
                session.life().id(),
                session.life().attempt(),
                next.mode(),
                watch.cause(),
                Math.round(next.plan().seconds() * 1000),
                session.life().pipeline().stages(),
                next.plan().reason());
    }

    private void tell(StoredSession session, Notice notice, SessionBudgets budgets, Known known, long now) {
        switch (notice) {
            case Notice.Forward forward ->
                outbox.chunks(RouterCodec.forward(session, forward, known.ids(), budgets, now));
            case Notice.Prepare prepare ->
                outbox.chunks(RouterCodec.prepare(session, prepare, known.ids(), budgets, now));
            case Notice.Drop drop -> {
                if (dispatch.hasTopic(drop.stage().worker())) {
                    outbox.chunks(RouterCodec.drop(session.life().id(), drop, now));
                }
            }
        }
    }

    /** What the core may want to know of a session; its tokens are read once and only where they are needed. */
    private final class Known implements Rerouting {
        private final StoredSession session;
        private List<Token> tokens;

        private Known(StoredSession session) {
            this.session = session;
        }

        private List<Token> tokens() {
            if (tokens == null) {
                tokens = book.tokens(session.life().id());
            }
            return tokens;
        }

        private int tokensRead() {
            return tokens == null ? 0 : tokens.size();
        }

        private List<Integer> ids() {
            return tokens().stream().map(Token::getTokenId).toList();
        }

        @Override
        public Route reroute(Set<WorkerId> avoid) {
            return dispatch.reroute(session.request(), session.life().pipeline(), avoid);
        }

        @Override
        public boolean serves(Stage stage) {
            return dispatch.serves(session.request().model(), stage);
        }

        @Override
        public List<StepTrace> steps() {
            return tokens().stream().map(ResumeCodec::trace).toList();
        }

        @Override
        public RecoveryCosts costs() {
            return dispatch.costs(session.request().model());
        }
    }
}
