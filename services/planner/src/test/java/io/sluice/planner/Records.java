package io.sluice.planner;

import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.Placement;
import io.sluice.records.Stage;
import io.sluice.records.TransferSample;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;

/** Wire records for tests. */
final class Records {
    static final String MODEL = "psalm";
    /** One registry for all subtasks of a test JVM: the job graph carries no registry, only a way to open one. */
    static final SchemaRegistry REGISTRY = SchemaRegistry.inMemory();

    private Records() {}

    static RegistryProvider registries() {
        return () -> REGISTRY;
    }

    static WorkerStatus worker(String id, int first, int end, WorkerState state, long incarnation, long at) {
        return WorkerStatus.newBuilder()
                .setWorker(id)
                .setState(state)
                .setIncarnation(incarnation)
                .setModel(MODEL)
                .setFirstLayer(first)
                .setEndLayer(end)
                .setDevice("emulated:t4")
                .setEmulated(true)
                .setMemoryBytes(1L << 30)
                .setKvCapacityTokens(4096)
                .setRegion("r1")
                .setPrefillTokensPerS(100)
                .setDecodeTokensPerS(100)
                .setLinkBytesPerS(1e9)
                .setAtMs(at)
                .build();
    }

    static Placement placement(long epoch, Stage... stages) {
        return Placement.newBuilder()
                .setModel(MODEL)
                .setEpoch(epoch)
                .setLayerCount(4)
                .setHiddenSize(64)
                .setActivationBytes(2)
                .setStages(List.of(stages))
                .setMethod("test")
                .setAtMs(0)
                .build();
    }

    static GpuTelemetry gpu(String id, long incarnation, long sequence, long at, long busyMicros, long tokens) {
        return GpuTelemetry.newBuilder()
                .setWorker(id)
                .setIncarnation(incarnation)
                .setModel(MODEL)
                .setSequence(sequence)
                .setAtMs(at)
                .setIntervalMs(250)
                .setBusyUs(busyMicros)
                .setUtilization(busyMicros / 250_000.0)
                .setPrefillTokens(0)
                .setDecodeTokens(tokens)
                .setBatches(tokens)
                .setQueueChunks(0)
                .setSessions(1)
                .setKvUsedTokens(0)
                .setKvCapacityTokens(4096)
                .setMemoryUsedBytes(0)
                .setMemoryTotalBytes(1L << 30)
                .build();
    }

    static LinkTelemetry link(String from, String to, long at, long bytes, long micros) {
        return LinkTelemetry.newBuilder()
                .setFromWorker(from)
                .setToWorker(to)
                .setModel(MODEL)
                .setAtMs(at)
                .setIntervalMs(500)
                .setRecords(1)
                .setBytes(bytes)
                .setSamples(List.of(new TransferSample(bytes, micros)))
                .build();
    }

    static <T extends SpecificRecord> byte[] bytes(TopicSpec<T> topic, T record) {
        return new AvroSerializer<>(REGISTRY, topic).serialize(topic.name(), record);
    }

    static RawRecord raw(TopicSpec<?> topic, String key, byte[] value) {
        RawRecord raw = new RawRecord();
        raw.topic = topic.name();
        raw.partition = 0;
        raw.offset = 42;
        raw.timestamp = 1;
        raw.key = key.getBytes(StandardCharsets.UTF_8);
        raw.value = value;
        return raw;
    }

    static RawRecord raw(WorkerStatus status) {
        return raw(Topics.WORKERS, status.getWorker(), bytes(Topics.WORKERS, status));
    }
}
