package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.messaging.BrokerUnavailableException;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionState;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** The router on a real broker; the workers are played by the test. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RouterServiceIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private static Path folder;

    private static EmbeddedBroker broker;
    private static KafkaSettings kafka;
    private static KafkaProducer<byte[], byte[]> producer;
    private static TopicAdmin topics;
    private static int tests;

    /** Shared by all tests, like the topics. */
    private static final SchemaRegistry REGISTRY = SchemaRegistry.inMemory();

    private final String model = "psalm" + ++tests;
    private final WorkerId worker = new WorkerId("w" + tests);
    private RouterService router;

    @BeforeAll
    static void startBroker() {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("broker")));
        kafka = new KafkaSettings(broker.bootstrap(), "http://127.0.0.1:1");
        producer = new KafkaProducer<>(
                KafkaClients.durableProducer(kafka, "test"), new ByteArraySerializer(), new ByteArraySerializer());
        topics = new TopicAdmin(kafka);
    }

    @AfterAll
    static void stopBroker() {
        producer.close(Duration.ofSeconds(1));
        topics.close();
        broker.close();
    }

    @AfterEach
    void stopRouter() {
        if (router != null) {
            router.close();
        }
    }

    private RouterService start() {
        return start(Map.of());
    }

    private RouterService start(Map<String, String> overrides) {
        RouterConfig config = new RouterConfig(
                new KafkaSettings(kafka.bootstrap(), kafka.registryUrl(), overrides),
                new FakeCatalog(model),
                new SimpleMeterRegistry(),
                folder.resolve("router-" + model),
                "router-" + model,
                "router-1",
                RoutingPolicy.MAX_FLOW,
                100,
                PATIENCE,
                1,
                0.5,
                Duration.ofSeconds(60),
                Duration.ofSeconds(2),
                Duration.ofSeconds(2),
                Duration.ofSeconds(30),
                Duration.ofSeconds(60),
                PATIENCE);
        RouterService.ensureTopics(config);
        return RouterService.start(config, REGISTRY);
    }

    private <T extends SpecificRecord> void send(TopicSpec<T> topic, Integer partition, String key, T value) {
        byte[] bytes = new AvroSerializer<>(REGISTRY, topic).serialize(topic.name(), value);
        try {
            producer.send(new ProducerRecord<>(topic.name(), partition, key.getBytes(StandardCharsets.UTF_8), bytes))
                    .get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private void allocate(Allocation like) {
        Allocation allocation = new Allocation(
                model,
                like.epoch(),
                1,
                like.layerCount(),
                like.workers(),
                like.edges(),
                like.maxFlow(),
                like.bound(),
                like.bottleneck());
        send(Topics.ALLOCATIONS, null, model, TestAllocations.wire(allocation));
    }

    private void request(String id, Integer partition) {
        InferenceRequest request = RouterHarness.request(id).setModel(model).build();
        send(Topics.REQUESTS, partition, id, request);
    }

    private void token(String id, int index, FinishReason finish) {
        send(
                Topics.TOKENS,
                null,
                id,
                new Token(id, 1, index, 7, "." + index, finish, worker.value(), System.currentTimeMillis(), List.of()));
    }

    /** Everything of a topic whose key is of this test. */
    private <T extends SpecificRecord> List<T> read(TopicSpec<T> topic, boolean committed) {
        Map<String, Object> settings = new HashMap<>(KafkaClients.tailConsumer(kafka, "test"));
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, committed ? "read_committed" : "read_uncommitted");
        AvroDeserializer<T> reader = new AvroDeserializer<>(REGISTRY, topic);
        List<T> values = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic.name()).stream()
                    .map(p -> new TopicPartition(p.topic(), p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (new String(record.key(), StandardCharsets.UTF_8).startsWith(model)) {
                        values.add(reader.deserialize(record.topic(), record.value()));
                    }
                }
            }
        }
        return values;
    }

    private List<String> prompted() {
        return read(Topics.activations(worker), false).stream()
                .map(ActivationBatch::getChunks)
                .flatMap(List::stream)
                .map(ActivationChunk::getSessionId)
                .toList();
    }

    private List<String> completed() {
        return read(Topics.COMPLETIONS, true).stream()
                .map(Completion::getRequestId)
                .toList();
    }

    @Test
    void canServeRequestsFromAnyPartitionAndWaitForAWorkersTopic() {
        router = start();
        allocate(TestAllocations.single(1, worker.value(), 100_000));
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String id = model + "-" + i;
            ids.add(id);
            // As a producer does that hashes keys otherwise than Java's: most are on a partition that is not theirs.
            request(id, i % Topics.REQUEST_PARTITIONS);
        }
        await().atMost(PATIENCE)
                .until(() -> router.isRunning() && read(Topics.SESSIONS, true).isEmpty());
        topics.ensure(Topics.activations(worker));
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactlyInAnyOrderElementsOf(ids));
        for (String id : ids) {
            token(id, 0, null);
            token(id, 1, FinishReason.STOP);
        }
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(completed()).containsExactlyInAnyOrderElementsOf(ids));
        assertThat(read(Topics.SESSIONS, true))
                .extracting(Session::getState)
                .containsOnly(SessionState.ASSIGNED, SessionState.FINISHED)
                .hasSize(16);
        assertThat(read(Topics.ERRORS, true)).isEmpty();
    }

    @Test
    void canGoOnAfterARestart() {
        topics.ensure(Topics.activations(worker));
        router = start();
        allocate(TestAllocations.single(1, worker.value(), 64));
        request(model + "-running", null);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactly(model + "-running"));
        request(model + "-waiting", null);
        token(model + "-running", 0, null);
        // Both partitions' tasks have read what was sent, and committed it.
        await().atMost(PATIENCE)
                .until(() -> read(Topics.SESSIONS, true).stream().anyMatch(s -> s.getState() == SessionState.ASSIGNED));
        router.close();
        token(model + "-running", 1, FinishReason.STOP);
        router = start();
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(completed()).containsExactly(model + "-running"));
        assertThat(read(Topics.COMPLETIONS, true).getFirst().getText()).isEqualTo(".0.1");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(prompted()).containsExactly(model + "-running", model + "-waiting"));
    }

    /** First, because another test's misplaced requests, sent on by this router too, would hold back what follows. */
    @Test
    @Order(1)
    void shouldDispatchBeforeItCommits() {
        topics.ensure(Topics.activations(worker));
        router = start(Map.of("commit.interval.ms", "120000", "producer.transaction.timeout.ms", "240000"));
        allocate(TestAllocations.single(1, worker.value(), 1000));
        String id = model + "-r";
        request(id, null);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactly(id));
        token(id, 0, FinishReason.STOP);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(read(Topics.COMPLETIONS, false)).hasSize(1));
        assertThat(read(Topics.SESSIONS, true)).as("nothing is committed yet").isEmpty();
        assertThat(completed()).isEmpty();
        router.close();
        assertThat(completed()).containsExactly(id);
    }

    @Test
    void shouldEndASessionThatCannotBeComputed() {
        topics.ensure(Topics.activations(worker));
        router = start();
        allocate(TestAllocations.single(1, worker.value(), 64));
        String first = model + "-first";
        String next = model + "-next";
        request(first, null);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactly(first));
        request(next, null);
        for (int attempt = 1; attempt <= 2; attempt++) {
            SessionReport report = RouterHarness.report(first, worker.value(), StageTrouble.MALFORMED_INPUT);
            report.setAttempt(attempt);
            send(Topics.REPORTS, null, first, report);
        }
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted())
                .as("tried twice, then dropped")
                .containsExactly(first, first, first, next));
        token(next, 0, FinishReason.STOP);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(completed()).containsExactly(next));
        assertThat(read(Topics.ERRORS, true)).singleElement().satisfies(error -> {
            assertThat(error.getRequestId()).isEqualTo(first);
            assertThat(error.getReason()).isEqualTo(ErrorReason.WORKER_FAILED);
            assertThat(error.getMessage()).contains("a remedy");
        });
    }

    @Test
    void canGoOnWhenAWorkerIsLostAndHasReturned() {
        topics.ensure(Topics.activations(worker));
        router = start();
        allocate(TestAllocations.single(1, worker.value(), 64));
        beat(Beat.State.ALIVE, 1);
        String id = model + "-r";
        request(id, null);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactly(id));
        token(id, 0, null);
        beat(Beat.State.GONE, 1);
        await().atMost(PATIENCE).untilAsserted(() -> {
            beat(Beat.State.ALIVE, 2);
            assertThat(prompted()).hasSizeGreaterThan(1);
        });
        ActivationChunk chunk =
                read(Topics.activations(worker), false).getLast().getChunks().getFirst();
        assertThat(chunk.getAttempt()).isGreaterThan(1);
        assertThat(chunk.getPosition()).as("it has lost its KV cache").isZero();
        Token last = new Token(id, chunk.getAttempt(), 1, 7, ".1", FinishReason.STOP, worker.value(), 1L, List.of());
        send(Topics.TOKENS, null, id, last);
        // Token 0 may not have been read when the worker was lost; then it is made again.
        last.setIndex(0);
        send(Topics.TOKENS, null, id, last);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(completed()).containsExactly(id));
        assertThat(read(Topics.ERRORS, true)).isEmpty();
    }

    private void beat(Beat.State state, long incarnation) {
        Beat beat = new Beat(worker, incarnation, state, 0, 60_000, worker.value(), "");
        send(Topics.HEARTBEATS, null, worker.value(), HeartbeatCodec.encode(beat, 1, 1));
    }

    @Test
    void shouldReportBadRecordsAndGoOn() throws Exception {
        topics.ensure(Topics.activations(worker));
        router = start();
        allocate(TestAllocations.single(1, worker.value(), 1000));
        producer.send(new ProducerRecord<>(
                        Topics.REQUESTS.name(), 0, (model + "-bad").getBytes(StandardCharsets.UTF_8), new byte[] {4}))
                .get();
        send(
                Topics.REQUESTS,
                null,
                model + "-x",
                RouterHarness.request(model + "-x").setModel("hymn").build());
        request(model + "-good", null);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(prompted()).containsExactly(model + "-good"));
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(read(Topics.ERRORS, true))
                .extracting(ErrorRecord::getReason)
                .contains(ErrorReason.UNKNOWN_MODEL));
        assertThat(router.isRunning()).isTrue();
    }

    @Test
    void shouldSayWhichTopicHasOtherPartitions() throws Exception {
        try (EmbeddedBroker other = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("other")))) {
            KafkaSettings settings = new KafkaSettings(other.bootstrap(), "http://127.0.0.1:1");
            try (Admin admin = Admin.create(KafkaClients.admin(settings))) {
                admin.createTopics(List.of(
                                new NewTopic(Topics.REQUESTS.name(), 2, (short) 1),
                                new NewTopic(Topics.TOKENS.name(), 2, (short) 1),
                                new NewTopic(Topics.REPORTS.name(), 1, (short) 1)))
                        .all()
                        .get();
            }
            RouterConfig config = RouterConfig.of(settings, new FakeCatalog(model), new SimpleMeterRegistry(), folder);
            assertThatThrownBy(() -> RouterService.start(config, SchemaRegistry.inMemory()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(Topics.REQUESTS.name() + " has 2 partitions")
                    .hasMessageContaining(Topics.REPORTS.name() + " has 1");
        }
    }

    @Test
    void shouldSayWhichBrokerDoesNotAnswer() {
        RouterConfig config = RouterConfig.of(
                        new KafkaSettings("127.0.0.1:1", "http://127.0.0.1:1"),
                        new FakeCatalog(model),
                        new SimpleMeterRegistry(),
                        folder)
                .withStartTimeout(Duration.ofSeconds(1));
        assertThatThrownBy(() -> RouterService.start(config))
                .isInstanceOf(BrokerUnavailableException.class)
                .hasMessageContaining("127.0.0.1:1");
    }
}
