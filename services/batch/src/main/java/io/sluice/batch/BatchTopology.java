package io.sluice.batch;

import io.sluice.messaging.streams.GraphParts;
import io.sluice.records.BestEffortJob;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.util.List;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Repartitioned;

/**
 * The batch service's graph, and nothing else:
 *
 * <pre>
 *   jobs ────────┐                                                ┌─► requests
 *   completions ─┼─► intake ─► one repartition topic ─► batch ────┼─► progress
 *   errors ──────┘   (a task per partition)     (one task, stores)└─► errors
 * </pre>
 *
 * Everything that concerns jobs is decided by one task. Completions and errors come back by request id, so a job's items
 * are spread over all partitions of those topics; and how the window is shared, in which order a tenant's jobs go, and what
 * may be kept at most are decisions over all jobs. So the intake, a task per partition that reads keys only, sends what
 * concerns jobs through a repartition topic of one partition; what it drops, the completions of everybody else, is most.
 * That bounds the service by one thread, which passes thousands of items a second; a cluster serves fewer. Another instance
 * of the service takes the task over with its stores when this one is gone.
 *
 * <p>A request, the item's new state and the offsets of what led to it are one transaction, and so are a result and its
 * item's state: an item has exactly one result, whatever dies.
 */
final class BatchTopology {
    static final String INTAKE_SOURCE = "batch-source";
    static final String INTAKE = "batch-intake";
    static final String REPARTITION = "batch-everything";
    static final String PROCESSOR = "batch";
    static final String REQUESTS_SINK = "batch-requests-sink";
    static final String PROGRESS_SINK = "batch-progress-sink";
    static final String ERRORS_SINK = "batch-errors-sink";

    static final String JOBS_STORE = "batch-jobs";
    static final String ITEMS_STORE = "batch-items";
    static final String LINES_STORE = "batch-lines";

    private BatchTopology() {}

    /** Readers and writers of the service's topics; constructing it registers the schemas. */
    record Formats(
            AvroDeserializer<BestEffortJob> jobs,
            AvroDeserializer<Completion> completions,
            AvroDeserializer<ErrorRecord> failures,
            AvroSerializer<InferenceRequest> requests,
            AvroSerializer<BestEffortProgress> progress,
            AvroSerializer<ErrorRecord> errors) {
        static Formats of(SchemaRegistry registry) {
            return new Formats(
                    new AvroDeserializer<>(registry, Topics.BEST_EFFORT_JOBS),
                    new AvroDeserializer<>(registry, Topics.COMPLETIONS),
                    new AvroDeserializer<>(registry, Topics.ERRORS),
                    new AvroSerializer<>(registry, Topics.REQUESTS),
                    new AvroSerializer<>(registry, Topics.BEST_EFFORT_PROGRESS),
                    new AvroSerializer<>(registry, Topics.ERRORS));
        }
    }

    static Topology build(BatchConfig config, SchemaRegistry registry, BatchMetrics metrics) {
        Formats formats = Formats.of(registry);
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(GraphParts.store(JOBS_STORE))
                .addStateStore(GraphParts.store(ITEMS_STORE))
                .addStateStore(GraphParts.store(LINES_STORE));
        builder.stream(
                        List.of(Topics.BEST_EFFORT_JOBS.name(), Topics.COMPLETIONS.name(), Topics.ERRORS.name()),
                        Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                                .withName(INTAKE_SOURCE)
                                .withOffsetResetPolicy(AutoOffsetReset.earliest())
                                .withTimestampExtractor(GraphParts.LENIENT_TIME))
                .process(BatchIntake::new, Named.as(INTAKE))
                .repartition(Repartitioned.<byte[], byte[]>as(REPARTITION)
                        .withKeySerde(Serdes.ByteArray())
                        .withValueSerde(Serdes.ByteArray())
                        .withNumberOfPartitions(1))
                .process(
                        () -> new BatchProcessor(config, formats, metrics),
                        Named.as(PROCESSOR),
                        JOBS_STORE,
                        ITEMS_STORE,
                        LINES_STORE);
        ByteArraySerializer keys = new ByteArraySerializer();
        Topology topology = builder.build();
        return topology.addSink(
                        REQUESTS_SINK, GraphParts.topic(Topics.REQUESTS.name()), keys, formats.requests(), PROCESSOR)
                .addSink(
                        PROGRESS_SINK,
                        GraphParts.topic(Topics.BEST_EFFORT_PROGRESS.name()),
                        keys,
                        formats.progress(),
                        PROCESSOR)
                .addSink(ERRORS_SINK, GraphParts.topic(Topics.ERRORS.name()), keys, formats.errors(), PROCESSOR);
    }
}
