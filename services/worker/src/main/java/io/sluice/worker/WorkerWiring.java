package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Limits;
import io.sluice.records.SessionReport;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.StageRunner;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.LimitsReader;
import io.sluice.worker.sharing.SharingControl;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the data path and the telemetry of a worker together: consumer thread, compute thread, publishers, and what closes
 * them. Used once, by the thread that starts the worker.
 */
final class WorkerWiring {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerWiring.class);

    private final WorkerConfig config;
    private final WorkerId self;
    private final KafkaSettings kafka;
    private final TopicSpec<ActivationBatch> inTopic;
    private final CloseStack parts;
    private final WorkerThreads threads;
    private final SchemaRegistry registry;
    private final Producer<byte[], byte[]> durable;
    private final WorkerMetrics metrics;
    private final ComputeThread compute;
    private final IntervalStats stats;
    private final LongSupplier nanos;
    private final LongSupplier epochMillis;
    private final LinkStats links = new LinkStats();

    /** @param durable for tokens, reports, errors and telemetry */
    WorkerWiring(
            WorkerConfig config,
            CloseStack parts,
            WorkerThreads threads,
            SchemaRegistry registry,
            Producer<byte[], byte[]> durable,
            WorkerMetrics metrics,
            ComputeThread compute,
            IntervalStats stats,
            LongSupplier nanos,
            LongSupplier epochMillis) {
        this.config = Objects.requireNonNull(config, "config");
        this.self = config.id();
        this.kafka = config.kafka();
        this.inTopic = Topics.activations(self);
        this.parts = Objects.requireNonNull(parts, "parts");
        this.threads = Objects.requireNonNull(threads, "threads");
        this.registry = Objects.requireNonNull(registry, "registry");
        this.durable = Objects.requireNonNull(durable, "durable");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.compute = Objects.requireNonNull(compute, "compute");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
    }

    /** Starts everything; the worker takes what comes from the end of its topic on. */
    void wire(StageRunner runner, Device device, PromptChunking chunks, LayerKeeper keeper, long incarnation) {
        NetworkView network = new NetworkView(self, config.linkBytesPerSecond());
        Optional<LinkPayloads> payloads = config.activations() == ActivationChoice.AUTO
                ? Optional.of(new LinkPayloads(self, runner.model().hiddenSize()))
                : Optional.empty();
        ErrorOutbox errors = errors();
        Producer<byte[], byte[]> fast = parts.push("activation producer", WorkerClients.fast(kafka, self));
        ActivationPublisher activations = new ActivationPublisher(
                fast, new AvroSerializer<>(registry, inTopic), self, WorkerWiring::epochMicros, nanos, compute::report);
        ChunkReader chunkReader = new ChunkReader(runner.model(), config.modelName(), self);
        LoopSettings settings = LoopSettings.of(
                self,
                payloads.isPresent()
                        ? payloads.get()
                        : PayloadTypes.fixed(config.activations().beforeMeasuring()),
                chunks,
                config.rebuild() == RebuildMode.EXACT);
        LogReader log = new LogReader(
                () -> WorkerClients.logConsumer(kafka, self),
                new AvroDeserializer<>(registry, inTopic),
                chunkReader,
                compute::put,
                settings.rebuildTimeout(),
                nanos);
        Outbox outbox = outbox(runner, device, chunks, activations, incarnation);
        SharingControl sharing = sharing(device);
        BesideLanes lanes = parts.push("lanes", lanes(sharing));
        StageLoop loop =
                new StageLoop(settings, runner, device, outbox, log, keeper, stats, metrics, nanos, sharing, lanes);
        metrics.observe(device, keeper::holding, stats, nanos, ProcessMemory::usedBytes);
        EnergyMeter energy = new EnergyMeter(device, stats, nanos);
        metrics.observeEnergy(device, energy);
        report(device, energy, network, payloads, keeper, sharing, incarnation);
        threads.start("log", log::run, log::close);
        threads.startVital("compute", () -> compute.run(loop), compute::close);
        follow(sharing, incarnation);
        consume(chunkReader, errors);
    }

    /** The last cores of the process, one for each lane. */
    private BesideLanes lanes(SharingControl sharing) {
        List<Integer> cores = LaneThread.processCores();
        int count = config.sharing().cores();
        return new BesideLanes(
                sharing,
                nanos,
                compute::wake,
                IntStream.range(0, count)
                        .<SideLane.Opener>mapToObj(lane -> back -> LaneThread.start(
                                self + "-lane-" + lane, cores.get(cores.size() - count + lane), lane, back))
                        .toList());
    }

    private SharingControl sharing(Device device) {
        SharingMetrics shared = metrics.sharing();
        SharingControl sharing = new SharingControl(
                config.sharing(),
                device.gate().withSideLanes(config.sharing().cores()),
                Math.max(LaneThread.processCores().size(), config.sharing().cores()),
                shared::computed);
        shared.observe(sharing, nanos);
        return sharing;
    }

    /** Limits come through the compute thread, so that what it decides by does not change under its hands. */
    private void follow(SharingControl sharing, long incarnation) {
        if (!sharing.enabled()) {
            return;
        }
        TopicFollower<Limits> follower =
                parts.push("limits", new TopicFollower<>(kafka, registry, Topics.LIMITS, self));
        LimitsReader reader = new LimitsReader(self.value(), incarnation);
        threads.start(
                "limits",
                () -> follower.run(record -> reader.read(record, nanos.getAsLong(), epochMillis.getAsLong())
                        .ifPresent(limits -> compute.put(new Inbound.Limited(limits)))),
                follower::stop);
    }

    private ErrorOutbox errors() {
        RecordSender<ErrorRecord> records =
                new RecordSender<>(durable, new AvroSerializer<>(registry, Topics.ERRORS), Topics.ERRORS);
        return new ErrorOutbox("worker " + self, epochMillis, error -> {
            LOG.warn("request={} reason={} message={}", error.getRequestId(), error.getReason(), error.getMessage());
            records.send(ErrorPublisher.key(error), error);
        });
    }

    private Outbox outbox(
            StageRunner runner,
            Device device,
            PromptChunking chunks,
            ActivationPublisher activations,
            long incarnation) {
        TokenPublisher tokens =
                new TokenPublisher(durable, new AvroSerializer<>(registry, Topics.TOKENS), compute::report);
        RecordSender<SessionReport> troubles =
                new RecordSender<>(durable, new AvroSerializer<>(registry, Topics.REPORTS), Topics.REPORTS);
        return new KafkaOutbox(
                activations,
                pacedLinks(runner, device, chunks, activations),
                tokens,
                new ReportPublisher(self, incarnation, epochMillis, troubles::send));
    }

    /** Where this worker's link is slow, what waits for it. Closed after the compute thread, before the producer. */
    private Optional<PacedLinks> pacedLinks(
            StageRunner runner, Device device, PromptChunking chunks, ActivationPublisher activations) {
        double bytesPerSecond = config.linkBytesPerSecond(device);
        int bytesPerToken =
                config.activations().beforeMeasuring().rowBytes(runner.model().hiddenSize());
        Optional<PacedLinks> paced = PacedLinks.pacer(bytesPerSecond, chunks.mostTokens(), bytesPerToken)
                .map(pacer -> new PacedLinks(pacer, activations::send, nanos, compute::wake));
        paced.ifPresent(slow -> {
            threads.start("links", slow::run, slow::close);
            metrics.observeLinks(slow::promptTokens);
        });
        LOG.info(
                "worker={} link_bytes_per_s={} bytes_per_position={} sends={}",
                self,
                Math.round(bytesPerSecond),
                bytesPerToken,
                paced.isPresent() ? "paced" : "at_once");
        return paced;
    }

    private void report(
            Device device,
            EnergyMeter energy,
            NetworkView network,
            Optional<LinkPayloads> payloads,
            LayerKeeper keeper,
            SharingControl sharing,
            long incarnation) {
        TelemetryTimer telemetry = parts.push("telemetry", new TelemetryTimer(self, network, links, payloads, nanos));
        telemetry.start(
                new TelemetryPublisher(
                        self,
                        incarnation,
                        config.modelName(),
                        device,
                        () -> keeper.holding().kvCapacityTokens(),
                        stats,
                        energy,
                        sharing,
                        links,
                        ProcessMemory::usedBytes,
                        nanos,
                        epochMillis,
                        telemetry::worked),
                durable,
                registry,
                config.telemetryInterval());
        LinkReports reports =
                new LinkReports(kafka, registry, seen -> network.reported(seen, nanos.getAsLong() / 1_000_000));
        threads.start("link reports", reports::run, reports::stop);
    }

    private void consume(ChunkReader chunkReader, ErrorOutbox errors) {
        Consumer<byte[], byte[]> consumer = parts.push("consumer", WorkerClients.consumer(kafka, self));
        ActivationAdapter adapter = new ActivationAdapter(
                consumer,
                inTopic.name(),
                new AvroDeserializer<>(registry, inTopic),
                chunkReader,
                compute::put,
                errors,
                links,
                metrics,
                nanos,
                WorkerWiring::epochMicros);
        metrics.observeLag(adapter::lag);
        adapter.seekToEnd();
        threads.startVital("consumer", adapter::run, adapter::close);
    }

    private static long epochMicros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }
}
