package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.RunningSession;
import io.sluice.core.routing.SessionCommand.Receive;
import io.sluice.core.routing.SessionCommand.Tick;
import io.sluice.core.routing.SessionEvent;
import io.sluice.core.routing.SessionEvent.Finished;
import io.sluice.core.routing.SessionEvent.TokenAccepted;
import io.sluice.core.routing.SessionEvent.TokenIgnored;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionMachine;
import io.sluice.messaging.ResumeCodec;
import io.sluice.records.ErrorReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Token;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One partition of the router: records in, decisions of the core, records out. Requests, tokens and reports of a session
 * share its key and so meet here. All state is in stores, or rebuilt from them in {@link #init}, or found out anew.
 */
final class RouterProcessor implements Processor<byte[], byte[], byte[], Object> {
    /** How often lost workers, interrupted sessions and the queue are looked at. */
    static final Duration TICK = Duration.ofMillis(20);
    /** How often silent and draining sessions are looked for. */
    static final Duration CARE_TICK = Duration.ofMillis(250);
    /** How often sessions are looked for that are beyond help, or ended long ago. */
    static final Duration SLOW_TICK = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(RouterProcessor.class);
    /** Most ended sessions that one tick removes. */
    private static final int PER_TICK = 500;
    /** How often waiting and interrupted sessions are tried though nothing is known to have changed. */
    private static final long RETRY_MS = 50;

    private final RouterConfig config;
    private final int partitions;
    private final RouterTopology.Formats formats;
    private final SharedDispatch dispatch;
    private final RouterMetrics metrics;

    private ProcessorContext<byte[], Object> context;
    private int partition;
    private SessionBook book;
    private SessionEnds ends;
    private AllocationIntake allocations;
    private Outbox outbox;
    private Rehoming rehoming;
    private Admission admission;
    private Recovery recovery;
    private SessionCare care;
    private ReportIntake reports;
    private Cancellation cancellation;
    private long triedMs;

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
        ends = new SessionEnds(book, outbox, dispatch);
        admission = new Admission(config, partition, book, dispatch, ends, outbox, metrics);
        recovery = new Recovery(book, outbox, dispatch, ends, metrics);
        care = new SessionCare(config, book, dispatch, recovery, ends);
        reports = new ReportIntake(book, recovery, dispatch.members(), rehoming, outbox, metrics);
        cancellation = new Cancellation(book, admission, recovery, ends, rehoming, outbox, metrics);
        allocations = new AllocationIntake(
                context.getStateStore(RouterTopology.ALLOCATIONS_GLOBAL_STORE),
                context.getStateStore(RouterTopology.ALLOCATIONS_STORE),
                formats.allocations(),
                partition);
        dispatch.join(partition);
        config.models().names().forEach(model -> allocations.restore(model, dispatch));
        long now = context.currentSystemTimeMs();
        book.restore(now);
        book.running().forEach(session -> dispatch.restore(partition, session.request(), session.life()));
        recovery.restored(now);
        admission.tellWaiting();
        context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::tick);
        context.schedule(CARE_TICK, PunctuationType.WALL_CLOCK_TIME, this::careTick);
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
            if (record.value() == null && at.topic().equals(Topics.REQUESTS.name())) {
                long now = context.currentSystemTimeMs();
                if (cancellation.take(record, origin, now)) {
                    admitMore(now);
                }
            } else if (record.value() == null) {
                outbox.deadLetter(origin, ErrorReason.MALFORMED_RECORD, "the record has no value");
            } else if (at.topic().equals(Topics.REQUESTS.name())) {
                onRequest(record, formats.requests().deserialize(at.topic(), record.value()), origin);
            } else if (at.topic().equals(Topics.REPORTS.name())) {
                long now = context.currentSystemTimeMs();
                int before = book.running().size();
                reports.take(formats.reports().deserialize(at.topic(), record.value()), origin, now);
                if (book.running().size() < before) {
                    admitMore(now);
                }
            } else {
                onToken(formats.tokens().deserialize(at.topic(), record.value()), record.value());
            }
        } catch (RecordFormatException e) {
            outbox.deadLetter(origin, e.reason(), e.getMessage());
        }
    }

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
            rehoming.send(record, request.getRequestId(), origin);
        } else {
            long now = context.currentSystemTimeMs();
            Optional<String> conflict = admission.conflict(new SessionId(request.getRequestId()), now);
            if (conflict.isPresent()) {
                outbox.refusal(request.getRequestId(), origin, ErrorReason.DUPLICATE_REQUEST, conflict.get());
            } else {
                pollAllocations();
                admission.take(record.timestamp(), request, origin, now);
            }
        }
    }

    private void onToken(Token token, byte[] bytes) {
        long now = context.currentSystemTimeMs();
        StoredSession session = book.running(token.getRequestId()).orElse(null);
        if (session == null) {
            RequestChecker.validId(token.getRequestId()).ifPresent(id -> admission.overtaken(id, token.getAttempt()));
            metrics.token("stale_attempt");
            return;
        }
        List<WorkerId> hops = RunningSession.workers(ResumeCodec.trace(token).hops());
        switch (session.running().fate(token.getAttempt(), hops)) {
            case UNKNOWN -> {
                recovery.overtaken(session, token.getAttempt(), now);
                metrics.token("overtaken");
                return;
            }
            case STALE -> {
                // Readers of the tokens topic have dropped it, too.
                metrics.token("stale_attempt");
                return;
            }
            case PRESENT -> {}
        }
        boolean room = false;
        Receive command = new Receive(token.getAttempt(), token.getIndex(), token.getFinishReason() != null);
        for (SessionEvent event : SessionMachine.decide(Optional.of(session.life()), command, now)) {
            switch (event) {
                case TokenAccepted accepted -> {
                    session = session.with(next(session, event));
                    book.putToken(session, accepted.index(), bytes);
                    recovery.token(session, now);
                    dispatch.budgets().seen(token);
                    metrics.token("accepted");
                    room = accepted.index() == 0
                            && dispatch.firstToken(session.life().id(), now);
                }
                case Finished finished -> {
                    session = session.with(next(session, event));
                    ends.finished(session, recovery.newestAttempt(session, now), now);
                    recovery.ended(session);
                    room = true;
                }
                case TokenIgnored ignored ->
                    metrics.token(ignored.reason().name().toLowerCase(Locale.ROOT));
                default -> throw new IllegalStateException("a token led to " + event);
            }
        }
        if (room) {
            admitMore(now);
        }
    }

    private static SessionLife next(StoredSession session, SessionEvent event) {
        return SessionMachine.apply(Optional.of(session.life()), event).orElseThrow();
    }

    // Time

    private void tick(long now) {
        dispatch.members().tick(now);
        recovery.tick();
        pollAllocations();
        recovery.lookForLosses(now);
        int before = book.running().size();
        care.goOn(now);
        if (book.running().size() < before) {
            admitMore(now);
        }
        if (now - triedMs >= RETRY_MS) {
            admitMore(now);
        }
    }

    /** Room may have come free: sessions that have begun go before those that wait. */
    private void admitMore(long now) {
        triedMs = now;
        if (recovery.anyInterrupted()) {
            recovery.retry(now);
        }
        admission.drain(now);
    }

    private void pollAllocations() {
        boolean changed = false;
        for (String model : config.models().names()) {
            changed |= allocations.poll(model, dispatch, metrics, outbox);
        }
        if (changed) {
            admitMore(context.currentSystemTimeMs());
        }
    }

    private void careTick(long now) {
        int before = book.running().size();
        care.look(now);
        if (book.running().size() < before) {
            admitMore(now);
        }
    }

    private void slowTick(long now) {
        if (care.endStalled(now)) {
            admitMore(now);
        }
        Tick tick =
                new Tick(config.sessionTimeout().toMillis(), config.retention().toMillis());
        for (int i = 0; i < PER_TICK && book.firstEnded().isPresent(); i++) {
            if (SessionMachine.decide(book.firstEnded(), tick, now).isEmpty()) {
                return;
            }
            book.forgetFirstEnded();
        }
    }
}
