package io.sluice.worker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.sluice.core.recovery.Trouble;
import io.sluice.worker.device.Device;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * The worker's Prometheus meters: DCGM names for the device (with {@code emulated="true"} where the pace is emulated),
 * OpenTelemetry GenAI names for token latency, {@code sluice_worker_*} for the rest. Thread-safe.
 */
final class WorkerMetrics {
    private static final double MIB = 1 << 20;
    private static final Duration[] BUCKETS = {
        Duration.ofNanos(100_000),
        Duration.ofNanos(250_000),
        Duration.ofNanos(500_000),
        Duration.ofMillis(1),
        Duration.ofNanos(2_500_000),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofMillis(2_500),
        Duration.ofSeconds(10)
    };

    private final MeterRegistry registry;
    private final Tags tags;
    private final Timer queue;
    private final Timer compute;
    private final Timer timePerOutputToken;
    private final DistributionSummary batchSessions;
    private final Counter prefillTokens;
    private final Counter decodeTokens;
    private final Counter sampledTokens;
    private final Map<String, Timer> links = new ConcurrentHashMap<>();

    /** @param model served model */
    WorkerMetrics(MeterRegistry registry, String worker, String model) {
        this.registry = Objects.requireNonNull(registry, "registry");
        this.tags = Tags.of("worker", worker, "model", model);
        this.queue = timer("sluice.worker.queue", "Wait of a chunk before its batch.", tags);
        this.compute = timer("sluice.worker.compute", "Duration of a batch, an emulated device's pace included.", tags);
        this.timePerOutputToken = timer(
                "gen_ai.server.time_per_output_token",
                "Time between a session's output tokens, at the last stage.",
                tags.and("gen_ai.operation.name", "text_completion", "gen_ai.response.model", model));
        this.batchSessions = DistributionSummary.builder("sluice.worker.batch.sessions")
                .description("Sessions in a batch.")
                .tags(tags)
                .serviceLevelObjectives(1, 2, 4, 8, 16, 32, 64)
                .register(registry);
        this.prefillTokens = tokens("prefill");
        this.decodeTokens = tokens("decode");
        this.sampledTokens = Counter.builder("sluice.worker.tokens.sampled")
                .description("Tokens sampled at the last stage.")
                .tags(tags)
                .register(registry);
    }

    /** Registers the gauges that read the device, the layers held and the interval figures. */
    void observe(
            Device device, Supplier<Holding> holding, IntervalStats stats, LongSupplier nanos, LongSupplier usedBytes) {
        Tags gpu = gpu(device);
        BusyShare share = new BusyShare(stats, nanos);
        Gauge.builder("DCGM_FI_DEV_GPU_UTIL", share, BusyShare::percent)
                .description("Busy share of the device in percent, over the last second or more.")
                .tags(gpu)
                .strongReference(true)
                .register(registry);
        Gauge.builder("DCGM_FI_DEV_FB_USED", usedBytes, bytes -> bytes.getAsLong() / MIB)
                .description("Memory in use in MiB; of a CPU or emulated device, the process's resident memory.")
                .tags(gpu)
                .strongReference(true)
                .register(registry);
        Gauge.builder(
                        "DCGM_FI_DEV_FB_FREE",
                        usedBytes,
                        bytes -> Math.max(0, device.memoryBytes() - bytes.getAsLong()) / MIB)
                .description("Memory free in MiB.")
                .tags(gpu)
                .strongReference(true)
                .register(registry);
        gauge("sluice.worker.device.speed", "Speed factor against the device's profile.", gpu, device, Device::speed);
        FunctionCounter.builder("sluice.worker.busy", stats, s -> s.busyNanos(nanos.getAsLong()) / 1e9)
                .description("Time the device was busy, an emulated device's pace included.")
                .baseUnit("seconds")
                .tags(gpu)
                .register(registry);
        gauge("sluice.worker.queue.chunks", "Chunks waiting.", tags, stats, IntervalStats::queueChunks);
        gauge("sluice.worker.sessions", "Sessions at this stage.", tags, stats, IntervalStats::sessions);
        gauge("sluice.worker.kv.used.tokens", "KV cache reserved.", tags, stats, IntervalStats::kvUsedTokens);
        holding("kv.capacity.tokens", "KV cache capacity over the layers served.", holding, h -> h.kvCapacityTokens());
        holding("first.layer", "First layer served.", holding, h -> h.firstLayer());
        holding("end.layer", "End of the layers served, exclusive; 0: a spare.", holding, h -> h.endLayer());
        holding("layers.served", "Layers served to new sessions; 0: a spare.", holding, h -> h.layersServed());
        holding("layers.loaded", "Layers in memory, those being loaded included.", holding, h -> h.held()
                .size());
        holding(
                "draining.sessions",
                "Sessions on layers that are no longer served.",
                holding,
                h -> h.drainingSessions());
        holding("placement.epoch", "Newest placement carried out; 0: none.", holding, h -> h.epoch());
    }

    /** Registers what the device draws, where that is known; emulated devices' figures are estimates and say so. */
    void observeEnergy(Device device, EnergyMeter energy) {
        if (!energy.known()) {
            return;
        }
        Tags gpu = gpu(device);
        Gauge.builder("DCGM_FI_DEV_POWER_USAGE", energy, EnergyMeter::watts)
                .description("Power of the device in W, over the last second or more; of a CPU, its packages'.")
                .tags(gpu)
                .strongReference(true)
                .register(registry);
        Gauge.builder(
                        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
                        energy,
                        e -> e.joules().orElse(Double.NaN) * 1e3)
                .description("Energy of the device since the worker started, in mJ.")
                .tags(gpu)
                .strongReference(true)
                .register(registry);
        if (energy.divided()) {
            for (EnergyMeter.Use use : EnergyMeter.Use.values()) {
                FunctionCounter.builder("sluice.worker.energy", energy, e -> e.joules(use))
                        .description("Energy of the device: idle all the time, and what work of each class added.")
                        .baseUnit("joules")
                        .tags(gpu.and("use", use.name().toLowerCase(Locale.ROOT)))
                        .register(registry);
            }
        }
    }

    private Tags gpu(Device device) {
        return tags.and(
                Tag.of("gpu", "0"),
                Tag.of("device", device.name()),
                Tag.of("modelName", device.name()),
                Tag.of("emulated", Boolean.toString(device.emulated())));
    }

    /** The meters of how the device is shared, with the same tags. */
    SharingMetrics sharing() {
        return new SharingMetrics(registry, tags);
    }

    /**
     * A placement was followed, or not.
     *
     * @param outcome done, unchanged, failed or superseded
     * @param nanosTaken from when it was heard of
     */
    void transition(String outcome, long nanosTaken) {
        timer(
                        "sluice.worker.transition",
                        "Time from a placement to its being carried out, by outcome: done, unchanged (the same layers),"
                                + " failed (what was served stays) or superseded by a newer one.",
                        tags.and("outcome", outcome))
                .record(nanosTaken, TimeUnit.NANOSECONDS);
    }

    /** Registers the gauge of records not yet read. */
    void observeLag(LongSupplier lag) {
        gauge(
                "sluice.worker.consumer.lag",
                "Records of the worker's topic not yet read.",
                tags,
                lag,
                LongSupplier::getAsLong);
    }

    /** Registers the gauge of what waits for a slow link. */
    void observeLinks(LongSupplier promptTokens) {
        gauge(
                "sluice.worker.link.waiting.tokens",
                "Prompt positions that wait for this worker's slow link.",
                tags,
                promptTokens,
                LongSupplier::getAsLong);
    }

    void batch(int sessions, int prefill, int decode, long computeNanos) {
        compute.record(computeNanos, TimeUnit.NANOSECONDS);
        batchSessions.record(sessions);
        computed(prefill, decode);
    }

    /** Tokens computed by a batch of either class. */
    void computed(int prefill, int decode) {
        if (prefill > 0) {
            prefillTokens.increment(prefill);
        }
        if (decode > 0) {
            decodeTokens.increment(decode);
        }
    }

    void queued(long nanosWaited) {
        queue.record(nanosWaited, TimeUnit.NANOSECONDS);
    }

    /** @param sinceFormerNanos since the session's former token; 0 for its first */
    void sampled(long sinceFormerNanos) {
        sampledTokens.increment();
        if (sinceFormerNanos > 0) {
            timePerOutputToken.record(sinceFormerNanos, TimeUnit.NANOSECONDS);
        }
    }

    void received(String sender, long transferMicros) {
        links.computeIfAbsent(
                        sender,
                        from -> timer(
                                "sluice.worker.link",
                                "Transfer time of a record, by both clocks.",
                                tags.and("from", from)))
                .record(Math.max(0, transferMicros), TimeUnit.MICROSECONDS);
    }

    /** @param why duplicate, fenced, ended or expired */
    void dropped(String why) {
        registry.counter("sluice.worker.chunks.dropped", tags.and("why", why)).increment();
    }

    /** A session that cannot go on here was reported. */
    void failed(Trouble trouble) {
        registry.counter("sluice.worker.failures", tags.and("reason", trouble.name()))
                .increment();
    }

    private Counter tokens(String phase) {
        return Counter.builder("sluice.worker.tokens")
                .description("Positions computed.")
                .tags(tags.and("phase", phase))
                .register(registry);
    }

    private Timer timer(String name, String description, Tags timerTags) {
        return Timer.builder(name)
                .description(description)
                .tags(timerTags)
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    private void holding(String name, String description, Supplier<Holding> holding, ToDoubleFunction<Holding> value) {
        gauge("sluice.worker." + name, description, tags, holding, source -> value.applyAsDouble(source.get()));
    }

    private <T> void gauge(String name, String description, Tags gaugeTags, T source, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value)
                .description(description)
                .tags(gaugeTags)
                .strongReference(true)
                .register(registry);
    }

    /** Busy share between two scrapes that are at least a second apart. */
    private static final class BusyShare {
        private static final long WINDOW_NANOS = 1_000_000_000L;

        private final IntervalStats stats;
        private final LongSupplier nanos;
        private long fromNanos;
        private long fromBusyNanos;
        private double percent;

        BusyShare(IntervalStats stats, LongSupplier nanos) {
            this.stats = stats;
            this.nanos = nanos;
            this.fromNanos = nanos.getAsLong();
        }

        synchronized double percent() {
            long now = nanos.getAsLong();
            long busy = stats.busyNanos(now);
            if (now - fromNanos >= WINDOW_NANOS) {
                percent = 100.0 * (busy - fromBusyNanos) / (now - fromNanos);
                fromNanos = now;
                fromBusyNanos = busy;
            }
            return Math.max(0, Math.min(100, percent));
        }
    }
}
