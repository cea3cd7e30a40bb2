package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Cause;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.SessionCommand.Assign;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionCommand.Receive;
import io.sluice.core.routing.SessionCommand.Submit;
import io.sluice.core.routing.SessionCommand.Tick;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionEvent.Duplicate;
import io.sluice.core.routing.SessionEvent.Finished;
import io.sluice.core.routing.SessionEvent.Stalled;
import io.sluice.core.routing.SessionEvent.TokenAccepted;
import io.sluice.core.routing.SessionEvent.TokenIgnored;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One partition of the router: records in, decisions of the core, records out. Requests and tokens of a session share
 * its key and so meet here. All state is in stores or rebuilt from them in {@link #init}.
 */
final class RouterProcessor implements Processor<byte[], byte[], byte[], Object> {
    /** How often the queue is tried and its deadlines are looked at. */
    static final Duration TICK = Duration.ofMillis(50);
    /** How often silent and long-ended sessions are looked for. */
    static final Duration SLOW_TICK = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(RouterProcessor.class);
    /** Most waiting or ended sessions that one tick removes. */
    private static final int PER_TICK = 500;

    private final RouterConfig config;
    private final int partitions;
    private final RouterTopology.Formats formats;
    private final SharedDispatch dispatch;
    private final RouterMetrics metrics;
    private final RequestChecker checker;
    private final ErrorIntake errors;

    private ProcessorContext<byte[], Object> context;
    private int partition;
    private SessionBook book;
    private SessionEnds ends;
    private AllocationIntake allocations;
    private Outbox outbox;
    private Rehoming rehoming;
    /** Why each waiting request waits, as of its last try. */
    private final Map<SessionId, String> obstacles = new HashMap<>();
    /** Per model, since when the oldest request waits that no later one may overtake. */
    private final Map<String, Long> heldBack = new HashMap<>();

    RouterProcessor(
            RouterConfig config,
            int partitions,
            RouterTopology.Formats formats,
            SharedDispatch dispatch,
            RouterMetrics metrics) {
        this.config = config;
        this.partitions = partitions;
        this.formats = formats;
        this.dispatch = dispatch;
        this.metrics = metrics;
        this.checker = new RequestChecker(config.models(), config.deadline());
        this.errors = new ErrorIntake(formats.errorsIn(), metrics);
    }

    @Override
    public void init(ProcessorContext<byte[], Object> processorContext) {
        context = processorContext;
        partition = context.taskId().partition();
        outbox = new Outbox(context, metrics);
        rehoming = new Rehoming(partition, partitions, outbox, metrics);
        book = new SessionBook(
                context.getStateStore(RouterTopology.SESSIONS_STORE),
                context.getStateStore(RouterTopology.TOKENS_STORE),
                formats.tokens(),
                config.queueLimit());
        ends = new SessionEnds(book, outbox, dispatch, metrics);
        allocations = new AllocationIntake(
                context.getStateStore(RouterTopology.ALLOCATIONS_GLOBAL_STORE),
                context.getStateStore(RouterTopology.ALLOCATIONS_STORE),
                formats.allocations(),
                partition);
        dispatch.join(partition);
        config.models().names().forEach(model -> allocations.restore(model, dispatch));
        book.restore(context.currentSystemTimeMs());
        book.running().forEach(session -> dispatch.restore(partition, session.request(), session.life()));
        tellWaiting();
        context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::tick);
        context.schedule(SLOW_TICK, PunctuationType.WALL_CLOCK_TIME, this::slowTick);
        LOG.info(
                "router task ready partition={} active={} waiting={}",
                partition,
                book.running().size(),
                book.queue().size());
    }

    @Override
    public void close() {
        dispatch.leave(partition);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        RecordMetadata at = context.recordMetadata().orElseThrow();
        Outbox.Origin origin = new Outbox.Origin(at.topic(), at.partition(), at.offset(), record.key(), record.value());
        try {
            if (at.topic().equals(Topics.ERRORS.name())) {
                onError(origin);
            } else if (record.value() == null) {
                outbox.deadLetter(origin, ErrorReason.MALFORMED_RECORD, "the record has no value");
            } else if (at.topic().equals(Topics.REQUESTS.name())) {
                onRequest(record, formats.requests().deserialize(at.topic(), record.value()), origin);
            } else {
                onToken(formats.tokens().deserialize(at.topic(), record.value()), record.value());
            }
        } catch (RecordFormatException e) {
            outbox.deadLetter(origin, e.reason(), e.getMessage());
        }
    }

    // Requests

    private void onRequest(Record<byte[], byte[]> record, InferenceRequest request, Outbox.Origin origin) {
        String key = record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
        RequestChecker.Result.Refused badId = RequestChecker.checkId(request, key);
        if (badId != null) {
            String id = RequestChecker.validId(request.getRequestId())
                    .map(SessionId::value)
                    .orElse(null);
            if (id == null) {
                outbox.deadLetter(origin, badId.reason(), badId.message());
            } else {
                outbox.refusal(id, origin, badId.reason(), badId.message());
            }
        } else if (rehoming.isMisplaced(record.key())) {
            rehoming.send(record, request, origin);
        } else {
            submit(record.timestamp(), request, origin);
        }
    }

    private void submit(long recordMs, InferenceRequest request, Outbox.Origin origin) {
        long now = context.currentSystemTimeMs();
        SessionId id = new SessionId(request.getRequestId());
        Optional<SessionLife> known = book.life(id);
        if (known.isPresent()) {
            List<SessionEvent> events = SessionMachine.decide(known, new Submit(id, 0), now);
            Duplicate duplicate = (Duplicate) events.getFirst();
            outbox.refusal(
                    id.value(),
                    origin,
                    ErrorReason.DUPLICATE_REQUEST,
                    "request_id '" + id + "' is in use by a session that is "
                            + duplicate.phase().name().toLowerCase(Locale.ROOT) + ", which goes on unchanged; choose a"
                            + " new id (an ended one is free again after "
                            + config.retention().toSeconds() + " s)");
            return;
        }
        switch (checker.check(request, recordMs, origin.offset(), now)) {
            case RequestChecker.Result.Refused refused -> refuse(request, origin, refused.reason(), refused.message());
            case RequestChecker.Result.Accepted accepted -> admit(accepted.request(), request, origin, now);
        }
    }

    private void refuse(InferenceRequest request, Outbox.Origin origin, ErrorReason reason, String message) {
        outbox.refusal(request.getRequestId(), origin, reason, message);
        outbox.session(RouterCodec.rejected(request.getRequestId(), request.getModel(), context.currentSystemTimeMs()));
    }

    private void admit(RoutedRequest request, InferenceRequest wire, Outbox.Origin origin, long now) {
        if (now > request.deadlineMs()) {
            refuse(
                    wire,
                    origin,
                    ErrorReason.DEADLINE_PASSED,
                    SessionEnds.late(request, now, "it arrived here too late"));
            return;
        }
        pollAllocations();
        Optional<SessionLife> life = Optional.empty();
        for (SessionEvent event : SessionMachine.decide(life, new Submit(request.id(), request.deadlineMs()), now)) {
            life = SessionMachine.apply(life, event);
        }
        StoredSession session = new StoredSession(request, life.orElseThrow(), 0);
        Route route = heldBack.containsKey(request.model())
                ? new Blocked(Cause.KV_BUSY, "older requests wait for the KV cache; send less load or add workers")
                : dispatch.route(partition, request, now);
        switch (route) {
            case Routed routed -> assign(session, routed, now);
            case Blocked blocked -> {
                if (!dispatch.mayWait()) {
                    refuse(
                            wire,
                            origin,
                            ErrorReason.QUEUE_FULL,
                            "the queue is full (" + dispatch.queued() + " requests wait; --queue " + config.queueLimit()
                                    + "): " + blocked.message());
                    return;
                }
                book.putWaiting(session);
                note(session, blocked);
                tellWaiting();
            }
        }
    }

    private void assign(StoredSession waiting, Routed routed, long now) {
        Optional<SessionLife> life = Optional.of(waiting.life());
        for (SessionEvent event : SessionMachine.decide(life, new Assign(routed.pipeline(), routed.epoch()), now)) {
            life = SessionMachine.apply(life, event);
        }
        RoutedRequest request = waiting.request();
        StoredSession session = new StoredSession(request, life.orElseThrow(), now);
        book.putRunning(session);
        obstacles.remove(request.id());
        outbox.session(RouterCodec.session(request, session.life(), SessionState.ASSIGNED, now));
        outbox.chunks(RouterCodec.prompt(request, session.life(), now));
        metrics.assigned(
                request, routed.pipeline().stages(), now - waiting.life().changedMs());
    }

    // Tokens

    private void onToken(Token token, byte[] bytes) {
        long now = context.currentSystemTimeMs();
        Optional<StoredSession> found = book.running(token.getRequestId());
        Receive command = new Receive(token.getAttempt(), token.getIndex(), token.getFinishReason() != null);
        StoredSession session = found.orElse(null);
        for (SessionEvent event : SessionMachine.decide(found.map(StoredSession::life), command, now)) {
            switch (event) {
                case TokenAccepted accepted -> {
                    session = session.with(next(session, event));
                    book.putToken(session, accepted.index(), bytes);
                    metrics.token("accepted");
                }
                case Finished finished -> {
                    ends.finished(session.with(next(session, event)), now);
                    drain(now);
                }
                case TokenIgnored ignored ->
                    metrics.token(ignored.reason().name().toLowerCase(Locale.ROOT));
                default -> throw new IllegalStateException("a token led to " + event);
            }
        }
    }

    private static SessionLife next(StoredSession session, SessionEvent event) {
        return SessionMachine.apply(Optional.of(session.life()), event).orElseThrow();
    }

    // Errors

    /** A worker could not go on and has told the client, so the session ends here without another word. */
    private void onError(Outbox.Origin origin) {
        ErrorRecord error = errors.ofWorker(origin.value(), origin).orElse(null);
        if (error == null) {
            return;
        }
        long now = context.currentSystemTimeMs();
        Optional<StoredSession> found = book.find(error.getRequestId());
        List<SessionEvent> events = SessionMachine.decide(found.map(StoredSession::life), new GiveUp(), now);
        if (events.isEmpty()) {
            errors.stray(origin, found.isEmpty() && rehoming.isMisplaced(origin.key()));
            return;
        }
        StoredSession session = found.orElseThrow();
        Optional<SessionLife> life = SessionMachine.apply(Optional.of(session.life()), events.getFirst());
        ends.givenUp(session, life, error, now);
        obstacles.remove(session.life().id());
        errors.used();
        drain(now);
    }

    // Time

    private void tick(long now) {
        pollAllocations();
        if (!book.queue().isEmpty()) {
            drain(now);
        }
    }

    private void pollAllocations() {
        boolean changed = false;
        for (String model : config.models().names()) {
            changed |= allocations.poll(model, dispatch, metrics, outbox);
        }
        if (changed) {
            drain(context.currentSystemTimeMs());
        }
    }

    private void expire(long now) {
        for (StoredSession session : book.queue().takeExpired(now, PER_TICK)) {
            String obstacle = Optional.ofNullable(
                            obstacles.remove(session.life().id()))
                    .orElse("requests before it waited too; send less load or add workers");
            ends.expired(session, obstacle, now);
        }
    }

    /** Tries every waiting request in order; per model none overtakes one that waits only for others to finish. */
    private void drain(long now) {
        expire(now);
        heldBack.clear();
        book.queue().drain(session -> {
            // More may have passed their deadline than one tick removes.
            if (now > session.life().deadlineMs()
                    || heldBack.containsKey(session.request().model())) {
                return false;
            }
            return switch (dispatch.route(
                    partition, session.request(), session.life().changedMs())) {
                case Routed routed -> {
                    assign(session, routed, now);
                    yield true;
                }
                case Blocked blocked -> {
                    note(session, blocked);
                    yield false;
                }
            };
        });
        tellWaiting();
    }

    private void note(StoredSession session, Blocked blocked) {
        obstacles.put(session.life().id(), blocked.message());
        if (blocked.cause().holdsBackOthers()) {
            heldBack.putIfAbsent(session.request().model(), session.life().changedMs());
        }
    }

    private void tellWaiting() {
        dispatch.waiting(partition, book.queue().size(), heldBack);
    }

    private void slowTick(long now) {
        Tick tick =
                new Tick(config.sessionTimeout().toMillis(), config.retention().toMillis());
        for (StoredSession session : new ArrayList<>(book.running())) {
            for (SessionEvent event : SessionMachine.decide(Optional.of(session.life()), tick, now)) {
                if (event instanceof Stalled stalled) {
                    ends.stalled(session, next(session, event), stalled, now);
                    drain(now);
                }
            }
        }
        for (int i = 0; i < PER_TICK && book.firstEnded().isPresent(); i++) {
            if (SessionMachine.decide(book.firstEnded(), tick, now).isEmpty()) {
                return;
            }
            book.forgetFirstEnded();
        }
    }
}
