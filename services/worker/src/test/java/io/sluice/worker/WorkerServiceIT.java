package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.Placement;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.worker.device.DeviceSpec;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers on a real broker and a real registry; the test is the router. */
final class WorkerServiceIT {
    private static final Path MODEL = Path.of("../../models/psalm");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    static Path folder;

    private static EmbeddedBroker broker;
    private static RegistryProcess registryProcess;
    private static KafkaSettings kafka;
    private static SchemaRegistry registry;
    private static KafkaProducer<byte[], byte[]> producer;

    private final List<AutoCloseable> open = new ArrayList<>();
    private TopicTail<Token> tokens;
    private TopicTail<ErrorRecord> errors;

    @BeforeAll
    static void startStack() {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("broker")));
        registryProcess = RegistryProcess.start(RegistryProcess.Config.in(folder));
        kafka = new KafkaSettings(broker.bootstrap(), registryProcess.url());
        registry = new SchemaRegistry(kafka.registryUrl(), PATIENCE);
        producer = new KafkaProducer<>(
                KafkaClients.latencyProducer(kafka, "test"), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterAll
    static void stopStack() {
        producer.close();
        registry.close();
        registryProcess.close();
        broker.close();
    }

    @BeforeEach
    void openTails() {
        try (TopicAdmin admin = new TopicAdmin(kafka)) {
            admin.ensure(Topics.all());
        }
        tokens = tail(Topics.TOKENS);
        errors = tail(Topics.ERRORS);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable part : open.reversed()) {
            part.close();
        }
    }

    @Test
    void shouldGenerateTheReferenceTextThroughThreeWorkers() throws IOException {
        TopicTail<GpuTelemetry> gpu = tail(Topics.GPU_TELEMETRY);
        TopicTail<LinkTelemetry> links = tail(Topics.LINK_TELEMETRY);
        TopicTail<WorkerStatus> statuses = tail(Topics.WORKERS);
        WorkerService a = start(config("a", new LayerRange(0, 2), "cpu"));
        start(config("b", new LayerRange(2, 4), "cpu"));
        WorkerService c = start(config("c", new LayerRange(4, 6), "emulated:a100@20"));
        JsonNode cases = new ObjectMapper()
                .readTree(MODEL.resolve("reference.json").toFile())
                .get("cases");
        List<Stage> pipeline = List.of(new Stage("a", 0, 2), new Stage("b", 2, 4), new Stage("c", 4, 6));

        for (int i = 0; i < cases.size(); i++) {
            send("a", prompt("r" + i, ids(cases.get(i).get("prompt_token_ids")), 64, pipeline));
        }
        Map<String, List<Token>> generated = new HashMap<>();
        await().atMost(PATIENCE).until(() -> {
            tokens.poll(Duration.ofMillis(100)).forEach(token -> generated
                    .computeIfAbsent(token.key(), key -> new ArrayList<>())
                    .add(token.value()));
            return generated.size() == cases.size()
                    && generated.values().stream()
                            .allMatch(list -> list.getLast().getFinishReason() != null);
        });

        for (int i = 0; i < cases.size(); i++) {
            assertThat(generated.get("r" + i).stream().map(Token::getTokenId).toList())
                    .as(cases.get(i).get("prompt").asText())
                    .isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
            assertThat(generated.get("r" + i))
                    .allSatisfy(token -> assertThat(token.getHops()).hasSize(3));
        }
        List<GpuTelemetry> beats = new ArrayList<>();
        await().atMost(PATIENCE).until(() -> {
            gpu.poll(Duration.ofMillis(100)).forEach(beat -> beats.add(beat.value()));
            long decoded = beats.stream()
                    .filter(beat -> beat.getWorker().equals("c"))
                    .mapToLong(GpuTelemetry::getDecodeTokens)
                    .sum();
            return decoded == 63L * cases.size();
        });
        await().atMost(PATIENCE).until(() -> links.poll(Duration.ofMillis(100)).stream()
                .anyMatch(link ->
                        link.key().equals("c>a") && link.value().getSamples().size() > 1));
        await().atMost(PATIENCE).until(() -> gpu.poll(Duration.ofMillis(100)).stream()
                .anyMatch(
                        beat -> beat.value().getSessions() == 0 && beat.value().getKvUsedTokens() == 0));

        assertThat(scrape(c)).contains("emulated=\"true\"").contains("sluice_worker_tokens_sampled_total");
        a.close();
        Map<String, WorkerStatus> newest = new HashMap<>();
        await().atMost(PATIENCE).until(() -> {
            statuses.poll(Duration.ofMillis(100)).forEach(status -> newest.put(status.key(), status.value()));
            return newest.containsKey("a") && newest.get("a").getState() == WorkerState.LEFT;
        });
        assertThat(newest.get("c").getState()).isEqualTo(WorkerState.JOINED);
        assertThat(newest.get("c").getEmulated()).isTrue();
        assertThat(newest.get("b").getDecodeTokensPerS()).isPositive();
    }

    @Test
    void shouldSurviveBadRecordsAndReportThem() {
        start(config("solo", new LayerRange(0, 6), "cpu"));
        String topic = Topics.activations(new WorkerId("solo")).name();
        List<Stage> pipeline = List.of(new Stage("solo", 0, 6));
        producer.send(new ProducerRecord<>(topic, 0, null, "not Avro".getBytes(StandardCharsets.UTF_8)));
        producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {0, 0, 1, 0, 0, 5}));
        ActivationChunk bad = prompt("bad", List.of(1, 2), 4, pipeline);
        bad.setCount(7);
        send("solo", bad, prompt("good", List.of(337, 260, 403), 5, pipeline));

        await().atMost(PATIENCE).until(() -> tokens.poll(Duration.ofMillis(100)).stream()
                .anyMatch(token -> token.key().equals("good") && token.value().getFinishReason() != null));
        List<ErrorRecord> reported = new ArrayList<>();
        await().atMost(PATIENCE).until(() -> {
            errors.poll(Duration.ofMillis(100)).forEach(error -> reported.add(error.value()));
            return reported.size() >= 3;
        });
        assertThat(reported.stream().map(ErrorRecord::getReason))
                .containsExactlyInAnyOrder(
                        ErrorReason.MALFORMED_RECORD, ErrorReason.UNKNOWN_SCHEMA, ErrorReason.MALFORMED_RECORD);
        assertThat(reported).anySatisfy(error -> {
            assertThat(error.getRequestId()).isEqualTo("bad");
            assertThat(error.getOriginOffset()).isEqualTo(2);
        });
    }

    @Test
    void shouldEndASessionWhoseNextWorkerDoesNotExist() {
        start(config("head", new LayerRange(0, 3), "cpu"));
        send("head", prompt("r", List.of(337, 260), 4, List.of(new Stage("head", 0, 3), new Stage("ghost", 3, 6))));

        await().atMost(PATIENCE).until(() -> errors.poll(Duration.ofMillis(100)).stream()
                .anyMatch(error -> "r".equals(error.value().getRequestId())
                        && error.value().getReason() == ErrorReason.WORKER_FAILED
                        && error.value().getMessage().contains("sluice.activations.ghost.v1")));
    }

    @Test
    void shouldTakeItsLayersFromThePlacement() throws Exception {
        WorkerConfig waiting = config("placed", null, "cpu");
        CompletableFuture<WorkerService> starting = CompletableFuture.supplyAsync(() -> WorkerService.start(waiting));
        AvroSerializer<Placement> serializer = new AvroSerializer<>(registry, Topics.PLACEMENTS);
        Placement placement = new Placement(
                "psalm", 1L, 6, 192, 2, List.of(new Stage("other", 0, 4), new Stage("placed", 4, 6)), "test", 0L);
        String topic = Topics.PLACEMENTS.name();
        producer.send(new ProducerRecord<>(
                topic, "psalm".getBytes(StandardCharsets.UTF_8), serializer.serialize(topic, placement)));

        WorkerService started = starting.get(60, java.util.concurrent.TimeUnit.SECONDS);
        open.add(started);
        assertThat(started.layers()).isEqualTo(new LayerRange(4, 6));
    }

    @Test
    void shouldFailClearlyWhenTheRegistryOrTheBrokerIsDown() {
        KafkaSettings noRegistry = new KafkaSettings(broker.bootstrap(), "http://127.0.0.1:9/apis/ccompat/v7");
        KafkaSettings noBroker = new KafkaSettings("127.0.0.1:9", kafka.registryUrl());

        assertThatThrownBy(() -> WorkerService.start(config("x", noRegistry, Duration.ofSeconds(2))))
                .hasMessageContaining("http://127.0.0.1:9/apis/ccompat/v7");
        assertThatThrownBy(() -> WorkerService.start(config("x", noBroker, Duration.ofSeconds(2))))
                .hasMessageContaining("127.0.0.1:9");
    }

    private WorkerService start(WorkerConfig config) {
        WorkerService service = WorkerService.start(config);
        open.add(service);
        return service;
    }

    private <T extends SpecificRecord> TopicTail<T> tail(TopicSpec<T> topic) {
        TopicTail<T> tail = TopicTail.fromEnd(kafka, registry, topic, IsolationLevel.READ_UNCOMMITTED);
        open.add(tail);
        return tail;
    }

    private static String scrape(WorkerService service) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(service.metricsUrl() + "/metrics"))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void send(String worker, ActivationChunk... chunks) {
        TopicSpec<ActivationBatch> topic = Topics.activations(new WorkerId(worker));
        AvroSerializer<ActivationBatch> serializer = new AvroSerializer<>(registry, topic);
        ActivationBatch batch = new ActivationBatch("router", System.currentTimeMillis() * 1_000, List.of(chunks));
        producer.send(new ProducerRecord<>(topic.name(), 0, null, serializer.serialize(topic.name(), batch)));
    }

    private static ActivationChunk prompt(String session, List<Integer> ids, int maxTokens, List<Stage> pipeline) {
        SessionSetup setup = new SessionSetup(
                "psalm",
                1L,
                pipeline,
                ids.size(),
                maxTokens,
                ids.size() + maxTokens,
                0f,
                0,
                1f,
                0L,
                true,
                ServiceClass.LATENCY_CRITICAL);
        return LocalCluster.tokenChunk(session, 1, 0, ids, setup);
    }

    private static WorkerConfig config(String id, LayerRange layers, String device) {
        return new WorkerConfig(
                new WorkerId(id),
                kafka,
                MODEL,
                "psalm",
                Optional.ofNullable(layers),
                DeviceSpec.parse(device),
                1,
                32,
                16,
                ActivationDtype.FP32,
                "local",
                0,
                Duration.ofMillis(250),
                PATIENCE);
    }

    private static WorkerConfig config(String id, KafkaSettings settings, Duration startTimeout) {
        return new WorkerConfig(
                new WorkerId(id),
                settings,
                MODEL,
                "psalm",
                Optional.of(new LayerRange(0, 6)),
                DeviceSpec.CPU,
                1,
                32,
                16,
                ActivationDtype.FP32,
                "local",
                0,
                Duration.ofMillis(250),
                startTimeout);
    }

    private static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.asInt()));
        return ids;
    }
}
