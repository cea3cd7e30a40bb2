package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.stage.StageLedger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a worker's compute thread does: takes chunks as the ledger of the core allows, reserves KV cache, forms batches
 * with the scheduler of the core, runs them and sends the results on; rebuilds from the log. As thin as the live one
 * around the core, and to the same contract.
 */
final class SimStage {
    private static final int MAX_EARLY = 64;
    private static final int MAX_WAITING = 16;
    private static final int CHUNK_TOKENS = 8;
    private static final long WAIT_MICROS = 8_000_000;
    private static final long GAP_MICROS = 1_500_000;
    private static final long IDLE_MICROS = 20_000_000;
    private static final BatchLimits LIMITS = BatchLimits.adaptive(16, 32, 3, 64);

    private final SimWorker worker;
    private final World world;
    private final LayerRange held;
    private final int kvCapacity;
    private final StageLedger ledger = new StageLedger(512);
    private final Map<SessionId, StageSession> sessions = new LinkedHashMap<>();
    private final BatchScheduler<Work> scheduler = new BatchScheduler<>(LIMITS);
    private final ArrayDeque<StageSession> waiting = new ArrayDeque<>();
    private final ArrayDeque<Runnable> inbox = new ArrayDeque<>();
    private int reserved;
    private boolean computing;
    private int prefillTokens;
    private int decodeTokens;
    private int batches;
    private long busyMicros;

    /** A chunk and the record it came in; offset -1: it came in none. */
    record Inbound(Wire.Chunk chunk, long offset) {}

    /** @param fromLog read back: nothing is sampled or sent on */
    private record Work(StageSession session, Inbound inbound, boolean fromLog) {}

    SimStage(SimWorker worker, LayerRange held, int kvCapacity) {
        this.worker = worker;
        this.world = worker.world;
        this.held = held;
        this.kvCapacity = kvCapacity;
    }

    int sessions() {
        return sessions.size();
    }

    /** One that it holds; null: none. */
    SessionId anySession() {
        return sessions.isEmpty() ? null : sessions.keySet().iterator().next();
    }

    int reserved() {
        return reserved;
    }

    // From the outside

    void record(long offset, Wire.Activation activation) {
        soon(() -> activation.chunks().forEach(chunk -> accept(new Inbound(chunk, offset))));
    }

    /** Does something between two batches, as the compute thread does. */
    private void soon(Runnable action) {
        if (computing) {
            inbox.add(action);
        } else {
            action.run();
            start();
        }
    }

    void undelivered(SessionId id, int attempt) {
        soon(() -> {
            // A last token that could not be sent comes back after its session has ended here.
            if (attempt < ledger.newest(id)) {
                return;
            }
            StageSession session = sessions.get(id);
            if (session == null) {
                ledger.end(id, attempt);
                worker.report(id, attempt, Trouble.UNDELIVERED);
            } else {
                report(session, Trouble.UNDELIVERED);
            }
        });
    }

    void sweep() {
        soon(this::sweepNow);
    }

    // Chunks

    private void accept(Inbound inbound) {
        Wire.Chunk chunk = inbound.chunk();
        switch (chunk.kind()) {
            case RELEASE -> release(chunk);
            case DROP -> drop(chunk);
            case FORWARD, PREPARE -> take(inbound);
        }
    }

    private boolean isFenced(Wire.Chunk chunk) {
        return !world.has(Mutation.NO_FENCING) && ledger.isFenced(chunk.session(), chunk.attempt());
    }

    private void take(Inbound inbound) {
        Wire.Chunk chunk = inbound.chunk();
        if (isFenced(chunk)) {
            return;
        }
        StageSession session = sessions.get(chunk.session());
        if (session != null && session.attempt != chunk.attempt()) {
            if (session.attempt > chunk.attempt()) {
                unfenced(session, inbound);
                return;
            }
            scheduler.remove(session.id);
            waiting.remove(session);
            session.takeUp(chunk.attempt());
            admitWaiting();
        }
        if (session == null) {
            session = new StageSession(chunk.session(), chunk.attempt(), world.nowMicros());
            sessions.put(session.id, session);
        }
        world.judge().seen(worker, session.id, session.attempt);
        session.touchedMicros = world.nowMicros();
        StageLedger.Verdict verdict = ledger.offer(session.id, session.attempt, chunk.position());
        if (verdict == StageLedger.Verdict.FENCED) {
            // Only without the fence: the session ended here and is opened again.
            sessions.remove(session.id);
            return;
        }
        if (session.setup == null && chunk.setup() != null && !begin(session, chunk.setup())) {
            return;
        }
        if (chunk.kind() == Wire.Kind.FORWARD) {
            forward(session, inbound);
        }
    }

    /** Only where fencing is switched off: an old chunk is computed as if it were of the newest attempt. */
    private void unfenced(StageSession session, Inbound inbound) {
        if (session.setup != null
                && session.slot != null
                && inbound.chunk().enterLayer() == session.layers().first()) {
            Wire.Chunk chunk = inbound.chunk();
            if (chunk.kind() == Wire.Kind.FORWARD) {
                schedule(session, inbound);
            }
        }
    }

    /** Takes up an attempt's set-up; false when the session has ended over it. */
    private boolean begin(StageSession session, Wire.Setup setup) {
        session.setup = setup;
        session.index =
                setup.pipeline().stages().stream().map(Stage::worker).toList().indexOf(worker.id());
        if (session.index < 0) {
            end(session, Trouble.MALFORMED_INPUT);
            return false;
        }
        LayerRange layers = session.layers();
        KvCache slot = session.slot;
        boolean same = slot != null && slot.firstLayer() == layers.first() && slot.layers() == layers.size();
        if (layers.first() < held.first() || layers.end() > held.end()) {
            end(session, Trouble.LAYERS_NOT_HELD);
            return false;
        }
        StageLedger.Opening opening =
                ledger.begin(session.id, session.attempt, session.resume(), same ? slot.length() : -1);
        world.trace(
                session.id,
                () -> worker.name + " begins attempt " + session.attempt + ": "
                        + session.resume().mode() + " from " + session.resume().start() + ", " + opening);
        switch (opening) {
            case KEPT -> slot.truncate(session.resume().start());
            case STATE_LOST -> {
                end(session, Trouble.STATE_LOST);
                return false;
            }
            case EMPTY -> {
                free(session);
                session.rebuilding = session.rebuilds();
                if (session.rebuilding) {
                    reserve(session);
                }
            }
        }
        return sessions.get(session.id) == session;
    }

    private void forward(StageSession session, Inbound inbound) {
        int position = inbound.chunk().position();
        if (session.setup != null && !session.rebuilding && position < ledger.expected(session.id)) {
            return;
        }
        world.trace(
                session.id,
                () -> worker.instance() + " gets offset " + inbound.offset() + ": attempt " + session.attempt
                        + " positions [" + position + ", " + inbound.chunk().end() + ")");
        session.lastOffset = Math.max(session.lastOffset, inbound.offset());
        if (session.firstOffset < 0 || (inbound.offset() >= 0 && inbound.offset() < session.firstOffset)) {
            session.firstOffset = inbound.offset();
        }
        if (session.setup == null || session.rebuilding || position > ledger.expected(session.id)) {
            if (session.early.isEmpty()) {
                session.waitingSinceMicros = world.nowMicros();
            }
            session.early.putIfAbsent(position, inbound);
            if (session.early.size() > MAX_EARLY) {
                missing(session);
            }
            return;
        }
        next(session, inbound);
        early(session);
    }

    private void early(StageSession session) {
        while (!session.rebuilding
                && !session.early.isEmpty()
                && session.setup != null
                && session.early.firstKey() <= ledger.expected(session.id)
                && sessions.get(session.id) == session) {
            Inbound next = session.early.pollFirstEntry().getValue();
            if (next.chunk().position() == ledger.expected(session.id)) {
                next(session, next);
                session.waitingSinceMicros = world.nowMicros();
            }
        }
    }

    private void next(StageSession session, Inbound inbound) {
        Wire.Chunk chunk = inbound.chunk();
        if (chunk.enterLayer() != session.layers().first() || chunk.end() > reservation(session)) {
            end(session, Trouble.MALFORMED_INPUT);
            return;
        }
        ledger.taken(session.id, chunk.end());
        session.reported = false;
        if (session.slot == null) {
            session.parked.add(inbound);
            if (!session.wantsSlot) {
                reserve(session);
            }
            return;
        }
        schedule(session, inbound);
    }

    private void schedule(StageSession session, Inbound inbound) {
        Wire.Chunk chunk = inbound.chunk();
        if (chunk.count() == 1 && chunk.position() >= session.setup.promptTokens()) {
            scheduler.addDecode(session.id, new Work(session, inbound, false));
            return;
        }
        for (int from = 0; from < chunk.count(); from += CHUNK_TOKENS) {
            int to = Math.min(from + CHUNK_TOKENS, chunk.count());
            scheduler.addPrefill(
                    session.id,
                    to - from,
                    new Work(session, new Inbound(slice(chunk, from, to), inbound.offset()), false));
        }
    }

    private static Wire.Chunk slice(Wire.Chunk chunk, int from, int to) {
        return new Wire.Chunk(
                chunk.session(),
                chunk.attempt(),
                chunk.kind(),
                chunk.position() + from,
                to - from,
                chunk.enterLayer(),
                chunk.tokens() == null ? null : Arrays.copyOfRange(chunk.tokens(), from, to),
                chunk.hidden() == null ? null : Arrays.copyOfRange(chunk.hidden(), from, to),
                chunk.samples() && to == chunk.count(),
                null,
                chunk.hops());
    }

    // KV cache

    private static int reservation(StageSession session) {
        return KvReservation.roundUp(session.setup.kvTokens());
    }

    private void reserve(StageSession session) {
        session.wantsSlot = true;
        if (reservation(session) > kvCapacity || waiting.size() >= MAX_WAITING) {
            end(session, Trouble.NO_CAPACITY);
        } else if (!waiting.isEmpty() || !tryReserve(session)) {
            session.waitingSinceMicros = world.nowMicros();
            waiting.add(session);
        }
    }

    private boolean tryReserve(StageSession session) {
        int tokens = reservation(session);
        if (reserved + tokens > kvCapacity) {
            return false;
        }
        reserved += tokens;
        LayerRange layers = session.layers();
        session.slot = new KvCache(layers.first(), layers.size(), tokens);
        session.wantsSlot = false;
        if (session.rebuilding) {
            readLog(session);
        }
        while (!session.parked.isEmpty()) {
            schedule(session, session.parked.poll());
        }
        return true;
    }

    private void free(StageSession session) {
        if (session.slot != null) {
            reserved -= session.slot.capacity();
            session.slot = null;
            admitWaiting();
        }
    }

    private void admitWaiting() {
        while (!waiting.isEmpty() && tryReserve(waiting.peek())) {
            waiting.poll();
        }
    }

    // The log

    /** A consumer of its own seeks, reads and stops; the compute thread gets what it has read. */
    private void readLog(StageSession session) {
        int attempt = session.attempt;
        long records =
                session.resume().log().stream().mapToLong(LogRange::records).sum();
        worker.after(
                2 * world.delayMicros() + 20 * records,
                () -> soon(() -> {
                    if (sessions.get(session.id) == session && session.attempt == attempt && session.rebuilding) {
                        rebuild(session);
                    }
                }));
    }

    private void rebuild(StageSession session) {
        if (worker.isCutOff()) {
            int attempt = session.attempt;
            worker.after(
                    200_000,
                    () -> soon(() -> {
                        if (sessions.get(session.id) == session && session.attempt == attempt && session.rebuilding) {
                            rebuild(session);
                        }
                    }));
            return;
        }
        int start = session.resume().start();
        int expected = 0;
        List<Work> work = new ArrayList<>();
        TreeMap<Integer, List<Wire.Chunk>> byAttempt = new TreeMap<>();
        logged(session).forEach(chunk -> byAttempt
                .computeIfAbsent(chunk.attempt(), attempt -> new ArrayList<>())
                .add(chunk));
        for (Map.Entry<Integer, List<Wire.Chunk>> attempt : byAttempt.entrySet()) {
            // What an attempt computed beyond the place where a newer one took over never counted.
            int end = byAttempt.tailMap(attempt.getKey(), false).values().stream()
                    .flatMap(List::stream)
                    .mapToInt(Wire.Chunk::position)
                    .reduce(start, Math::min);
            for (Wire.Chunk chunk : attempt.getValue()) {
                int from = Math.max(expected, chunk.position());
                int to = Math.min(end, chunk.end());
                if (from < to && from == expected) {
                    Wire.Chunk part = slice(chunk, from - chunk.position(), to - chunk.position());
                    work.add(new Work(session, new Inbound(part, -1), true));
                    expected = to;
                }
            }
        }
        int found = expected;
        world.trace(
                session.id,
                () -> worker.name + " read " + found + " of " + start + " positions from "
                        + session.resume().log());
        if (expected < start) {
            world.judge().logGone(session, expected);
            end(session, Trouble.LOG_GONE);
            return;
        }
        ledger.taken(session.id, start);
        for (Work item : work) {
            scheduler.addPrefill(session.id, item.inbound().chunk().count(), item);
        }
    }

    /** The session's inputs as far as the log holds them, by position: retries put them out of order. */
    private List<Wire.Chunk> logged(StageSession session) {
        List<Wire.Chunk> chunks = new ArrayList<>();
        for (LogRange range : session.resume().log()) {
            Log<Wire.Activation> log = world.activations(range.worker());
            long end = Math.min(range.endOffset(), log.end());
            for (long at = Math.max(range.firstOffset(), log.start()); at < end; at++) {
                Wire.Activation activation = log.get(at);
                if (activation == null) {
                    continue;
                }
                for (Wire.Chunk chunk : activation.chunks()) {
                    if (chunk.kind() == Wire.Kind.FORWARD
                            && chunk.session().equals(session.id)
                            && chunk.attempt() < session.attempt
                            && chunk.position() < session.resume().start()
                            && chunk.enterLayer() == session.layers().first()) {
                        chunks.add(chunk);
                    }
                }
            }
        }
        chunks.sort(Comparator.comparingInt(Wire.Chunk::position));
        return chunks;
    }

    // Ends

    private void release(Wire.Chunk chunk) {
        StageSession session = sessions.get(chunk.session());
        if (session == null) {
            ledger.end(chunk.session(), chunk.attempt());
            return;
        }
        if (session.attempt > chunk.attempt()) {
            return;
        }
        Wire.Setup setup = session.attempt == chunk.attempt() ? session.setup : null;
        int index = session.index;
        remove(session, chunk.attempt());
        if (setup != null && index + 2 < setup.pipeline().stages().size()) {
            sendRelease(setup.pipeline().stages().get(index + 1).worker(), chunk.session(), chunk.attempt());
        }
    }

    private void drop(Wire.Chunk chunk) {
        StageSession session = sessions.get(chunk.session());
        if (session != null && session.attempt > chunk.attempt()) {
            return;
        }
        if (session == null) {
            ledger.end(chunk.session(), chunk.attempt());
        } else if (world.has(Mutation.KV_LEAK)) {
            session.slot = null;
            remove(session, chunk.attempt());
        } else {
            remove(session, chunk.attempt());
        }
    }

    private void remove(StageSession session, int attempt) {
        sessions.remove(session.id);
        ledger.end(session.id, attempt);
        scheduler.remove(session.id);
        waiting.remove(session);
        session.parked.clear();
        session.early.clear();
        session.rebuilding = false;
        free(session);
        admitWaiting();
    }

    private void end(StageSession session, Trouble trouble) {
        session.reported = false;
        report(session, trouble);
        remove(session, session.attempt);
    }

    private void missing(StageSession session) {
        if (session.setup == null && session.slot == null) {
            end(session, Trouble.STATE_LOST);
        } else {
            report(session, Trouble.INPUT_MISSING);
        }
    }

    /** Says so once, until it gets on. */
    private void report(StageSession session, Trouble trouble) {
        if (session.reported) {
            return;
        }
        session.reported = true;
        world.trace(session.id, () -> worker.name + " reports " + trouble + " of attempt " + session.attempt);
        worker.report(session.id, session.attempt, trouble);
        session.waitingSinceMicros = world.nowMicros();
    }

    private void sendRelease(WorkerId to, SessionId session, int attempt) {
        worker.send(to, List.of(Wire.Chunk.word(session, attempt, Wire.Kind.RELEASE, null)));
    }

    private void sweepNow() {
        long now = world.nowMicros();
        for (StageSession session : List.copyOf(sessions.values())) {
            if (session.wantsSlot && now - session.waitingSinceMicros > WAIT_MICROS) {
                end(session, Trouble.NO_CAPACITY);
            } else if (now - session.touchedMicros > IDLE_MICROS) {
                remove(session, session.attempt);
            } else if (!session.early.isEmpty()
                    && !session.rebuilding
                    && !session.wantsSlot
                    && now - session.waitingSinceMicros > GAP_MICROS) {
                missing(session);
            }
        }
    }

    // Computing

    private void start() {
        if (computing) {
            return;
        }
        List<Work> batch = scheduler.next();
        if (batch.isEmpty()) {
            return;
        }
        int positions =
                batch.stream().mapToInt(w -> w.inbound().chunk().count()).sum();
        long micros = worker.batchMicros(positions);
        computing = true;
        busyMicros += micros;
        batches++;
        worker.after(micros, () -> finish(batch));
    }

    private void finish(List<Work> batch) {
        Map<WorkerId, List<Wire.Chunk>> outgoing = new LinkedHashMap<>();
        List<Wire.Token> sampled = new ArrayList<>();
        List<Inbound> looped = new ArrayList<>();
        for (Work work : batch) {
            run(work, outgoing, sampled, looped);
        }
        outgoing.forEach(worker::send);
        sampled.forEach(worker::token);
        computing = false;
        looped.forEach(this::accept);
        for (Wire.Token token : sampled) {
            if (token.last()) {
                finished(token);
            }
        }
        while (!inbox.isEmpty()) {
            inbox.poll().run();
        }
        start();
    }

    private void run(
            Work work, Map<WorkerId, List<Wire.Chunk>> outgoing, List<Wire.Token> sampled, List<Inbound> looped) {
        StageSession session = work.session();
        Wire.Chunk chunk = work.inbound().chunk();
        if (sessions.get(session.id) != session || session.slot == null) {
            return;
        }
        session.touchedMicros = world.nowMicros();
        boolean old = chunk.attempt() != session.attempt && !work.fromLog();
        if (chunk.position() != session.slot.length() && !old) {
            // As the live runner refuses it.
            end(session, Trouble.COMPUTE_FAILED);
            return;
        }
        world.judge().computes(worker, session.id, work.fromLog() ? session.attempt : chunk.attempt());
        long[] out = new long[chunk.count()];
        for (int i = 0; i < out.length; i++) {
            long in = chunk.tokens() == null
                    ? chunk.hidden()[i]
                    : Arithmetic.embed(chunk.tokens()[i], chunk.position() + i);
            out[i] = session.slot.append(in);
        }
        boolean prompt = chunk.position() < session.setup.promptTokens();
        prefillTokens += prompt ? out.length : 0;
        decodeTokens += prompt ? 0 : out.length;
        world.trace(
                session.id,
                () -> worker.name + " computes attempt " + chunk.attempt() + " positions ["
                        + chunk.position() + ", " + chunk.end() + ")" + (work.fromLog() ? " from the log" : "")
                        + ", cache " + session.slot.length());
        if (work.fromLog()) {
            if (session.slot.length() == session.resume().start()) {
                // Not before: a decode step would overtake the prompt chunks in the scheduler.
                session.rebuilding = false;
                early(session);
            }
            return;
        }
        List<StepTrace.Hop> hops = new ArrayList<>(chunk.hops());
        hops.add(new StepTrace.Hop(worker.id(), session.firstOffset, session.lastOffset));
        if (!session.isLast()) {
            passOn(session, chunk, out, hops, outgoing);
        } else if (chunk.samples() && chunk.end() > session.setup.newFrom()) {
            sample(session, chunk, out[out.length - 1], hops, outgoing, sampled, looped);
        }
    }

    private void passOn(
            StageSession session,
            Wire.Chunk chunk,
            long[] out,
            List<StepTrace.Hop> hops,
            Map<WorkerId, List<Wire.Chunk>> outgoing) {
        int from = Math.max(0, session.setup.resume(session.index + 1).start() - chunk.position());
        if (from >= out.length) {
            return;
        }
        Stage next = session.next();
        outgoing.computeIfAbsent(next.worker(), id -> new ArrayList<>())
                .add(new Wire.Chunk(
                        session.id,
                        session.attempt,
                        Wire.Kind.FORWARD,
                        chunk.position() + from,
                        out.length - from,
                        next.layers().first(),
                        null,
                        from == 0 ? out : Arrays.copyOfRange(out, from, out.length),
                        chunk.samples(),
                        session.setupPassedOn ? null : session.setup,
                        hops));
        session.setupPassedOn = true;
    }

    private void sample(
            StageSession session,
            Wire.Chunk chunk,
            long hidden,
            List<StepTrace.Hop> hops,
            Map<WorkerId, List<Wire.Chunk>> outgoing,
            List<Wire.Token> sampled,
            List<Inbound> looped) {
        Wire.Setup setup = session.setup;
        int index = chunk.end() - setup.promptTokens();
        int id = Arithmetic.sample(hidden, setup.seed(), chunk.end());
        boolean last = Arithmetic.endsSequence(id) || index + 1 >= setup.maxTokens();
        sampled.add(new Wire.Token(session.id, session.attempt, index, id, last, hops));
        world.trace(session.id, () -> worker.name + " samples token " + index + " of attempt " + session.attempt);
        if (last) {
            return;
        }
        Wire.Chunk back = Wire.Chunk.tokens(session.id, session.attempt, chunk.end(), new int[] {id}, true, null);
        if (session.isFirst()) {
            looped.add(new Inbound(back, -1));
        } else {
            outgoing.computeIfAbsent(setup.pipeline().first().worker(), worker -> new ArrayList<>())
                    .add(back);
        }
    }

    private void finished(Wire.Token token) {
        StageSession session = sessions.get(token.session());
        if (session == null || session.attempt != token.attempt()) {
            return;
        }
        boolean first = session.isFirst();
        WorkerId to = session.setup.pipeline().first().worker();
        remove(session, session.attempt);
        if (!first) {
            sendRelease(to, token.session(), token.attempt());
        }
    }

    // For telemetry and the judge

    SimWorker.Sample takeSample() {
        SimWorker.Sample sample = new SimWorker.Sample(busyMicros, prefillTokens, decodeTokens, batches);
        busyMicros = 0;
        prefillTokens = 0;
        decodeTokens = 0;
        batches = 0;
        return sample;
    }

    /** What must hold of the KV cache at any moment. */
    void check() {
        int held = 0;
        for (StageSession session : sessions.values()) {
            held += session.slot == null ? 0 : session.slot.capacity();
        }
        if (held != reserved) {
            world.judge()
                    .violation(
                            "KV reservations",
                            null,
                            "worker " + worker.name + " has reserved " + reserved
                                    + " tokens of KV cache, its sessions hold " + held);
        } else if (reserved > kvCapacity) {
            world.judge()
                    .violation(
                            "KV reservations",
                            null,
                            "worker " + worker.name + " has reserved " + reserved + " of " + kvCapacity + " tokens");
        }
    }
}
