package io.sluice.worker;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.ErrorReason;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.CpuDevice;
import io.sluice.worker.device.Device;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** Stages of one pipeline in one thread, with queues in memory in place of topics and a clock that is set by hand. */
final class LocalCluster {
    final AtomicLong clock = new AtomicLong(1_000_000_000L);
    final Map<WorkerId, Member> members = new LinkedHashMap<>();
    final List<Token> tokens = new ArrayList<>();
    final List<Failure> failures = new ArrayList<>();
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    record Failure(String session, ErrorReason reason, String message) {}

    /** A record of an activation topic. */
    record Sent(String sender, List<ActivationChunk> chunks) {}

    /** One worker: its loop, its topic, and what it sent, by receiver. */
    final class Member implements Outbox {
        final WorkerId id;
        final StageRunner runner;
        final StageLoop loop;
        final ChunkReader reader;
        final IntervalStats stats = new IntervalStats();
        final ArrayDeque<Sent> topic = new ArrayDeque<>();
        final List<ActivationChunk> sent = new ArrayList<>();

        Member(LoopSettings settings, StageRunner runner, Device device, Tokenizer tokenizer, String model) {
            this.id = settings.self();
            this.runner = runner;
            ModelConfig config = runner.model();
            this.reader = new ChunkReader(config, model, runner.layers(), id);
            TokenStep step = runner.layers().end() == config.layerCount()
                    ? new TokenStep(id, tokenizer, Set.copyOf(config.eosTokenIds()), config.contextLength(), () -> 77L)
                    : null;
            this.loop = new StageLoop(
                    settings,
                    runner,
                    device,
                    this,
                    step,
                    stats,
                    new WorkerMetrics(meters, id.value(), model),
                    clock::get);
        }

        /** Chunks as from the router. */
        void deliver(ActivationChunk... chunks) {
            deliver("router", List.of(chunks));
        }

        void deliver(Sent record) {
            deliver(record.sender, record.chunks);
        }

        private void deliver(String sender, List<ActivationChunk> chunks) {
            Arrival arrival = new Arrival(sender, 40, clock.get());
            List<InboundChunk> read = new ArrayList<>();
            for (ActivationChunk chunk : chunks) {
                read.add(reader.read(chunk, arrival));
            }
            loop.accept(new Inbound.Chunks(read));
        }

        FakeStageRunner fake() {
            return (FakeStageRunner) runner;
        }

        @Override
        public void forward(WorkerId to, List<ActivationChunk> chunks) {
            sent.addAll(chunks);
            Member receiver = members.get(to);
            if (receiver != null) {
                receiver.topic.add(new Sent(id.value(), List.copyOf(chunks)));
            }
        }

        @Override
        public void token(Token token) {
            tokens.add(token);
        }

        @Override
        public void failed(SessionId session, ErrorReason reason, String message) {
            failures.add(new Failure(session.value(), reason, message));
        }
    }

    static LoopSettings settings(String worker, ActivationDtype type, int prefillChunk) {
        return LoopSettings.of(new WorkerId(worker), type, prefillChunk);
    }

    /** A member on a fake runner with fp16 activations. */
    Member fake(String worker, int first, int end, long kvTokens) {
        return fake(settings(worker, ActivationDtype.FP16, 16), first, end, kvTokens);
    }

    Member fake(LoopSettings settings, int first, int end, long kvTokens) {
        StageRunner runner = new FakeStageRunner(new LayerRange(first, end), kvTokens);
        return add(settings, runner, new CpuDevice(), new FakeTokenizer());
    }

    Member add(LoopSettings settings, StageRunner runner, Device device, Tokenizer tokenizer) {
        Member member =
                new Member(settings, runner, device, tokenizer, runner.model().name());
        members.put(member.id, member);
        return member;
    }

    /** Moves records and runs batches until nothing is left to do. */
    void settle() {
        boolean busy = true;
        while (busy) {
            busy = false;
            for (Member member : members.values()) {
                while (!member.topic.isEmpty()) {
                    busy = true;
                    member.deliver(member.topic.poll());
                }
                busy |= member.loop.step();
                clock.addAndGet(1_000);
            }
        }
    }

    /** The set-up of a session over all members, greedy. */
    SessionSetup setup(int promptTokens, int maxTokens) {
        List<Stage> stages = members.values().stream()
                .map(member -> new Stage(
                        member.id.value(),
                        member.runner.layers().first(),
                        member.runner.layers().end()))
                .toList();
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
                ServiceClass.LATENCY_CRITICAL);
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
                while (!member.topic.isEmpty()) {
                    member.deliver(member.topic.poll());
                }
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
