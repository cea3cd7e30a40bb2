package io.sluice.batch;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.BestEffortJob;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.JobCommand;
import io.sluice.records.JobKind;
import io.sluice.records.JobState;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;

/** The batch service's topology on virtual time, with words for what happens to it. */
final class BatchHarness implements AutoCloseable {
    static final long START_MS = 1_000_000;

    final SchemaRegistry registry = SchemaRegistry.inMemory();
    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final TopologyTestDriver driver;
    final BatchConfig config;
    private final AvroSerializer<BestEffortJob> jobWriter = new AvroSerializer<>(registry, Topics.BEST_EFFORT_JOBS);
    private final AvroSerializer<Completion> completionWriter = new AvroSerializer<>(registry, Topics.COMPLETIONS);
    private final AvroSerializer<ErrorRecord> errorWriter = new AvroSerializer<>(registry, Topics.ERRORS);
    private final TestInputTopic<String, byte[]> jobs;
    private final TestInputTopic<String, byte[]> completions;
    private final TestInputTopic<String, byte[]> errors;

    BatchHarness(UnaryOperator<BatchConfig> changed) {
        config = changed.apply(BatchConfig.of(
                new KafkaSettings("127.0.0.1:9", "http://127.0.0.1:9"), metrics, Path.of("target", "batch-state")));
        Properties properties = new Properties();
        properties.putAll(BatchStreamsConfig.of(config));
        driver = new TopologyTestDriver(
                BatchTopology.build(config, registry, new BatchMetrics(metrics)),
                properties,
                Instant.ofEpochMilli(START_MS));
        jobs = input(Topics.BEST_EFFORT_JOBS);
        completions = input(Topics.COMPLETIONS);
        errors = input(Topics.ERRORS);
    }

    BatchHarness() {
        this(config -> config);
    }

    private TestInputTopic<String, byte[]> input(TopicSpec<?> topic) {
        return driver.createInputTopic(
                topic.name(),
                new StringSerializer(),
                new ByteArraySerializer(),
                Instant.ofEpochMilli(START_MS),
                Duration.ZERO);
    }

    // Jobs

    /** A job of one part. */
    static BestEffortJob.Builder job(String id, List<String> lines) {
        return BestEffortJob.newBuilder()
                .setJobId(id)
                .setTenant("night")
                .setKind(JobKind.PROMPT_BATCH)
                .setCommand(JobCommand.SUBMIT)
                .setModel("psalm")
                .setInput(lines)
                .setAtMs(START_MS);
    }

    static BestEffortJob.Builder part(String id, int first, int total, List<String> lines) {
        return job(id, lines).setFirstItem(first).setItemsTotal(total);
    }

    static String line(int index) {
        return line(index, 8);
    }

    static String line(int index, int maxTokens) {
        return String.format(
                Locale.ROOT,
                "{\"custom_id\":\"c%d\",\"method\":\"POST\",\"url\":\"/v1/completions\","
                        + "\"body\":{\"prompt\":\"p%d\",\"max_tokens\":%d}}",
                index,
                index,
                maxTokens);
    }

    static List<String> lines(int count) {
        return IntStream.range(0, count).mapToObj(BatchHarness::line).toList();
    }

    void submit(BestEffortJob.Builder job) {
        submit(job.getJobId(), job);
    }

    void submit(String key, BestEffortJob.Builder job) {
        sendJob(key, jobWriter.serialize("", job.build()));
    }

    void sendJob(String key, byte[] value) {
        jobs.pipeInput(key, value);
    }

    void cancel(String id) {
        submit(job(id, List.of()).setCommand(JobCommand.CANCEL));
    }

    // What the router says

    static Completion completion(String requestId) {
        return new Completion(
                requestId,
                "psalm",
                "night",
                "text of " + requestId,
                List.of(1, 2, 3),
                List.of(4, 5),
                3,
                2,
                FinishReason.LENGTH,
                1,
                1L,
                List.of(),
                START_MS,
                START_MS,
                START_MS,
                START_MS + 5_000,
                List.of(),
                0L,
                5_000.0,
                null);
    }

    byte[] bytes(Completion completion) {
        return completionWriter.serialize("", completion);
    }

    void complete(String requestId) {
        completions.pipeInput(requestId, bytes(completion(requestId)));
    }

    void complete(String requestId, byte[] value) {
        completions.pipeInput(requestId, value);
    }

    void fail(String requestId, ErrorReason reason, String message) {
        errors.pipeInput(
                requestId,
                errorWriter.serialize("", ErrorPublisher.refusal(requestId, reason, message, "router", START_MS)));
    }

    // What comes out

    /** Requests since the last look; null for a cancellation. */
    List<TestRecord<String, InferenceRequest>> sent() {
        return driver.createOutputTopic(
                        Topics.REQUESTS.name(),
                        new StringDeserializer(),
                        new AvroDeserializer<>(registry, Topics.REQUESTS))
                .readRecordsToList();
    }

    List<String> sentIds() {
        return sent().stream().map(TestRecord::key).toList();
    }

    List<BestEffortProgress> progress() {
        return read(Topics.BEST_EFFORT_PROGRESS);
    }

    static List<BestEffortProgress> results(List<BestEffortProgress> progress) {
        return progress.stream().filter(p -> p.getItemIndex() != null).toList();
    }

    static List<JobState> states(List<BestEffortProgress> progress) {
        return progress.stream()
                .filter(p -> p.getItemIndex() == null)
                .map(BestEffortProgress::getState)
                .toList();
    }

    List<ErrorRecord> refused() {
        return read(Topics.ERRORS);
    }

    private <T extends SpecificRecord> List<T> read(TopicSpec<T> topic) {
        return driver.createOutputTopic(topic.name(), new StringDeserializer(), new AvroDeserializer<>(registry, topic))
                .readValuesToList();
    }

    /** What a changelog holds so far, every change. */
    List<TestRecord<String, byte[]>> changelog(String store) {
        return driver.createOutputTopic(
                        config.applicationId() + "-" + store + "-changelog",
                        new StringDeserializer(),
                        new ByteArrayDeserializer())
                .readRecordsToList();
    }

    void advance(Duration time) {
        driver.advanceWallClockTime(time);
    }

    double gauge(String name) {
        advance(BatchProcessor.SLOW_TICK);
        return metrics.get(name).gauge().value();
    }

    @Override
    public void close() {
        driver.close();
        registry.close();
    }
}
