package io.sluice.worker;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.CpuDevice;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Stages of one pipeline in one thread, with queues in memory in place of topics and a clock that is set by hand. */
final class LocalCluster {
    final AtomicLong clock = new AtomicLong(1_000_000_000L);
    final Map<WorkerId, Member> members = new LinkedHashMap<>();
    final List<Token> tokens = new ArrayList<>();
    final List<Failure> failures = new ArrayList<>();
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    /** Every record of every activation topic; a topic outlives its worker. */
    final Map<WorkerId, List<Sent>> logs = new LinkedHashMap<>();
    /** What members are told about best-effort work; set before they are added. */
    SharingSettings bestEffort = SharingSettings.DEFAULT;
    /** Told of every token and every report. */
    Consumer<Token> onToken = tokens::add;

    record Failure(String session, int attempt, Trouble trouble, String message) {}

    /** A record of an activation topic. */
    record Sent(String sender, List<ActivationChunk> chunks, long offset) {}

    /** One worker: its loop, its topic, and what it sent, by receiver. */
    final class Member implements Outbox, InputLog {
        final WorkerId id;
        final boolean exact;
        final ElasticStageRunner runner;
        final StageLoop loop;
        final SharingControl sharing;
        final LayerKeeper keeper;
        final QueuedLoads loads;
        final List<Holding> announced = new ArrayList<>();
        final ChunkReader reader;
        final IntervalStats stats = new IntervalStats();
        final ArrayDeque<Sent> topic = new ArrayDeque<>();
        final List<ActivationChunk> sent = new ArrayList<>();
        /** What is to be read from the log again. */
        final ArrayDeque<LogPicker.Want> orders = new ArrayDeque<>();
        /** Set where this worker's link is slow. */
        LinkPacer pacer;

        Member(
                LoopSettings settings,
                ElasticStageRunner runner,
                Device device,
                Tokenizer tokenizer,
                String model,
                int maxLayers) {
            this.id = settings.self();
            this.exact = settings.exactRebuild();
            this.runner = runner;
            ModelConfig config = runner.model();
            this.reader = new ChunkReader(config, model, id);
            Supplier<TokenStep> steps = () ->
                    new TokenStep(id, tokenizer, Set.copyOf(config.eosTokenIds()), config.contextLength(), () -> 77L);
            WorkerMetrics metrics = new WorkerMetrics(meters, id.value(), model);
            this.loads = new QueuedLoads(runner, steps);
            this.keeper = new LayerKeeper(
                    id,
                    runner,
                    maxLayers,
                    loads,
                    (layers, measure) -> new CostModel(0, 1, layers.size()),
                    announced::add,
                    metrics,
                    clock::get);
            keeper.begin(
                    new LayerOrder(1, runner.served()),
                    new CostModel(0, 1, 1),
                    runner.held().contains(config.layerCount() - 1) ? steps.get() : null);
            this.sharing = new SharingControl(bestEffort, device.gate());
            this.loop =
                    new StageLoop(settings, runner, device, this, this, keeper, stats, metrics, clock::get, sharing);
        }

        /** Chunks as from the router. */
        void deliver(ActivationChunk... chunks) {
            deliver(logged(id, "router", List.of(chunks)));
        }

        void deliver(Sent record) {
            Arrival arrival = new Arrival(record.sender, 40, clock.get(), record.offset);
            List<InboundChunk> read = new ArrayList<>();
            for (ActivationChunk chunk : record.chunks) {
                read.add(reader.read(chunk, arrival));
            }
            loop.accept(new Inbound.Chunks(read));
        }

        /** Takes all that has come to its topic. */
        void receive() {
            while (!topic.isEmpty()) {
                deliver(topic.poll());
            }
        }

        @Override
        public void read(LogPicker.Want want) {
            orders.add(want);
        }

        /** The log is read for one session; false when nothing is wanted of it. */
        boolean readLog() {
            LogPicker.Want want = orders.poll();
            if (want != null) {
                loop.accept(answer(want));
            }
            return want != null;
        }

        private Inbound answer(LogPicker.Want want) {
            LoggedInputs inputs = new LoggedInputs(want);
            for (LogRange range : want.ranges()) {
                logs.getOrDefault(range.worker(), List.of()).stream()
                        .filter(sent -> sent.offset >= range.firstOffset() && sent.offset < range.endOffset())
                        .forEach(sent -> inputs.take(new ActivationBatch(sent.sender, 0L, sent.chunks)));
            }
            try {
                Arrival arrival = new Arrival("log", 0, clock.get(), Arrival.NOT_LOGGED);
                return new Inbound.Rebuilt(want.session(), want.attempt(), inputs.inOrder(reader, arrival));
            } catch (IllegalArgumentException e) {
                return new Inbound.LogGone(want.session(), want.attempt(), e.getMessage());
            }
        }

        /** A placement says this, in the next epoch. */
        void order(long epoch, LayerRange layers) {
            loop.accept(new Inbound.Ordered(new LayerOrder(epoch, Optional.ofNullable(layers))));
        }

        /** The loader does what it was asked to. */
        void load() {
            loads.run().ifPresent(outcome -> loop.accept(new Inbound.Loaded(outcome)));
        }

        /** Time passes, more than former layers are kept for, and the loop looks up. */
        void sweepAfterGrace() {
            clock.addAndGet(LayerKeeper.GRACE.toNanos() + 1);
            loop.sweep();
        }

        /** So much time passes, and the loop looks up. */
        void sweepAfter(Duration passed) {
            clock.addAndGet(passed.toNanos());
            loop.sweep();
        }

        Holding newest() {
            return announced.getLast();
        }

        FakeStageRunner fake() {
            return (FakeStageRunner) runner;
        }

        @Override
        public void forward(WorkerId to, List<ActivationChunk> chunks) {
            if (pacer == null) {
                arrive(to, chunks);
            } else {
                chunks.forEach(chunk -> pacer.offer(to, chunk));
            }
        }

        @Override
        public boolean full() {
            return pacer != null && pacer.full();
        }

        /** The link is free for one more record. */
        boolean sendPaced() {
            LinkPacer.Departure next = pacer == null ? null : pacer.drain();
            if (next != null) {
                arrive(next.to(), next.chunks());
            }
            return next != null;
        }

        private void arrive(WorkerId to, List<ActivationChunk> chunks) {
            sent.addAll(chunks);
            arrived(to, id.value(), chunks);
        }

        @Override
        public void token(Token token) {
            onToken.accept(token);
        }

        @Override
        public void report(SessionId session, int attempt, Trouble trouble, String message) {
            failures.add(new Failure(session.value(), attempt, trouble, message));
        }
    }

    /** Loads only when told to. */
    static final class QueuedLoads implements LayerLoads {
        private final ElasticStageRunner runner;
        private final Supplier<TokenStep> steps;
        private Supplier<Outcome> asked;
        int freed;

        QueuedLoads(ElasticStageRunner runner, Supplier<TokenStep> steps) {
            this.runner = runner;
            this.steps = steps;
        }

        @Override
        public void load(HeldLayers layers, boolean withTokens) {
            if (asked != null) {
                throw new IllegalStateException("two loads at once");
            }
            asked = () -> LayerLoader.tryLoad(runner, steps, layers, withTokens);
        }

        boolean isAsked() {
            return asked != null;
        }

        Optional<Outcome> run() {
            Optional<Outcome> outcome = Optional.ofNullable(asked).map(Supplier::get);
            asked = null;
            return outcome;
        }

        @Override
        public void free(AutoCloseable part) {
            freed++;
            try {
                part.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static LoopSettings settings(String worker, ActivationDtype type, int prefillChunk) {
        return settings(worker, type, prefillChunk, false);
    }

    static LoopSettings settings(String worker, ActivationDtype type, int prefillChunk, boolean exactRebuild) {
        return LoopSettings.of(
                new WorkerId(worker), PayloadTypes.fixed(type), PromptChunking.fixed(prefillChunk), exactRebuild);
    }

    /** A record comes to a worker's topic, which need not live. */
    void arrived(WorkerId to, String sender, List<ActivationChunk> chunks) {
        Sent record = logged(to, sender, chunks);
        Member receiver = members.get(to);
        if (receiver != null) {
            receiver.topic.add(record);
        }
    }

    private Sent logged(WorkerId to, String sender, List<ActivationChunk> chunks) {
        List<Sent> log = logs.computeIfAbsent(to, key -> new ArrayList<>());
        log.add(new Sent(sender, List.copyOf(chunks), log.size()));
        return log.getLast();
    }

    /** A member on a fake runner with fp16 activations. */
    Member fake(String worker, int first, int end, long kvTokens) {
        return fake(settings(worker, ActivationDtype.FP16, 16), first, end, kvTokens);
    }

    Member fake(LoopSettings settings, int first, int end, long kvTokens) {
        ElasticStageRunner runner = new FakeStageRunner(new LayerRange(first, end), kvTokens);
        return add(settings, runner, new CpuDevice(), new FakeTokenizer());
    }

    Member add(LoopSettings settings, ElasticStageRunner runner, Device device, Tokenizer tokenizer) {
        return add(settings, runner, device, tokenizer, runner.model().layerCount());
    }

    Member add(LoopSettings settings, ElasticStageRunner runner, Device device, Tokenizer tokenizer, int maxLayers) {
        Member member =
                new Member(settings, runner, device, tokenizer, runner.model().name(), maxLayers);
        members.put(member.id, member);
        return member;
    }

    /** Moves records and runs batches until nothing is left to do. */
    void settle() {
        boolean busy = true;
        while (busy) {
            busy = false;
            for (Member member : members.values()) {
                busy |= !member.topic.isEmpty();
                member.receive();
                busy |= member.readLog();
                busy |= member.loop.step();
                busy |= member.sendPaced();
                clock.addAndGet(1_000);
            }
        }
    }

    /** As {@link #settle}, and lets time pass where only that is waited for. */
    void settleInTime() {
        while (true) {
            settle();
            long wait = members.values().stream()
                    .mapToLong(member -> member.loop.untilReadyNanos())
                    .min()
                    .orElseThrow();
            if (wait == Long.MAX_VALUE) {
                return;
            }
            clock.addAndGet(Math.max(1, wait));
        }
    }

    /** What best-effort work may use at every member. */
    void limit(SharingLimits limits) {
        members.values().forEach(member -> member.loop.accept(new Inbound.Limited(limits)));
    }

    /** The prompt of a best-effort session. */
    ActivationChunk bestEffort(String session, String tenant, List<Integer> ids, int maxTokens) {
        SessionSetup setup = setup(ids.size(), maxTokens);
        setup.setServiceClass(ServiceClass.BEST_EFFORT);
        setup.setTenant(tenant);
        return tokenChunk(session, 1, 0, ids, setup);
    }

    /** The set-up of a session over all members, greedy. */
    SessionSetup setup(int promptTokens, int maxTokens) {
        List<Stage> stages = members.values().stream()
                .filter(member -> member.runner.served().isPresent())
                .map(member -> new Stage(
                        member.id.value(),
                        member.runner.layers().first(),
                        member.runner.layers().end()))
                .toList();
        return setup(promptTokens, maxTokens, stages);
    }

    /** The set-up of a session over these stages, greedy. */
    SessionSetup setup(int promptTokens, int maxTokens, List<Stage> stages) {
        String model = members.values().iterator().next().runner.model().name();
        return new SessionSetup(
                model,
                3L,
                stages,
                promptTokens,
                maxTokens,
                promptTokens + maxTokens,
                0f,
                0,
                1f,
                0L,
                true,
                ServiceClass.LATENCY_CRITICAL,
                "default",
                1.0,
                null);
    }

    ActivationChunk prompt(String session, int attempt, List<Integer> ids, int maxTokens) {
        return tokenChunk(session, attempt, 0, ids, setup(ids.size(), maxTokens));
    }

    static ActivationChunk tokenChunk(
            String session, int attempt, int position, List<Integer> ids, SessionSetup setup) {
        ByteBuffer payload = ByteBuffer.allocate(ids.size() * 4).order(ByteOrder.LITTLE_ENDIAN);
        ids.forEach(payload::putInt);
        return new ActivationChunk(
                session,
                attempt,
                ChunkKind.FORWARD,
                position,
                ids.size(),
                0,
                DType.TOKEN_IDS,
                0,
                payload.flip(),
                true,
                setup,
                List.of());
    }

    /** The router gives an attempt up. */
    static ActivationChunk drop(String session, int attempt) {
        ActivationChunk drop = ChunkWriter.release(session, attempt);
        drop.setKind(ChunkKind.DROP);
        return drop;
    }

    List<Integer> generated(String session) {
        return tokens.stream()
                .filter(token -> token.getRequestId().equals(session))
                .map(Token::getTokenId)
                .toList();
    }

    double dropped(String worker, String why) {
        var counter = meters.find("sluice.worker.chunks.dropped")
                .tags("worker", worker, "why", why)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    /** Fake workers a, b, … that share the layers evenly. */
    void stages(int count) {
        int layers = FakeStageRunner.LAYERS / count;
        for (int i = 0; i < count; i++) {
            fake(String.valueOf((char) ('a' + i)), i * layers, (i + 1) * layers, 100_000);
        }
    }

    Member first() {
        return members.values().iterator().next();
    }

    Member second() {
        return members.values().stream().skip(1).findFirst().orElseThrow();
    }

    /** Every member takes what has come and runs one batch, so many times. */
    void rounds(int count) {
        for (int i = 0; i < count; i++) {
            members.values().forEach(member -> {
                member.receive();
                member.readLog();
                member.loop.step();
            });
        }
    }

    /** Releases a worker sent. */
    long releases(String worker) {
        return members.get(new WorkerId(worker)).sent.stream()
                .filter(chunk -> chunk.getKind() == ChunkKind.RELEASE)
                .count();
    }

    /** A seeded prompt. */
    static List<Integer> ids(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        return IntStream.range(0, count)
                .mapToObj(i -> random.nextInt(FakeStageRunner.VOCAB))
                .toList();
    }
}
