package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** One worker of a {@link LocalCluster}: its loop, its topic, and what it sent, by receiver. */
final class Member implements Outbox, InputLog {
    private final LocalCluster cluster;
    final WorkerId id;
    final boolean exact;
    final ElasticStageRunner runner;
    final StageLoop loop;
    final SharingControl sharing;
    final BesideLanes lanes;
    final LayerKeeper keeper;
    final QueuedLoads loads;
    final List<Holding> announced = new ArrayList<>();
    final ChunkReader reader;
    final IntervalStats stats = new IntervalStats();
    final ArrayDeque<LocalCluster.Sent> topic = new ArrayDeque<>();
    final List<ActivationChunk> sent = new ArrayList<>();
    /** What is to be read from the log again. */
    final ArrayDeque<LogPicker.Want> orders = new ArrayDeque<>();
    /** Set where this worker's link is slow. */
    LinkPacer pacer;

    Member(
            LocalCluster cluster,
            LoopSettings settings,
            ElasticStageRunner runner,
            Device device,
            Tokenizer tokenizer,
            String model,
            int maxLayers) {
        this.cluster = cluster;
        this.id = settings.self();
        this.exact = settings.exactRebuild();
        this.runner = runner;
        ModelConfig config = runner.model();
        this.reader = new ChunkReader(config, model, id);
        Supplier<TokenStep> steps =
                () -> new TokenStep(id, tokenizer, Set.copyOf(config.eosTokenIds()), config.contextLength(), () -> 77L);
        WorkerMetrics metrics = new WorkerMetrics(cluster.meters, id.value(), model);
        this.loads = new QueuedLoads(runner, steps);
        this.keeper = new LayerKeeper(
                id,
                runner,
                maxLayers,
                loads,
                (layers, measure) -> new CostModel(0, 1, layers.size()),
                announced::add,
                metrics,
                cluster.clock::get);
        keeper.begin(
                new LayerOrder(1, runner.served()),
                new CostModel(0, 1, 1),
                runner.held().contains(config.layerCount() - 1) ? steps.get() : null);
        int laneCount = cluster.lanes.size();
        this.sharing = new SharingControl(
                cluster.bestEffort,
                device.gate().withSideLanes(laneCount),
                cluster.pools ? laneCount : laneCount + 1,
                (tenant, positions) -> {});
        this.lanes = new BesideLanes(sharing, cluster.clock::get, cluster.onBack, cluster.lanes);
        this.loop = new StageLoop(
                settings, runner, device, this, this, keeper, stats, metrics, cluster.clock::get, sharing, lanes);
    }

    /** Chunks as from the router. */
    void deliver(ActivationChunk... chunks) {
        deliver(cluster.logged(id, "router", List.of(chunks)));
    }

    void deliver(LocalCluster.Sent record) {
        deliver(record, cluster.clock.get());
    }

    /** A record of which the loop hears only now. */
    void deliver(LocalCluster.Sent record, long receivedNanos) {
        Arrival arrival = new Arrival(record.sender(), 40, receivedNanos, record.offset());
        List<InboundChunk> read = new ArrayList<>();
        for (ActivationChunk chunk : record.chunks()) {
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
            cluster.logs.getOrDefault(range.worker(), List.of()).stream()
                    .filter(sent -> sent.offset() >= range.firstOffset() && sent.offset() < range.endOffset())
                    .forEach(sent -> inputs.take(new ActivationBatch(sent.sender(), 0L, sent.chunks())));
        }
        try {
            Arrival arrival = new Arrival("log", 0, cluster.clock.get(), Arrival.NOT_LOGGED);
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
        cluster.clock.addAndGet(LayerKeeper.GRACE.toNanos() + 1);
        loop.sweep();
    }

    /** So much time passes, and the loop looks up. */
    void sweepAfter(Duration passed) {
        cluster.clock.addAndGet(passed.toNanos());
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
        cluster.arrived(to, id.value(), chunks);
    }

    @Override
    public void token(Token token) {
        cluster.onToken.accept(token);
    }

    @Override
    public void report(SessionId session, int attempt, Trouble trouble, String message) {
        cluster.failures.add(new LocalCluster.Failure(session.value(), attempt, trouble, message));
    }
}
