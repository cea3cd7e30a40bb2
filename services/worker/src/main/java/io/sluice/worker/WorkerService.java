package io.sluice.worker;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.MetricsServer;
import io.sluice.messaging.TopicAdmin;
import io.sluice.records.ActivationBatch;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.worker.device.Device;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running worker: life cycle only; {@link WorkerWiring} puts the data path together. Started, it serves the layers it was given or the newest placement names,
 * or none as a spare; it reads its topic from the end on, has announced itself as JOINED, reports telemetry and follows
 * placements. Closed, it announces LEFT. Thread-safe.
 */
public final class WorkerService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerService.class);
    private static final int MIB = 1 << 20;

    private final WorkerConfig config;
    private final CloseStack parts = new CloseStack();
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final LongSupplier nanos = System::nanoTime;
    private final LongSupplier epochMillis = System::currentTimeMillis;
    private final WorkerThreads threads;
    private MetricsServer metricsServer;
    private LayerKeeper keeper;
    private Membership membership;

    private WorkerService(WorkerConfig config) {
        this.config = config;
        this.threads = new WorkerThreads(config.id(), parts, stopped);
    }

    /**
     * Starts a worker and returns when it has joined; waits for broker and registry, not for a placement.
     *
     * @throws RuntimeException when the model, the broker, the registry or the metrics port cannot be used; the message
     *     names the value and the remedy. Nothing is left running then
     */
    public static WorkerService start(WorkerConfig config) {
        WorkerService service = new WorkerService(Objects.requireNonNull(config, "config"));
        try {
            service.open();
            return service;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            service.parts.close();
            throw new IllegalStateException("worker " + config.id() + " was stopped while it started", e);
        } catch (RuntimeException | Error e) {
            service.parts.close();
            throw e;
        }
    }

    /** Layers served to new sessions now; empty: a spare. */
    public Optional<LayerRange> layers() {
        return keeper.holding().served();
    }

    /** Base address of the metrics endpoint, which also takes {@code PUT /device/speed}. */
    public String metricsUrl() {
        return metricsServer.url();
    }

    /**
     * Waits until the worker is closed, by its owner or because it has drained.
     *
     * @throws NameTakenException when a newer process has taken its name
     * @throws IllegalStateException when it stopped because a part of it failed
     */
    public void awaitStopped() throws InterruptedException {
        try {
            stopped.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NameTakenException taken) {
                throw taken;
            }
            throw new IllegalStateException("worker " + config.id() + " failed: " + e.getCause(), e.getCause());
        }
    }

    /**
     * Takes no new session from now on and closes itself when none is left, or when {@code limit} has passed.
     *
     * @param limit zero: no limit
     */
    public void drain(Duration limit, String reason) {
        membership.drain(limit, reason, true);
    }

    /** Announces LEFT and GONE and stops; sessions at hand are not finished. */
    @Override
    public void close() {
        if (membership != null && stopped.isCompletedExceptionally()) {
            membership.leaving("a part of it failed");
        }
        parts.close();
        stopped.complete(null);
    }

    private void open() throws InterruptedException {
        WorkerId self = config.id();
        ModelWeights weights = parts.push("weights", ModelFiles.weights(config.model()));
        config.sharing().requireCores(LaneThread.processCores().size());
        Device device = config.device().open();
        int rowBytes =
                config.activations().beforeMeasuring().rowBytes(weights.config().hiddenSize());
        double linkSeconds = config.linkBytesPerSecond().isPresent()
                ? rowBytes / config.linkBytesPerSecond().getAsDouble()
                : 0;
        PromptChunking chunks = PromptChunking.of(config.prefillChunk(), device, linkSeconds);
        PrometheusMeterRegistry meters = MetricsServer.newRegistry("worker");
        metricsServer = parts.push("metrics", MetricsServer.start(meters, config.metricsPort(), this::ailment));
        metricsServer.addHandler(DeviceSpeedHandler.PATH, new DeviceSpeedHandler(device));

        KafkaSettings kafka = config.kafka();
        TopicSpec<ActivationBatch> inTopic = Topics.activations(self);
        try (TopicAdmin admin = new TopicAdmin(kafka, config.startTimeout())) {
            admin.ensureNear(inTopic, config.region());
            admin.ensure(List.of(
                    Topics.TOKENS,
                    Topics.ERRORS,
                    Topics.REPORTS,
                    Topics.WORKERS,
                    Topics.HEARTBEATS,
                    Topics.WORKER_COMMANDS,
                    Topics.GPU_TELEMETRY,
                    Topics.LINK_TELEMETRY,
                    Topics.LIMITS,
                    Topics.PLACEMENTS));
        }
        SchemaRegistry registry =
                parts.push("registry", new SchemaRegistry(kafka.registryUrl(), config.startTimeout()));
        membership = Membership.open(self, config.membership(), kafka, registry, epochMillis, parts);
        RuntimeOptions options = new RuntimeOptions(config.threads(), (long) config.kvMib() * MIB)
                .withLanes(config.sharing().cores());
        OnnxStageRunner runner = parts.push("runner", OnnxStageRunner.empty(weights, options));
        parts.push("tokenizer", this::closeTokens);
        Producer<byte[], byte[]> durable = parts.push("producer", WorkerClients.durable(kafka, self));
        WorkerMetrics metrics = new WorkerMetrics(meters, self.value(), config.modelName());
        ComputeThread compute = new ComputeThread(nanos);
        int maxLayers = config.layers().isPresent()
                ? config.layers().get().size()
                : LayerCapacity.maxLayers(
                        config.maxLayers(),
                        weights.config(),
                        device,
                        options.kvBudgetBytes(),
                        options.lanes() > 0 ? 2 : 1);
        StatusPublisher statuses = new StatusPublisher(
                config,
                device,
                chunks,
                // 0: it keeps the layers it was given, so that no planner asks it to move.
                config.layers().isPresent() ? 0 : maxLayers,
                membership.incarnation(),
                metricsUrl(),
                new RecordSender<>(durable, new AvroSerializer<>(registry, Topics.WORKERS), Topics.WORKERS),
                epochMillis);
        Optional<PlacementFollower> follower = config.layers().isPresent()
                ? Optional.empty()
                : Optional.of(
                        parts.push("placements", new PlacementFollower(kafka, registry, config.modelName(), self)));
        LayerLoader loader = parts.push(
                "loader",
                new LayerLoader(
                        self + "-loader",
                        runner,
                        () -> tokenStep(weights.config()),
                        outcome -> compute.put(new Inbound.Loaded(outcome))));
        Speeds speeds = Speeds.of(device, runner, chunks, nanos);
        keeper = new LayerKeeper(self, runner, maxLayers, loader, speeds, membership::announce, metrics, nanos);
        begin(runner, device, speeds, maxLayers, follower);

        IntervalStats stats = new IntervalStats();
        new WorkerWiring(config, parts, threads, registry, durable, metrics, compute, stats, nanos, epochMillis)
                .wire(runner, device, chunks, keeper, membership.incarnation());
        OrderGate orders = new OrderGate(membership.standing(), order -> compute.put(new Inbound.Ordered(order)));
        membership.onServing(orders::release);
        join(statuses, stats, registry, compute);
        follower.ifPresent(
                placements -> threads.start("placements", () -> placements.run(orders::offer), placements::stop));
        Holding holding = keeper.holding();
        LOG.info(
                "worker={} state=joined model={} layers={} max_layers={} placement_epoch={} device={} emulated={}"
                        + " kv_tokens={} prefill_tokens_per_s={} decode_tokens_per_s={} topic={} metrics={}",
                self,
                config.modelName(),
                holding.served().map(LayerRange::toString).orElse("none"),
                maxLayers,
                holding.epoch(),
                device.name(),
                device.emulated(),
                holding.kvCapacityTokens(),
                Math.round(holding.cost().prefillTokensPerSecond(chunks.tokens(holding.layersServed()))),
                Math.round(holding.cost().decodeTokensPerSecond()),
                inTopic.name(),
                metricsUrl());
    }

    private void join(StatusPublisher statuses, IntervalStats stats, SchemaRegistry registry, ComputeThread compute) {
        Producer<byte[], byte[]> beats = parts.push(
                "heartbeat producer", WorkerClients.heartbeats(config.kafka(), config.id(), config.membership()));
        membership.join(
                statuses,
                keeper::holding,
                stats,
                beats,
                registry,
                threads::alive,
                this::depart,
                taken -> {
                    LOG.error("worker={} state=superseded message=\"{}\"", config.id(), taken.getMessage());
                    compute.close();
                    stopped.completeExceptionally(taken);
                },
                threads::start,
                parts);
    }

    /** Closes this worker from a thread that closing does not wait for. */
    private void depart(String reason) {
        membership.leaving(reason);
        LOG.info("worker={} state=leaving reason=\"{}\"", config.id(), reason);
        Thread.ofPlatform().name(config.id() + "-leave").start(this::close);
    }

    /** The first layers: those configured, or what the newest placement says, or none. */
    private void begin(
            OnnxStageRunner runner, Device device, Speeds speeds, int maxLayers, Optional<PlacementFollower> follower)
            throws InterruptedException {
        LayerOrder order = follower.isPresent() ? follower.get().newest() : new LayerOrder(0, config.layers());
        TokenStep tokens = follower.isPresent()
                ? FirstLayers.tryServe(config.id(), runner, order, maxLayers, () -> tokenStep(runner.model()))
                : FirstLayers.serve(runner, config.layers().orElseThrow(), maxLayers, () -> tokenStep(runner.model()));
        keeper.begin(order, FirstLayers.speed(runner, speeds, device.emulated()), tokens);
    }

    private TokenStep tokenStep(ModelConfig model) {
        var tokenizer = ModelFiles.tokenizer(config.model());
        TreeSet<Integer> eos = new TreeSet<>(model.eosTokenIds());
        eos.addAll(tokenizer.eos());
        return new TokenStep(config.id(), tokenizer, eos, model.contextLength(), epochMillis);
    }

    private void closeTokens() {
        if (keeper != null && keeper.tokens() != null) {
            keeper.tokens().close();
        }
    }

    private Optional<String> ailment() {
        return stopped.isCompletedExceptionally() ? Optional.of("a thread of the worker has failed") : Optional.empty();
    }
}
