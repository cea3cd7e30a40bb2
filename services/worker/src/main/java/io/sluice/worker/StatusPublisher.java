package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.records.LoadedLayers;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.worker.device.Device;
import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;

/** Announces what this worker is and holds. Thread-safe. */
final class StatusPublisher {
    private final WorkerConfig config;
    private final Device device;
    private final PromptChunking chunks;
    private final int maxLayers;
    private final double linkBytesPerSecond;
    private final long incarnation;
    private final String metricsUrl;
    private final RecordSender<WorkerStatus> sender;
    private final LongSupplier epochMillis;

    StatusPublisher(
            WorkerConfig config,
            Device device,
            PromptChunking chunks,
            int maxLayers,
            long incarnation,
            String metricsUrl,
            RecordSender<WorkerStatus> sender,
            LongSupplier epochMillis) {
        this.config = Objects.requireNonNull(config, "config");
        this.device = Objects.requireNonNull(device, "device");
        this.chunks = Objects.requireNonNull(chunks, "chunks");
        this.maxLayers = maxLayers;
        this.linkBytesPerSecond = config.linkBytesPerSecond(device);
        this.incarnation = incarnation;
        this.metricsUrl = Objects.requireNonNull(metricsUrl, "metricsUrl");
        this.sender = Objects.requireNonNull(sender, "sender");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
    }

    void send(WorkerState state, Holding holding) {
        sender.send(config.id().value(), record(state, holding));
    }

    /** Announces and waits until it is delivered, at most for so long. */
    void sendAndWait(WorkerState state, Holding holding, Duration timeout) {
        sender.sendAndWait(config.id().value(), record(state, holding), timeout);
    }

    private WorkerStatus record(WorkerState state, Holding holding) {
        CostModel cost = holding.cost();
        return WorkerStatus.newBuilder()
                .setWorker(config.id().value())
                .setState(state)
                .setIncarnation(incarnation)
                .setModel(config.modelName())
                .setFirstLayer(holding.firstLayer())
                .setEndLayer(holding.endLayer())
                .setDevice(device.name())
                .setEmulated(device.emulated())
                .setMemoryBytes(device.memoryBytes())
                .setKvCapacityTokens(holding.kvCapacityTokens())
                .setRegion(config.region())
                .setPrefillTokensPerS(cost.prefillTokensPerSecond(chunks.tokens(holding.layersServed())))
                .setDecodeTokensPerS(cost.decodeTokensPerSecond())
                .setBatchUs(cost.batchMicros())
                .setPrefillUsPerToken(cost.prefillMicros())
                .setDecodeUsPerToken(cost.decodeMicros())
                .setLinkBytesPerS(linkBytesPerSecond)
                .setMetricsUrl(metricsUrl)
                .setAtMs(epochMillis.getAsLong())
                .setLoaded(holding.held().ranges().stream()
                        .map(StatusPublisher::loaded)
                        .toList())
                .setMaxLayers(maxLayers)
                .setPlacementEpoch(holding.epoch())
                .setDrainingSessions(holding.drainingSessions())
                .build();
    }

    private static LoadedLayers loaded(LayerRange range) {
        return new LoadedLayers(range.first(), range.end());
    }
}
