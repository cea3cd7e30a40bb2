package io.sluice.worker;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.CpuDevice;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
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
    /** Side lanes of each member; set before they are added. */
    List<SideLane.Opener> lanes = List.of();
    /** Whether these are all cores of each member, so that they are pools in the gaps; set before they are added. */
    boolean pools;
    /** Told when a slice has come back from a lane, by any thread; set before they are added. */
    Runnable onBack = () -> {};
    /** Told of every token and every report. */
    Consumer<Token> onToken = tokens::add;

    record Failure(String session, int attempt, Trouble trouble, String message) {}

    /** A record of an activation topic. */
    record Sent(String sender, List<ActivationChunk> chunks, long offset) {}

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

    /** A record stands in a worker's topic; the record. */
    Sent logged(WorkerId to, String sender, List<ActivationChunk> chunks) {
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

    /** A member that holds all layers of a fake model, on a device. */
    Member on(Device device) {
        ElasticStageRunner runner = new FakeStageRunner(new LayerRange(0, FakeStageRunner.LAYERS), 100_000);
        return add(settings("a", ActivationDtype.FP16, 16), runner, device, new FakeTokenizer());
    }

    Member add(LoopSettings settings, ElasticStageRunner runner, Device device, Tokenizer tokenizer) {
        return add(settings, runner, device, tokenizer, runner.model().layerCount());
    }

    Member add(LoopSettings settings, ElasticStageRunner runner, Device device, Tokenizer tokenizer, int maxLayers) {
        Member member = new Member(
                this, settings, runner, device, tokenizer, runner.model().name(), maxLayers);
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
                null,
                List.of());
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
