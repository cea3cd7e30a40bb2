package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.messaging.streams.GraphParts;
import io.sluice.records.ActivationBatch;
import io.sluice.records.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.util.function.Predicate;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.RecordContext;

/**
 * The router's graph, and nothing else:
 *
 * <pre>
 *   requests ─┐               ┌─► activations.(first worker)
 *   tokens  ──┼─► router ─────┼─► sessions, completions, errors
 *   reports ──┘     ▲         └─► requests (those on a wrong partition)
 *   allocations ────┘ (global store)
 * </pre>
 *
 * Values come in as bytes, so that a bad one ends in the errors topic instead of in an exception. Heartbeats come in
 * beside the graph, see {@link MembershipListener}: what counts of them is when they arrive.
 */
final class RouterTopology {
    static final String REQUESTS_SOURCE = "requests-source";
    static final String TOKENS_SOURCE = "tokens-source";
    static final String REPORTS_SOURCE = "reports-source";
    static final String ALLOCATIONS_SOURCE = "allocations-source";
    static final String ALLOCATIONS_PROCESSOR = "allocations-collector";
    static final String PROCESSOR = "router";
    static final String ACTIVATIONS_SINK = "activations-sink";
    static final String SESSIONS_SINK = "sessions-sink";
    static final String COMPLETIONS_SINK = "completions-sink";
    static final String ERRORS_SINK = "errors-sink";
    static final String REHOMED_SINK = "rehomed-requests-sink";

    static final String SESSIONS_STORE = "router-sessions";
    static final String TOKENS_STORE = "router-tokens";
    static final String ALLOCATIONS_STORE = "router-valid-allocations";
    static final String ALLOCATIONS_GLOBAL_STORE = "router-latest-allocations";

    private RouterTopology() {}

    /** Readers and writers of the router's topics; constructing it registers the schemas. */
    record Formats(
            AvroDeserializer<InferenceRequest> requests,
            AvroDeserializer<Token> tokens,
            AvroDeserializer<SessionReport> reports,
            AvroDeserializer<Allocation> allocations,
            AvroSerializer<ActivationBatch> activations,
            AvroSerializer<Session> sessions,
            AvroSerializer<Completion> completions,
            AvroSerializer<ErrorRecord> errors) {
        static Formats of(SchemaRegistry registry) {
            return new Formats(
                    new AvroDeserializer<>(registry, Topics.REQUESTS),
                    new AvroDeserializer<>(registry, Topics.TOKENS),
                    new AvroDeserializer<>(registry, Topics.REPORTS),
                    new AvroDeserializer<>(registry, Topics.ALLOCATIONS),
                    new AvroSerializer<>(registry, Topics.activations(new WorkerId("any"))),
                    new AvroSerializer<>(registry, Topics.SESSIONS),
                    new AvroSerializer<>(registry, Topics.COMPLETIONS),
                    new AvroSerializer<>(registry, Topics.ERRORS));
        }
    }

    /**
     * @param partitions of the requests topic, which the tokens and reports topics share
     * @param topicExists whether a worker's activation topic exists
     * @param members who is there; whoever calls keeps it fed
     */
    static Topology build(
            RouterConfig config,
            SchemaRegistry registry,
            int partitions,
            Predicate<WorkerId> topicExists,
            Membership members) {
        Formats formats = Formats.of(registry);
        SharedDispatch dispatch = new SharedDispatch(config, partitions, topicExists, members);
        RouterMetrics metrics = new RouterMetrics(config.metrics(), dispatch, config.models());
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        ByteArraySerializer raw = new ByteArraySerializer();
        return new Topology()
                .addGlobalStore(
                        GraphParts.globalStore(ALLOCATIONS_GLOBAL_STORE),
                        ALLOCATIONS_SOURCE,
                        GraphParts.LENIENT_TIME,
                        new StringDeserializer(),
                        bytes,
                        Topics.ALLOCATIONS.name(),
                        ALLOCATIONS_PROCESSOR,
                        AllocationCollector::new)
                .addSource(
                        AutoOffsetReset.earliest(),
                        REQUESTS_SOURCE,
                        GraphParts.LENIENT_TIME,
                        bytes,
                        bytes,
                        Topics.REQUESTS.name())
                .addSource(
                        AutoOffsetReset.earliest(),
                        TOKENS_SOURCE,
                        GraphParts.LENIENT_TIME,
                        bytes,
                        bytes,
                        Topics.TOKENS.name())
                .addSource(
                        AutoOffsetReset.earliest(),
                        REPORTS_SOURCE,
                        GraphParts.LENIENT_TIME,
                        bytes,
                        bytes,
                        Topics.REPORTS.name())
                .addProcessor(
                        PROCESSOR,
                        () -> new RouterProcessor(config, partitions, formats, dispatch, metrics),
                        REQUESTS_SOURCE,
                        TOKENS_SOURCE,
                        REPORTS_SOURCE)
                .addStateStore(GraphParts.store(SESSIONS_STORE), PROCESSOR)
                .addStateStore(GraphParts.store(TOKENS_STORE), PROCESSOR)
                .addStateStore(GraphParts.store(ALLOCATIONS_STORE), PROCESSOR)
                .addSink(
                        ACTIVATIONS_SINK,
                        (byte[] key, ToWorker chunks, RecordContext context) ->
                                Topics.activations(chunks.worker()).name(),
                        raw,
                        toWorkers(formats.activations()),
                        PROCESSOR)
                .addSink(SESSIONS_SINK, Topics.SESSIONS.name(), raw, formats.sessions(), PROCESSOR)
                .addSink(COMPLETIONS_SINK, Topics.COMPLETIONS.name(), raw, formats.completions(), PROCESSOR)
                .addSink(ERRORS_SINK, GraphParts.topic(Topics.ERRORS.name()), raw, formats.errors(), PROCESSOR)
                .addSink(REHOMED_SINK, GraphParts.topic(Topics.REQUESTS.name()), raw, raw, PROCESSOR);
    }

    private static Serializer<ToWorker> toWorkers(AvroSerializer<ActivationBatch> batches) {
        return (topic, chunks) -> batches.serialize(topic, chunks.batch());
    }
}
