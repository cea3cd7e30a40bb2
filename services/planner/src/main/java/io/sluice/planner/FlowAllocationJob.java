package io.sluice.planner;

import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.Allocation;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Limits;
import io.sluice.records.Placement;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The graph of the job, and only that:
 *
 * <pre>
 * workers, placements (from the beginning) ─┐
 *                                           ├─ decode ─┬─ by model ─ allocate ─ allocations (exactly once)
 * GPU and link telemetry (from now on) ─────┘    │     └─ by model ─ place ─ placements (exactly once)
 *                                                └─ and allocate ─ errors (at least once)
 * workers, heartbeats (from now on) ── attend ── come, drains, gone: to allocate and place, beside what decode says
 * workers, GPU telemetry ── by worker ── limit ── limits (at least once; and errors)
 * </pre>
 *
 * The placement operator is there only where the configuration asks for it. What it publishes comes back to both
 * operators through the placements topic, like what people publish. The limit operator is there unless the configuration
 * says no; its limits leave at once, not at a checkpoint: their epochs and leases make repeated and lost ones harmless.
 *
 * Every operator has a uid, so state survives a new version of the job. State is on the heap: it is small, and
 * RocksDB's classes would clash with those of Kafka Streams.
 */
public final class FlowAllocationJob {
    /** Name of the job in Flink. */
    public static final String NAME = "sluice-flow-allocation";

    private static final List<TopicSpec<?>> CONTROL = List.of(Topics.WORKERS, Topics.PLACEMENTS);
    private static final List<TopicSpec<?>> TELEMETRY = List.of(Topics.GPU_TELEMETRY, Topics.LINK_TELEMETRY);
    private static final int TOLERABLE_FAILED_CHECKPOINTS = 20;

    private FlowAllocationJob() {}

    /** Topics the job reads and writes; they must exist. */
    public static List<TopicSpec<?>> topics() {
        return List.of(
                Topics.WORKERS,
                Topics.PLACEMENTS,
                Topics.HEARTBEATS,
                Topics.GPU_TELEMETRY,
                Topics.LINK_TELEMETRY,
                Topics.ALLOCATIONS,
                Topics.LIMITS,
                Topics.ERRORS);
    }

    /** Adds the job to {@code env}, with the registry of the configuration. */
    public static void build(StreamExecutionEnvironment env, PlannerConfig config) {
        build(env, config, RegistryProvider.at(config.kafka().registryUrl(), config.startTimeout()));
    }

    /** As {@link #build(StreamExecutionEnvironment, PlannerConfig)} with a registry of the caller's. */
    public static void build(StreamExecutionEnvironment env, PlannerConfig config, RegistryProvider registries) {
        configure(env, config);
        DataStream<RawRecord> control = read(env, config, CONTROL, "control", OffsetsInitializer.earliest());
        DataStream<RawRecord> telemetry = read(env, config, TELEMETRY, "telemetry", OffsetsInitializer.latest());
        DataStream<RawRecord> heartbeats =
                read(env, config, List.of(Topics.HEARTBEATS), "heartbeats", OffsetsInitializer.latest());
        SerializerTypeInfo<PlannerInput> inputType =
                new SerializerTypeInfo<>(PlannerInput.class, PlannerInputSerializer.INSTANCE);
        SingleOutputStreamOperator<PlannerInput> decoded = control.union(telemetry)
                .process(new RecordDecoder(registries))
                .returns(inputType)
                .uid("decode")
                .name("decode");
        DataStream<PlannerInput> inputs = decoded.union(heartbeats
                .union(control)
                .keyBy(record -> AttendanceFunction.KEY, Types.STRING)
                .process(new AttendanceFunction(registries))
                .returns(inputType)
                .uid("attend")
                .name("attend"));
        config.placement().ifPresent(policy -> place(inputs, config, policy, registries));
        SingleOutputStreamOperator<Allocation> allocations = inputs.keyBy(
                        input -> input.command().model(), Types.STRING)
                .process(new FlowAllocationFunction(config.policy(), config.epochFloors()))
                .returns(new AvroTypeInfo<>(Allocation.class))
                .uid("allocate")
                .name("allocate");
        allocations
                .sinkTo(exactlyOnce(config, new AllocationTarget(), "", registries))
                .uid("allocations-sink")
                .name("allocations");
        DataStream<ErrorRecord> errors =
                decoded.getSideOutput(RecordDecoder.ERRORS).union(allocations.getSideOutput(RecordDecoder.ERRORS));
        config.sharing()
                .map(sharing -> errors.union(limit(control.union(telemetry), config, sharing, registries)))
                .orElse(errors)
                .sinkTo(atLeastOnce(config, new ErrorTarget(), registries))
                .uid("errors-sink")
                .name("errors");
    }

    private static void place(
            DataStream<PlannerInput> inputs,
            PlannerConfig config,
            PlacementPolicy policy,
            RegistryProvider registries) {
        inputs.keyBy(input -> input.command().model(), Types.STRING)
                .process(new PlacementFunction(policy, config.policy(), SearchProvider.shared()))
                .returns(new AvroTypeInfo<>(Placement.class))
                .uid("place")
                .name("place")
                .sinkTo(exactlyOnce(config, new PlacementTarget(), "-placements", registries))
                .uid("placements-sink")
                .name("placements");
    }

    /** @return what it refuses */
    private static DataStream<ErrorRecord> limit(
            DataStream<RawRecord> records, PlannerConfig config, SharingPolicy sharing, RegistryProvider registries) {
        SingleOutputStreamOperator<Limits> limits = records.keyBy(LimitFunction::key, Types.STRING)
                .process(new LimitFunction(sharing, registries))
                .returns(new AvroTypeInfo<>(Limits.class))
                .uid("limit")
                .name("limit");
        limits.sinkTo(atLeastOnce(config, new LimitsTarget(), registries))
                .uid("limits-sink")
                .name("limits");
        return limits.getSideOutput(RecordDecoder.ERRORS);
    }

    private static void configure(StreamExecutionEnvironment env, PlannerConfig config) {
        Configuration c = new Configuration();
        // The default adds up to 100 ms after the exchange by model.
        c.set(ExecutionOptions.BUFFER_TIMEOUT, Duration.ZERO);
        c.set(PipelineOptions.GENERIC_TYPES, false);
        c.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        c.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, TOLERABLE_FAILED_CHECKPOINTS);
        // Broker or registry away: try again for ever, ever more slowly.
        c.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, Duration.ofMillis(500));
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofSeconds(10));
        c.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, Integer.MAX_VALUE);
        env.configure(c);
        env.setParallelism(config.parallelism());
        env.enableCheckpointing(config.checkpointInterval().toMillis(), CheckpointingMode.EXACTLY_ONCE);
    }

    private static DataStream<RawRecord> read(
            StreamExecutionEnvironment env,
            PlannerConfig config,
            List<TopicSpec<?>> topics,
            String name,
            OffsetsInitializer start) {
        KafkaSource<RawRecord> source = KafkaSource.<RawRecord>builder()
                .setBootstrapServers(config.kafka().bootstrap())
                .setTopics(topics.stream().map(TopicSpec::name).toList())
                .setGroupId(config.transactionalIdPrefix() + "-" + name)
                .setClientIdPrefix(config.transactionalIdPrefix() + "-" + name)
                .setStartingOffsets(start)
                .setProperties(overrides(config.kafka()))
                .setProperty(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, "1")
                // Positions are in the checkpoints; nobody reads the group's.
                .setProperty(KafkaSourceOptions.COMMIT_OFFSETS_ON_CHECKPOINT.key(), "false")
                .setDeserializer(new RawRecordSchema())
                .build();
        return env.fromSource(source, WatermarkStrategy.noWatermarks(), name + "-source")
                .uid(name + "-source")
                .name(name);
    }

    private static Properties overrides(KafkaSettings settings) {
        Properties properties = new Properties();
        properties.putAll(settings.overrides());
        return properties;
    }

    /** @param suffix of the transactional ids, different for every sink */
    private static <T extends SpecificRecord> ExactlyOnceSink<T> exactlyOnce(
            PlannerConfig config, RecordWriter.Target<T> target, String suffix, RegistryProvider registries) {
        return new ExactlyOnceSink<>(sink(config, new RecordWriter<>(target, registries))
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(config.transactionalIdPrefix() + suffix)
                // Finds what a killed predecessor left open by asking the broker, not by trying ids one after another.
                .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
                .setProperty(
                        ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
                        Long.toString(config.transactionTimeout().toMillis()))
                .build());
    }

    private static <T extends SpecificRecord> KafkaSink<T> atLeastOnce(
            PlannerConfig config, RecordWriter.Target<T> target, RegistryProvider registries) {
        return sink(config, new RecordWriter<>(target, registries))
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .build();
    }

    private static <T extends SpecificRecord> KafkaSinkBuilder<T> sink(PlannerConfig config, RecordWriter<T> writer) {
        Properties properties = overrides(config.kafka());
        properties.setProperty(ProducerConfig.LINGER_MS_CONFIG, "0");
        properties.setProperty(ProducerConfig.ACKS_CONFIG, "all");
        return KafkaSink.<T>builder()
                .setBootstrapServers(config.kafka().bootstrap())
                .setKafkaProducerConfig(properties)
                .setRecordSerializer(writer);
    }

    private static final class AllocationTarget implements RecordWriter.Target<Allocation> {
        private static final long serialVersionUID = 1L;

        @Override
        public TopicSpec<Allocation> topic() {
            return Topics.ALLOCATIONS;
        }

        @Override
        public String key(Allocation record) {
            return record.getModel();
        }
    }

    private static final class PlacementTarget implements RecordWriter.Target<Placement> {
        private static final long serialVersionUID = 1L;

        @Override
        public TopicSpec<Placement> topic() {
            return Topics.PLACEMENTS;
        }

        @Override
        public String key(Placement record) {
            return record.getModel();
        }
    }

    private static final class LimitsTarget implements RecordWriter.Target<Limits> {
        private static final long serialVersionUID = 1L;

        @Override
        public TopicSpec<Limits> topic() {
            return Topics.LIMITS;
        }

        @Override
        public String key(Limits record) {
            return record.getWorker();
        }
    }

    private static final class ErrorTarget implements RecordWriter.Target<ErrorRecord> {
        private static final long serialVersionUID = 1L;

        @Override
        public TopicSpec<ErrorRecord> topic() {
            return Topics.ERRORS;
        }

        @Override
        public String key(ErrorRecord record) {
            return ErrorPublisher.key(record);
        }
    }
}
