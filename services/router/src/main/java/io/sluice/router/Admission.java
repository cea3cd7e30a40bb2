package io.sluice.router;

import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.FirstAttempts;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.SessionCommand.Assign;
import io.sluice.core.routing.SessionCommand.Submit;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionEvent.Duplicate;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.core.slo.SessionBudgets;
import io.sluice.records.ErrorReason;
import io.sluice.records.InferenceRequest;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * From a request to its first pipeline: refuses what cannot be served, lets wait what does not fit yet, and sends each
 * prompt to its first stage. Used by one task.
 */
final class Admission {
    /** Most waiting requests whose deadline has passed that one look removes. */
    private static final int PER_LOOK = 500;

    private final RouterConfig config;
    private final int partition;
    private final SessionBook book;
    private final SharedDispatch dispatch;
    private final SessionEnds ends;
    private final Outbox outbox;
    private final RouterMetrics metrics;
    private final RequestChecker checker;
    /** Why each waiting request waits, as of its last try. */
    private final Map<SessionId, Obstacle> obstacles = new HashMap<>();
    /** Per line, since when the oldest request waits that no later one may overtake. */
    private final Map<Line, Long> heldBack = new HashMap<>();
    /** Attempts of waiting requests that are at work, though a crash has undone their record. */
    private final FirstAttempts attempts = new FirstAttempts();

    /**
     * Why a request waits.
     *
     * @param tooMuchSinceMs since when it asks for more than there is; 0: it does not
     */
    private record Obstacle(String message, long tooMuchSinceMs) {}

    Admission(
            RouterConfig config,
            int partition,
            SessionBook book,
            SharedDispatch dispatch,
            SessionEnds ends,
            Outbox outbox,
            RouterMetrics metrics) {
        this.config = config;
        this.partition = partition;
        this.book = book;
        this.dispatch = dispatch;
        this.ends = ends;
        this.outbox = outbox;
        this.metrics = metrics;
        this.checker = new RequestChecker(config.models(), config.deadline());
    }

    /** Why the request cannot be taken under its id; empty: it can. */
    Optional<String> conflict(SessionId id, long now) {
        Optional<SessionLife> known = book.life(id);
        if (known.isEmpty()) {
            return Optional.empty();
        }
        List<SessionEvent> events = SessionMachine.decide(known, new Submit(id, 0), now);
        Duplicate duplicate = (Duplicate) events.getFirst();
        return Optional.of("request_id '" + id + "' is in use by a session that is "
                + duplicate.phase().name().toLowerCase(Locale.ROOT) + ", which goes on unchanged; choose a new id (an"
                + " ended one is free again after " + config.retention().toSeconds() + " s)");
    }

    /** Takes a request whose id is free. */
    void take(long recordMs, InferenceRequest request, Outbox.Origin origin, long now) {
        switch (checker.check(request, recordMs, origin.offset(), now)) {
            case RequestChecker.Result.Refused refused ->
                refuse(request, origin, refused.reason(), refused.message(), now);
            case RequestChecker.Result.Accepted accepted -> admit(accepted.request(), request, origin, now);
        }
    }

    private void refuse(InferenceRequest request, Outbox.Origin origin, ErrorReason reason, String message, long now) {
        outbox.refusal(request.getRequestId(), origin, reason, message);
        outbox.session(RouterCodec.rejected(request.getRequestId(), request.getModel(), now));
    }

    private void admit(RoutedRequest request, InferenceRequest wire, Outbox.Origin origin, long now) {
        if (now > request.deadlineMs()) {
            String late = SessionEnds.late(request, now, "it arrived here too late");
            refuse(wire, origin, ErrorReason.DEADLINE_PASSED, late, now);
            return;
        }
        Optional<SessionLife> life = Optional.empty();
        for (SessionEvent event : SessionMachine.decide(life, new Submit(request.id(), request.deadlineMs()), now)) {
            life = SessionMachine.apply(life, event);
        }
        if (!request.slo().isNone()) {
            metrics.slo(request.serviceClass(), "asked");
        }
        StoredSession session = new StoredSession(request, life.orElseThrow(), 0);
        Route route = isHeldBack(request) ? dispatch.behindOlder() : dispatch.route(partition, request, now, now);
        switch (route) {
            case Routed routed -> assign(session, routed, now);
            case Blocked blocked -> {
                if (!dispatch.mayWait(request.serviceClass())) {
                    String full = "the queue is full (" + dispatch.queued(request.serviceClass())
                            + " requests wait; --queue "
                            + config.queueLimit() + "): " + blocked.message();
                    refuse(wire, origin, ErrorReason.QUEUE_FULL, full, now);
                    return;
                }
                book.putWaiting(session);
                note(session, blocked, now);
                tellWaiting();
            }
        }
    }

    private void assign(StoredSession waiting, Routed routed, long now) {
        RoutedRequest request = waiting.request();
        Assign command = new Assign(routed.pipeline(), routed.epoch(), attempts.take(request.id()));
        Optional<SessionLife> life = Optional.of(waiting.life());
        for (SessionEvent event : SessionMachine.decide(life, command, now)) {
            life = SessionMachine.apply(life, event);
        }
        AttemptNotes notes =
                AttemptNotes.NONE.withIncarnations(AttemptNotes.incarnations(routed.pipeline(), dispatch.members()));
        StoredSession session = new StoredSession(request, life.orElseThrow(), now, notes);
        book.putRunning(session);
        obstacles.remove(request.id());
        SessionBudgets budgets = dispatch.budgets(request, session.life(), now);
        if (!budgets.attainable()) {
            metrics.slo(request.serviceClass(), "unattainable");
        }
        outbox.session(RouterCodec.assigned(request, session.life(), budgets, now));
        outbox.chunks(RouterCodec.prompt(request, session.life(), budgets, now));
        metrics.assigned(
                request, routed.pipeline().stages(), now - waiting.life().changedMs());
    }

    /** Workers know an attempt of a request that still waits here: its first pipeline will get a higher one. */
    void overtaken(SessionId id, int attempt) {
        if (book.queue().contains(id)) {
            attempts.seen(id, attempt);
        }
    }

    /**
     * Tries every waiting request, latency-critical ones first and each class in order; per model none overtakes one that
     * waits only for others to finish.
     */
    void drain(long now) {
        expire(now);
        heldBack.clear();
        book.queue().drain(session -> {
            // More may have passed their deadline than one look removes.
            if (now > session.life().deadlineMs() || isHeldBack(session.request())) {
                return false;
            }
            return switch (dispatch.route(
                    partition, session.request(), session.life().changedMs(), now)) {
                case Routed routed -> {
                    assign(session, routed, now);
                    yield true;
                }
                case Blocked blocked -> {
                    note(session, blocked, now);
                    yield endsUnservable(session, now);
                }
            };
        });
        tellWaiting();
    }

    private void expire(long now) {
        for (StoredSession session : book.queue().takeExpired(now, PER_LOOK)) {
            SessionId id = session.life().id();
            attempts.forget(id);
            String obstacle = Optional.ofNullable(obstacles.remove(id))
                    .map(Obstacle::message)
                    .orElse("requests before it waited too; send less load or add workers");
            ends.expired(session, obstacle, now);
        }
    }

    /** A request that waited has ended another way. */
    void forget(SessionId id) {
        attempts.forget(id);
        obstacles.remove(id);
    }

    /** Whether older requests of its line wait for others to finish, or any that go before its line. */
    private boolean isHeldBack(RoutedRequest request) {
        Line line = Line.of(request);
        return heldBack.containsKey(line) || heldBack.containsKey(line.before());
    }

    private void note(StoredSession session, Blocked blocked, long now) {
        obstacles.compute(session.life().id(), (id, before) -> {
            long since = before == null || before.tooMuchSinceMs == 0 ? now : before.tooMuchSinceMs;
            return new Obstacle(blocked.message(), blocked.cause().asksTooMuch() ? since : 0);
        });
        if (blocked.cause().holdsBackOthers()) {
            heldBack.putIfAbsent(Line.of(session.request()), session.life().changedMs());
        }
    }

    /**
     * Ends a request without a deadline that has asked for more than there is for as long as others would have waited:
     * nobody else would ever tell its client.
     */
    private boolean endsUnservable(StoredSession session, long now) {
        Obstacle obstacle = obstacles.get(session.life().id());
        long sinceMs = obstacle.tooMuchSinceMs;
        if (session.request().deadlineMs() != RoutedRequest.NO_DEADLINE
                || sinceMs == 0
                || now - sinceMs <= config.deadline().toMillis()) {
            return false;
        }
        forget(session.life().id());
        ends.neverRan(session, ErrorReason.NO_CAPACITY, obstacle.message, now);
        return true;
    }

    /** Tells the other tasks what waits here. */
    void tellWaiting() {
        Map<ServiceClass, Integer> counts = new EnumMap<>(ServiceClass.class);
        for (ServiceClass serviceClass : ServiceClass.values()) {
            counts.put(serviceClass, book.queue().size(serviceClass));
        }
        dispatch.waiting(partition, counts, heldBack);
    }
}
