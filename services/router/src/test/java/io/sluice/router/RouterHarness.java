package io.sluice.router;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.Stage;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/** The router's topology on virtual time, with words for what happens to it. */
final class RouterHarness implements AutoCloseable {
    static final long START_MS = 1_000_000;
    static final long LEASE_MS = 1_200;
    private static final long BEAT_MS = 200;
    static final String MODEL = TestAllocations.MODEL;

    final SchemaRegistry registry = SchemaRegistry.inMemory();
    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final Set<WorkerId> missingTopics = new HashSet<>();
    final TopologyTestDriver driver;
    private final AvroSerializer<InferenceRequest> requestWriter = new AvroSerializer<>(registry, Topics.REQUESTS);
    private final AvroSerializer<Token> tokenWriter = new AvroSerializer<>(registry, Topics.TOKENS);
    private final AvroSerializer<SessionReport> reportWriter = new AvroSerializer<>(registry, Topics.REPORTS);
    private final AvroSerializer<io.sluice.records.Allocation> allocationWriter =
            new AvroSerializer<>(registry, Topics.ALLOCATIONS);
    private final TestInputTopic<String, byte[]> requests;
    private final TestInputTopic<String, byte[]> tokens;
    private final TestInputTopic<String, byte[]> reports;
    private final TestInputTopic<String, byte[]> allocations;
    final Membership members;
    /** Whether the router hears itself. */
    boolean echoes = true;

    /** Workers whose heartbeats come with every step of time. */
    private final Map<WorkerId, Beat> beating = new TreeMap<>();

    private long elapsed;

    /** @param changed the settings under test, from the defaults */
    RouterHarness(UnaryOperator<RouterConfig> changed, int partitions) {
        RouterConfig config = changed.apply(config(metrics));
        Properties properties = new Properties();
        properties.putAll(RouterStreamsConfig.of(config));
        members = new Membership(new WorkerId("router-test"), config.lease(), config.echo(), START_MS);
        driver = new TopologyTestDriver(
                RouterTopology.build(config, registry, partitions, worker -> !missingTopics.contains(worker), members),
                properties,
                Instant.ofEpochMilli(START_MS));
        requests = input(Topics.REQUESTS);
        tokens = input(Topics.TOKENS);
        reports = input(Topics.REPORTS);
        allocations = input(Topics.ALLOCATIONS);
    }

    RouterHarness() {
        this(config -> config, 1);
    }

    static RouterConfig config(SimpleMeterRegistry metrics) {
        return RouterConfig.of(
                new KafkaSettings("127.0.0.1:9", "http://127.0.0.1:9"),
                new FakeCatalog(MODEL),
                metrics,
                Path.of("target", "router-state"));
    }

    /** Nobody was heard of, so that nobody is missed. */
    static Membership members() {
        return new Membership(
                new WorkerId("router-test"), Duration.ofMillis(LEASE_MS), Duration.ofMillis(LEASE_MS), START_MS);
    }

    private TestInputTopic<String, byte[]> input(TopicSpec<?> topic) {
        return driver.createInputTopic(
                topic.name(),
                new StringSerializer(),
                new ByteArraySerializer(),
                Instant.ofEpochMilli(START_MS),
                Duration.ZERO);
    }

    static InferenceRequest.Builder request(String id) {
        return InferenceRequest.newBuilder()
                .setRequestId(id)
                .setModel(MODEL)
                .setPrompt("abcd")
                .setMaxTokens(4);
    }

    void send(InferenceRequest.Builder request) {
        send(request.getRequestId(), request);
    }

    void send(String key, InferenceRequest.Builder request) {
        requests.pipeInput(key, requestWriter.serialize(Topics.REQUESTS.name(), request.build()), now());
    }

    void sendRaw(TopicSpec<?> topic, String key, byte[] value) {
        (topic == Topics.REQUESTS
                        ? requests
                        : topic == Topics.TOKENS ? tokens : topic == Topics.REPORTS ? reports : allocations)
                .pipeInput(key, value, now());
    }

    /** A new allocation, and time for the tasks to see it. */
    void allocate(Allocation allocation) {
        allocate(allocation.model(), allocation);
    }

    void allocate(String key, Allocation allocation) {
        sendRaw(
                Topics.ALLOCATIONS,
                key,
                allocationWriter.serialize(Topics.ALLOCATIONS.name(), TestAllocations.wire(allocation)));
        advance(Duration.ofMillis(50));
    }

    byte[] bytes(Token token) {
        return tokenWriter.serialize(Topics.TOKENS.name(), token);
    }

    byte[] bytes(InferenceRequest request) {
        return requestWriter.serialize(Topics.REQUESTS.name(), request);
    }

    /** A token of attempt 1; the text is its index in brackets. */
    Token token(String id, int index, FinishReason finish, String... workers) {
        return new Token(
                id,
                1,
                index,
                50 + index,
                "[" + index + "]",
                finish,
                "last",
                now().toEpochMilli(),
                Arrays.stream(workers)
                        .map(w -> new HopTiming(w, 10L, 20L, 30L, 1, 5L, 9L))
                        .toList());
    }

    byte[] bytes(SessionReport report) {
        return reportWriter.serialize(Topics.REPORTS.name(), report);
    }

    /** What a stage says that cannot go on with the first attempt of a session. */
    static SessionReport report(String id, String worker, StageTrouble trouble) {
        return SessionReport.newBuilder()
                .setRequestId(id)
                .setAttempt(1)
                .setWorker(worker)
                .setIncarnation(1)
                .setTrouble(trouble)
                .setMessage(trouble + " at " + worker + "; a remedy")
                .setAtMs(START_MS)
                .build();
    }

    void send(SessionReport report) {
        sendRaw(Topics.REPORTS, report.getRequestId(), bytes(report));
    }

    // Members

    static Beat beat(String worker, long incarnation, Beat.State state, long deadlineMs) {
        return new Beat(new WorkerId(worker), incarnation, state, deadlineMs, LEASE_MS, worker, "");
    }

    /** Workers of this incarnation send heartbeats from now on. */
    void alive(long incarnation, String... workers) {
        for (String worker : workers) {
            heard(beat(worker, incarnation, Beat.State.ALIVE, 0));
        }
    }

    /** A worker drains from now on. */
    void draining(long incarnation, String worker, long deadlineMs) {
        heard(beat(worker, incarnation, Beat.State.DRAINING, deadlineMs));
    }

    private void heard(Beat beat) {
        beating.put(beat.worker(), beat);
        members.hear(beat, nowMs());
        advance(Duration.ofMillis(50));
    }

    /** Somebody saw the process end. */
    void gone(long incarnation, String... workers) {
        for (String worker : workers) {
            beating.remove(new WorkerId(worker));
            members.hear(beat(worker, incarnation, Beat.State.GONE, 0), nowMs());
        }
        advance(Duration.ofMillis(50));
    }

    /** Its heartbeats stay away. */
    void silent(String worker) {
        beating.remove(new WorkerId(worker));
    }

    /** One heartbeat of a process that should be no more. */
    void zombie(long incarnation, String worker) {
        members.hear(beat(worker, incarnation, Beat.State.ALIVE, 0), nowMs());
        advance(Duration.ofMillis(50));
    }

    void send(Token token) {
        tokens.pipeInput(token.getRequestId(), bytes(token), now());
    }

    /** All tokens of a session. */
    void finish(String id) {
        send(token(id, 0, FinishReason.LENGTH));
    }

    void advance(Duration time) {
        // In steps, as heartbeats come between the router's looks at its sessions.
        for (long left = time.toMillis(); left > 0; ) {
            long step = Math.min(left, BEAT_MS);
            elapsed += step;
            left -= step;
            if (echoes) {
                members.hear(members.echo(1), nowMs());
                beating.values().forEach(beat -> members.hear(beat, nowMs()));
            }
            driver.advanceWallClockTime(Duration.ofMillis(step));
        }
    }

    private Instant now() {
        return Instant.ofEpochMilli(nowMs());
    }

    long nowMs() {
        return START_MS + elapsed;
    }

    List<Completion> completions() {
        return read(Topics.COMPLETIONS);
    }

    List<ErrorRecord> errors() {
        return read(Topics.ERRORS);
    }

    List<Session> sessions() {
        return read(Topics.SESSIONS);
    }

    /** Chunks sent to a worker since the last look. */
    List<ActivationChunk> sentTo(String worker) {
        return chunks(worker).stream()
                .flatMap(batch -> batch.getChunks().stream())
                .toList();
    }

    List<ActivationBatch> chunks(String worker) {
        return read(Topics.activations(new WorkerId(worker)));
    }

    <T extends SpecificRecord> List<T> read(TopicSpec<T> topic) {
        return driver.createOutputTopic(topic.name(), new StringDeserializer(), new AvroDeserializer<>(registry, topic))
                .readValuesToList();
    }

    static List<String> workers(List<Stage> pipeline) {
        return pipeline.stream().map(Stage::getWorker).toList();
    }

    double counted(String name, String tag, String value) {
        var counter = metrics.find(name).tag(tag, value).counter();
        return counter == null ? 0 : counter.count();
    }

    double gauge(String name) {
        return metrics.get(name).gauge().value();
    }

    @Override
    public void close() {
        driver.close();
        registry.close();
    }
}
