package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.stage.LogPicker;
import io.sluice.core.stage.StageChunk;
import io.sluice.core.stage.StageDesk;
import io.sluice.core.stage.StageIntake;
import io.sluice.core.stage.StageLedger;
import io.sluice.core.stage.StageLimits;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a worker's compute thread does: gives chunks to the core's intake, forms batches with the scheduler of the core,
 * runs them and sends the results on. As thin as the live one around the core.
 */
final class SimStage {
    private static final int REMEMBERED = 512;
    private static final int CHUNK_TOKENS = 8;
    private static final BatchLimits LIMITS = BatchLimits.adaptive(16, 32, 3, 64);

    private final SimWorker worker;
    private final World world;
    private final HeldRanges held;
    private final KvMemory memory;
    private final StageLedger ledger = new StageLedger(REMEMBERED);
    private final StageIntake<SimSession.Chunk, SimSession.Plan, KvCache, SimSession> intake;
    private final SimLogReader logReader;
    private final BatchScheduler<Work> scheduler = new BatchScheduler<>(LIMITS);
    private final BestEffortWork<Work> bestEffort = new BestEffortWork<>(LIMITS);
    private final ArrayDeque<Runnable> inbox = new ArrayDeque<>();
    private boolean computing;
    private int prefillTokens;
    private int decodeTokens;
    private int batches;
    private long busyMicros;

    private record Work(SimSession session, SimSession.Chunk chunk) {}

    SimStage(SimWorker worker, LayerRange served, int kvCapacity) {
        this.worker = worker;
        this.world = worker.world;
        this.held = new HeldRanges(served);
        this.memory = new KvMemory(kvCapacity);
        StageLimits limits = new StageLimits(
                worker.id(),
                16,
                Duration.ofSeconds(8),
                Duration.ofMillis(1_500),
                Duration.ofSeconds(20),
                Duration.ofSeconds(5),
                // Much shorter than a live one's, so that what is forgotten shows within a run.
                Duration.ofSeconds(20),
                1);
        this.intake = new StageIntake<>(limits, ledger, memory, new Desk());
        this.logReader = new SimLogReader(worker, answer -> soon(() -> read(answer)));
    }

    int sessions() {
        return intake.sessions().size();
    }

    /** One that it holds; null: none. */
    SessionId anySession() {
        return intake.sessions().isEmpty() ? null : intake.sessions().iterator().next().id;
    }

    int reserved() {
        return memory.reserved();
    }

    // From the outside

    void record(long offset, Wire.Activation activation) {
        soon(() -> activation.chunks().forEach(chunk -> accept(chunk, offset)));
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

    /** What best-effort work may use from now on. */
    void limit(SharingLimits limits) {
        soon(() -> bestEffort.limit(limits));
    }

    void undelivered(SessionId id, int attempt) {
        soon(() -> intake.fail(id, attempt, Trouble.UNDELIVERED, "a record could not be sent"));
    }

    void sweep() {
        soon(() -> {
            intake.sweep(nowNanos());
            unload();
        });
    }

    /** New sessions get these layers from now on; old ones keep theirs. */
    void serve(LayerRange layers) {
        soon(() -> {
            held.serve(layers);
            unload();
        });
    }

    /** Layers are here until the last session on them ends. */
    private void unload() {
        held.keep(layers -> intake.sessions().stream()
                .anyMatch(session -> session.plan != null && HeldRanges.contains(layers, session.plan.layers())));
    }

    private long nowNanos() {
        return world.nowMicros() * 1_000;
    }

    private void accept(Wire.Chunk chunk, long offset) {
        if (chunk.setup() != null) {
            world.judge().setUp(chunk.session(), chunk.setup());
        }
        SimSession.Plan plan = chunk.setup() == null ? null : SimSession.Plan.of(chunk.setup(), worker);
        if (plan != null && plan.index() < 0) {
            intake.fail(chunk.session(), chunk.attempt(), Trouble.MALFORMED_INPUT, "not a stage of it");
            return;
        }
        world.trace(
                chunk.session(),
                () -> worker.instance() + " gets offset " + offset + ": " + chunk.kind() + " of attempt "
                        + chunk.attempt() + ", positions [" + chunk.position() + ", " + chunk.end() + ")");
        // Without fencing an old chunk is taken as if it were of the newest attempt.
        boolean unfenced = world.has(Mutation.NO_FENCING) && chunk.kind() == Wire.Kind.FORWARD;
        int attempt = unfenced ? Math.max(chunk.attempt(), ledger.attempt(chunk.session())) : chunk.attempt();
        memory.leak(world.has(Mutation.KV_LEAK) && chunk.kind() == Wire.Kind.DROP);
        intake.accept(
                new SimSession.Chunk(chunk, attempt, offset, attempt == chunk.attempt() ? plan : null), nowNanos());
        memory.leak(false);
    }

    private void read(SimLogReader.Answer answer) {
        LogPicker.Want want = answer.want();
        if (answer.gone() == null) {
            intake.rebuilt(want.session(), want.attempt(), answer.chunks(), nowNanos());
        } else {
            intake.fail(want.session(), want.attempt(), Trouble.LOG_GONE, answer.gone());
        }
    }

    /** What the intake has done around it. */
    private final class Desk implements StageDesk<SimSession.Chunk, SimSession> {
        @Override
        public SimSession open(SessionId session, int attempt, long nowNanos) {
            world.judge().seen(worker, session, attempt);
            return new SimSession(session, attempt, nowNanos);
        }

        @Override
        public void work(SimSession session, SimSession.Chunk chunk) {
            BatchScheduler<Work> waiting = session.bestEffort() ? bestEffort.waiting() : scheduler;
            if (session.isStep(chunk, session.slot.length())) {
                waiting.addDecode(session.id, new Work(session, chunk));
                return;
            }
            for (int from = 0; from < chunk.count(); from += CHUNK_TOKENS) {
                int to = Math.min(from + CHUNK_TOKENS, chunk.count());
                waiting.addPrefill(session.id, to - from, session.rank, new Work(session, chunk.slice(from, to)));
            }
        }

        @Override
        public void forget(SimSession session) {
            scheduler.remove(session.id);
            bestEffort.waiting().remove(session.id);
        }

        @Override
        public void readLog(SimSession session, LogPicker.Want want) {
            logReader.read(want);
        }

        @Override
        public void report(SessionId session, int attempt, Trouble trouble, String message) {
            worker.report(session, attempt, trouble);
        }

        @Override
        public void sendRelease(WorkerId to, SessionId session, int attempt) {
            worker.send(to, List.of(Wire.Chunk.word(session, attempt, Wire.Kind.RELEASE, null)));
        }

        @Override
        public boolean holds(LayerRange layers) {
            return held.holds(layers);
        }

        @Override
        public boolean holds(int layer) {
            return held.holds(layer);
        }

        @Override
        public String held() {
            return held.toString();
        }

        @Override
        public void dropped(Drop why) {
            // Nobody counts them here.
        }

        @Override
        public void noted(SessionId session, int attempt, String what) {
            world.trace(session, () -> worker.instance() + ": attempt " + attempt + " " + what);
        }
    }

    // Computing

    private void start() {
        if (computing) {
            return;
        }
        List<Work> batch = scheduler.next();
        boolean critical = !batch.isEmpty();
        if (!critical) {
            batch = bestEffort.next(nowNanos(), world.has(Mutation.STALE_LIMITS));
        }
        if (batch.isEmpty()) {
            return;
        }
        if (!critical) {
            world.judge().startsBestEffort(worker, batch.getFirst().session().id);
        }
        int positions = batch.stream().mapToInt(w -> w.chunk().count()).sum();
        long micros = worker.batchMicros(positions);
        computing = true;
        busyMicros += critical ? micros : 0;
        batches += critical ? 1 : 0;
        List<Work> started = batch;
        worker.after(micros, () -> finish(started));
    }

    private void finish(List<Work> batch) {
        Map<WorkerId, List<Wire.Chunk>> outgoing = new LinkedHashMap<>();
        List<Wire.Token> sampled = new ArrayList<>();
        List<Wire.Chunk> looped = new ArrayList<>();
        for (Work work : batch) {
            run(work, outgoing, sampled, looped);
        }
        outgoing.forEach(worker::send);
        sampled.forEach(worker::token);
        computing = false;
        looped.forEach(chunk -> accept(chunk, StageChunk.NOT_LOGGED));
        for (Wire.Token token : sampled) {
            if (token.last()) {
                intake.finished(token.session(), token.attempt());
            }
        }
        while (!inbox.isEmpty()) {
            inbox.poll().run();
        }
        start();
    }

    private void run(
            Work work, Map<WorkerId, List<Wire.Chunk>> outgoing, List<Wire.Token> sampled, List<Wire.Chunk> looped) {
        SimSession session = work.session();
        Wire.Chunk chunk = work.chunk().wire();
        if (intake.isOver(session) || session.slot == null) {
            return;
        }
        session.touchedNanos = nowNanos();
        if (chunk.position() != session.slot.length()) {
            // As the live runner refuses it.
            intake.fail(session.id, session.attempt, Trouble.COMPUTE_FAILED, "position " + chunk.position());
            return;
        }
        world.judge().computes(worker, session.id, chunk.attempt());
        long[] out = new long[chunk.count()];
        for (int i = 0; i < out.length; i++) {
            long in = chunk.tokens() == null
                    ? chunk.hidden()[i]
                    : Arithmetic.embed(chunk.tokens()[i], chunk.position() + i);
            out[i] = session.slot.append(in);
        }
        boolean prompt = session.plan.isPrompt(chunk.position());
        int measured = session.bestEffort() ? 0 : out.length;
        prefillTokens += prompt ? measured : 0;
        decodeTokens += prompt ? 0 : measured;
        world.trace(
                session.id,
                () -> worker.name + " computes attempt " + chunk.attempt() + " positions [" + chunk.position() + ", "
                        + chunk.end() + "), cache " + session.slot.length());
        List<StepTrace.Hop> hops = session.hops(worker, chunk);
        if (!session.plan.isLast()) {
            passOn(session, chunk, out, hops, outgoing);
        } else if (session.plan.samples(chunk.samples(), chunk.end())) {
            sample(session, chunk, out[out.length - 1], hops, outgoing, sampled, looped);
        }
    }

    private static void passOn(
            SimSession session,
            Wire.Chunk chunk,
            long[] out,
            List<StepTrace.Hop> hops,
            Map<WorkerId, List<Wire.Chunk>> outgoing) {
        int from = session.plan.knownToNext(chunk.position());
        if (from >= out.length) {
            return;
        }
        Stage next = session.plan.next();
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
                        session.setupPassedOn ? null : session.plan.setup(),
                        hops));
        session.setupPassedOn = true;
    }

    private void sample(
            SimSession session,
            Wire.Chunk chunk,
            long hidden,
            List<StepTrace.Hop> hops,
            Map<WorkerId, List<Wire.Chunk>> outgoing,
            List<Wire.Token> sampled,
            List<Wire.Chunk> looped) {
        Wire.Setup setup = session.plan.setup();
        int index = chunk.end() - setup.promptTokens();
        int id = Arithmetic.sample(hidden, setup.seed(), chunk.end());
        boolean last = Arithmetic.endsSequence(id) || index + 1 >= setup.maxTokens();
        sampled.add(new Wire.Token(session.id, session.attempt, index, id, last, hops));
        world.trace(session.id, () -> worker.name + " samples token " + index + " of attempt " + session.attempt);
        if (last) {
            return;
        }
        Wire.Chunk back = Wire.Chunk.tokens(session.id, session.attempt, chunk.end(), new int[] {id}, true, null);
        if (session.plan.isFirst()) {
            looped.add(back);
        } else {
            outgoing.computeIfAbsent(setup.pipeline().first().worker(), worker -> new ArrayList<>())
                    .add(back);
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
        int holding = 0;
        for (SimSession session : intake.sessions()) {
            holding += session.slot == null ? 0 : session.slot.capacity();
            holding += session.inherited == null ? 0 : session.inherited.capacity();
        }
        if (holding != memory.reserved() || holding > memory.capacity()) {
            world.judge()
                    .violation(
                            "KV reservations",
                            null,
                            "worker " + worker.name + " has reserved " + memory.reserved() + " of " + memory.capacity()
                                    + " tokens of KV cache, its sessions hold " + holding);
        }
    }
}
