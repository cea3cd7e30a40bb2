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
import io.sluice.records.LoadedLayers;
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
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
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

    /** Statuses read so far, by any test; worker names differ between tests. */
    private static final List<WorkerStatus> SEEN = new ArrayList<>();

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
    void shouldGenerateTheReferenceTextOverASlowLinkWithChunksByRule() throws IOException {
        TopicTail<WorkerStatus> statuses = tail(Topics.WORKERS);
        WorkerService first = start(onSlowLink("slow-a", new LayerRange(0, 3), 60_000));
        start(onSlowLink("slow-b", new LayerRange(3, 6), 60_000));
        JsonNode reference = new ObjectMapper()
                .readTree(MODEL.resolve("reference.json").toFile())
                .get("cases")
                .get(0);
        List<Stage> pipeline = List.of(new Stage("slow-a", 0, 3), new Stage("slow-b", 3, 6));

        send("slow-a", prompt("slow", ids(reference.get("prompt_token_ids")), 8, pipeline));
        List<Integer> generated = new ArrayList<>();
        await().atMost(PATIENCE).until(() -> {
            tokens.poll(Duration.ofMillis(100))
                    .forEach(token -> generated.add(token.value().getTokenId()));
            return generated.size() == 8;
        });

        assertThat(generated).isEqualTo(ids(reference.get("greedy_token_ids")).subList(0, 8));
        assertThat(status(statuses, "slow-a", any -> true).getLinkBytesPerS()).isEqualTo(60_000);
        assertThat(scrape(first)).contains("sluice_worker_link_waiting_tokens");
    }

    private static WorkerConfig onSlowLink(String id, LayerRange layers, double bytesPerSecond) {
        return new WorkerConfig(
                new WorkerId(id),
                kafka,
                MODEL,
                "psalm",
                Optional.of(layers),
                OptionalInt.empty(),
                DeviceSpec.parse("emulated:a100@20"),
                1,
                32,
                OptionalInt.empty(),
                OptionalDouble.of(bytesPerSecond),
                ActivationDtype.FP32,
                "local",
                0,
                Duration.ofMillis(250),
                PATIENCE);
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
    void shouldTakeItsLayersFromThePlacementThatIsThere() {
        place("there", 3, new Stage("other", 0, 4), new Stage("placed", 4, 6));

        WorkerService started = start(config("placed", "there", null, "cpu"));

        assertThat(started.layers()).contains(new LayerRange(4, 6));
    }

    @Test
    void shouldJoinAsASpareAndChangeItsLayersAsPlacementsSayInMidGeneration() throws IOException {
        TopicTail<WorkerStatus> statuses = tail(Topics.WORKERS);
        WorkerService a = start(config("live-a", "live", null, "cpu"));
        start(config("live-b", "live", null, "emulated:a100@20"));
        assertThat(a.layers()).isEmpty();
        WorkerStatus spare = status(statuses, "live-a", status -> true);
        assertThat(spare.getState()).isEqualTo(WorkerState.JOINED);
        assertThat(spare.getEndLayer()).isEqualTo(spare.getFirstLayer());
        assertThat(spare.getMaxLayers()).isEqualTo(6);
        assertThat(spare.getKvCapacityTokens()).isEqualTo((32 << 20) / 512);
        assertThat(spare.getDecodeTokensPerS()).isPositive();
        assertThat(spare.getLoaded()).isEmpty();

        place("live", 1, new Stage("live-a", 0, 3), new Stage("live-b", 3, 6));
        List<Stage> before = List.of(new Stage("live-a", 0, 3), new Stage("live-b", 3, 6));
        assertThat(status(statuses, "live-a", status -> status.getPlacementEpoch() == 1)
                        .getEndLayer())
                .isEqualTo(3);
        WorkerStatus tail = status(statuses, "live-b", status -> status.getPlacementEpoch() == 1);
        assertThat(tail.getFirstLayer()).isEqualTo(3);
        assertThat(tail.getKvCapacityTokens()).isEqualTo((32 << 20) / 512 / 3);
        JsonNode cases = new ObjectMapper()
                .readTree(MODEL.resolve("reference.json").toFile())
                .get("cases");
        Map<String, List<Integer>> generated = new HashMap<>();
        int half = cases.size() / 2;
        for (int i = 0; i < half; i++) {
            send("live-a", prompt("live", "live-" + i, ids(cases.get(i).get("prompt_token_ids")), 64, before));
        }
        await().atMost(PATIENCE).until(() -> collect(generated, "live-").size() == half);

        place("live", 2, new Stage("live-a", 0, 4), new Stage("live-b", 3, 6));
        place("live", 3, new Stage("live-a", 0, 4), new Stage("live-b", 4, 6));
        status(statuses, "live-a", status -> status.getPlacementEpoch() == 3 && status.getEndLayer() == 4);
        status(statuses, "live-b", status -> status.getPlacementEpoch() == 3 && status.getFirstLayer() == 4);
        List<Stage> after = List.of(new Stage("live-a", 0, 4), new Stage("live-b", 4, 6));
        for (int i = half; i < cases.size(); i++) {
            send("live-a", prompt("live", "live-" + i, ids(cases.get(i).get("prompt_token_ids")), 64, after));
        }

        await().atMost(PATIENCE)
                .until(() -> collect(generated, "live-").size() == cases.size()
                        && generated.values().stream().allMatch(list -> list.size() == 64));
        for (int i = 0; i < cases.size(); i++) {
            assertThat(generated.get("live-" + i)).isEqualTo(ids(cases.get(i).get("greedy_token_ids")));
        }
        WorkerStatus drained =
                status(statuses, "live-b", status -> status.getLoaded().equals(List.of(new LoadedLayers(4, 6))));
        assertThat(drained.getDrainingSessions()).isZero();
        assertThat(scrape(a)).containsPattern("sluice_worker_layers_served\\{.*} 4.0");
        place("live", 4, new Stage("live-a", 0, 4));
        WorkerStatus again = status(statuses, "live-b", status -> status.getPlacementEpoch() == 4);
        assertThat(again.getState()).isEqualTo(WorkerState.JOINED);
        assertThat(again.getEndLayer()).isEqualTo(again.getFirstLayer());
    }

    @Test
    void shouldKeepTheLayersOfItsCommandLineWhateverPlacementsSay() {
        place("pinned", 1, new Stage("pinned-a", 3, 6));
        TopicTail<WorkerStatus> statuses = tail(Topics.WORKERS);
        WorkerService pinned = start(config("pinned-a", "pinned", new LayerRange(1, 3), "emulated:t4@20"));

        assertThat(pinned.layers()).contains(new LayerRange(1, 3));
        WorkerStatus status = status(statuses, "pinned-a", any -> true);
        assertThat(status.getMaxLayers()).isZero();
        assertThat(status.getPlacementEpoch()).isZero();
    }

    private void place(String model, long epoch, Stage... stages) {
        Placement placement = Placement.newBuilder()
                .setModel(model)
                .setEpoch(epoch)
                .setLayerCount(6)
                .setHiddenSize(192)
                .setActivationBytes(2)
                .setStages(List.of(stages))
                .setMethod("test")
                .setAtMs(0)
                .build();
        String topic = Topics.PLACEMENTS.name();
        byte[] value = new AvroSerializer<>(registry, Topics.PLACEMENTS).serialize(topic, placement);
        producer.send(new ProducerRecord<>(topic, model.getBytes(StandardCharsets.UTF_8), value));
        producer.flush();
    }

    /** Waits for a status of the worker that is as wanted; those before it are passed over. */
    private static WorkerStatus status(
            TopicTail<WorkerStatus> statuses, String worker, Predicate<WorkerStatus> wanted) {
        AtomicReference<WorkerStatus> found = new AtomicReference<>();
        await().atMost(PATIENCE).until(() -> {
            statuses.poll(Duration.ofMillis(100)).forEach(record -> SEEN.add(record.value()));
            SEEN.stream()
                    .filter(status -> status.getWorker().equals(worker) && wanted.test(status))
                    .findFirst()
                    .ifPresent(found::set);
            return found.get() != null;
        });
        return found.get();
    }

    private Map<String, List<Integer>> collect(Map<String, List<Integer>> generated, String prefix) {
        for (var token : tokens.poll(Duration.ofMillis(20))) {
            if (token.key().startsWith(prefix)) {
                generated
                        .computeIfAbsent(token.key(), key -> new ArrayList<>())
                        .add(token.value().getTokenId());
            }
        }
        return generated;
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
        return prompt("psalm", session, ids, maxTokens, pipeline);
    }

    private static ActivationChunk prompt(
            String model, String session, List<Integer> ids, int maxTokens, List<Stage> pipeline) {
        SessionSetup setup = new SessionSetup(
                model,
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
                ServiceClass.LATENCY_CRITICAL,
                null);
        return LocalCluster.tokenChunk(session, 1, 0, ids, setup);
    }

    private static WorkerConfig config(String id, LayerRange layers, String device) {
        return config(id, "psalm", layers, device);
    }

    private static WorkerConfig config(String id, String servedModel, LayerRange layers, String device) {
        return new WorkerConfig(
                new WorkerId(id),
                kafka,
                MODEL,
                servedModel,
                Optional.ofNullable(layers),
                OptionalInt.empty(),
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
                OptionalInt.empty(),
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
