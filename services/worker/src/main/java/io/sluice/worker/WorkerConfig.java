package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.PromptChunks;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * What a worker is told. Immutable.
 *
 * @param id of this worker; also a part of its topic's name
 * @param kafka broker and registry
 * @param model folder of a Hugging Face model, or a .gguf file
 * @param modelName name under which it is served
 * @param layers layers to hold whatever placements say; empty: as the placements say, and none while they say nothing
 * @param maxLayers most layers to hold at once; empty: as many as fit. Without effect where {@code layers} are given
 * @param device what to compute on
 * @param threads compute threads
 * @param kvMib KV cache, MiB
 * @param prefillChunk prompt positions per chunk; empty: by the layer times of an emulated device,
 *     {@value #DEFAULT_PREFILL_CHUNK} on a real one
 * @param linkBytesPerSecond bandwidth of this worker's network, which is announced to the planner and which sending keeps
 *     to where it is low; empty: the device's
 * @param activations element type of the hidden states sent on, or how it is chosen
 * @param region where this worker is
 * @param metricsPort 0: any free one
 * @param telemetryInterval between two GPU telemetry records; links are reported half as often
 * @param startTimeout how long broker and registry are waited for at start
 * @param membership heartbeats, lease and drain
 * @param rebuild how sessions are computed again after a loss
 * @param sharing whether best-effort work is taken, and what it may cost
 */
public record WorkerConfig(
        WorkerId id,
        KafkaSettings kafka,
        Path model,
        String modelName,
        Optional<LayerRange> layers,
        OptionalInt maxLayers,
        DeviceSpec device,
        int threads,
        int kvMib,
        OptionalInt prefillChunk,
        OptionalDouble linkBytesPerSecond,
        ActivationChoice activations,
        String region,
        int metricsPort,
        Duration telemetryInterval,
        Duration startTimeout,
        MembershipSettings membership,
        RebuildMode rebuild,
        SharingSettings sharing) {
    public static final int DEFAULT_KV_MIB = 256;
    public static final int DEFAULT_PREFILL_CHUNK = 128;
    public static final Duration DEFAULT_TELEMETRY_INTERVAL = Duration.ofMillis(250);
    public static final Duration DEFAULT_START_TIMEOUT = Duration.ofSeconds(60);

    private static final int MAX_PORT = 65_535;
    private static final double MAX_LINK_BYTES_PER_SECOND = 1e15;

    public WorkerConfig {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(kafka, "kafka");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(layers, "layers");
        Objects.requireNonNull(maxLayers, "maxLayers");
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(activations, "activations");
        Objects.requireNonNull(region, "region");
        Objects.requireNonNull(membership, "membership");
        Objects.requireNonNull(rebuild, "rebuild");
        Objects.requireNonNull(sharing, "sharing");
        require(modelName != null && !modelName.isBlank(), "--model-name", modelName, "must not be empty");
        require(maxLayers.orElse(1) >= 1, "--max-layers", maxLayers.orElse(1), "must be at least 1");
        require(threads >= 1, "--threads", threads, "must be at least 1");
        require(kvMib >= 1, "--kv-mib", kvMib, "must be at least 1");
        require(
                prefillChunk.orElse(DEFAULT_PREFILL_CHUNK) >= PromptChunks.MIN_CHUNK,
                "--prefill-chunk",
                prefillChunk.orElse(DEFAULT_PREFILL_CHUNK),
                "must be at least " + PromptChunks.MIN_CHUNK);
        double link = linkBytesPerSecond.orElse(1);
        require(
                link >= 1 && link <= MAX_LINK_BYTES_PER_SECOND,
                "--link-bytes-per-s",
                link,
                "must be 1 to " + MAX_LINK_BYTES_PER_SECOND);
        require(metricsPort >= 0 && metricsPort <= MAX_PORT, "--metrics-port", metricsPort, "must be 0 to " + MAX_PORT);
        require(
                sharing.cores() == 0 || device.profile().isEmpty(),
                "--best-effort-cores",
                sharing.cores(),
                "needs --device cpu, not " + device + ": leave it away");
        require(telemetryInterval.toMillis() >= 10, "telemetry interval", telemetryInterval, "must be at least 10 ms");
        require(!startTimeout.isNegative(), "start timeout", startTimeout, "must not be negative");
    }

    /** The same worker with what {@code change} sets. */
    public WorkerConfig with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.config();
    }

    /** A configuration that is being changed: the fields are the components of the same names. Owned by one thread. */
    public static final class Draft {
        public DeviceSpec device;
        public OptionalInt maxLayers;
        public int threads;
        public int kvMib;
        public OptionalInt prefillChunk;
        public OptionalDouble linkBytesPerSecond;
        public ActivationChoice activations;
        public String region;
        public int metricsPort;
        public Duration telemetryInterval;
        public Duration startTimeout;
        public MembershipSettings membership;
        public RebuildMode rebuild;
        public SharingSettings sharing;

        private final WorkerConfig rest;

        private Draft(WorkerConfig from) {
            rest = from;
            device = from.device;
            maxLayers = from.maxLayers;
            threads = from.threads;
            kvMib = from.kvMib;
            prefillChunk = from.prefillChunk;
            linkBytesPerSecond = from.linkBytesPerSecond;
            activations = from.activations;
            region = from.region;
            metricsPort = from.metricsPort;
            telemetryInterval = from.telemetryInterval;
            startTimeout = from.startTimeout;
            membership = from.membership;
            rebuild = from.rebuild;
            sharing = from.sharing;
        }

        private WorkerConfig config() {
            return new WorkerConfig(
                    rest.id,
                    rest.kafka,
                    rest.model,
                    rest.modelName,
                    rest.layers,
                    maxLayers,
                    device,
                    threads,
                    kvMib,
                    prefillChunk,
                    linkBytesPerSecond,
                    activations,
                    region,
                    metricsPort,
                    telemetryInterval,
                    startTimeout,
                    membership,
                    rebuild,
                    sharing);
        }
    }

    /** Bandwidth declared, else the device's, bytes per second. */
    double linkBytesPerSecond(Device opened) {
        return linkBytesPerSecond.orElse(opened.linkBytesPerSecond());
    }

    /** A worker on the CPU with the defaults. */
    public static WorkerConfig onCpu(
            WorkerId id, KafkaSettings kafka, Path model, String modelName, Optional<LayerRange> layers) {
        return new WorkerConfig(
                id,
                kafka,
                model,
                modelName,
                layers,
                OptionalInt.empty(),
                DeviceSpec.CPU,
                Runtime.getRuntime().availableProcessors(),
                DEFAULT_KV_MIB,
                OptionalInt.empty(),
                OptionalDouble.empty(),
                ActivationDtype.FP16,
                "local",
                0,
                DEFAULT_TELEMETRY_INTERVAL,
                DEFAULT_START_TIMEOUT,
                MembershipSettings.DEFAULT,
                RebuildMode.EXACT,
                SharingSettings.DEFAULT);
    }

    private static void require(boolean holds, String name, Object value, String rule) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is '" + value + "'; it " + rule);
        }
    }
}
