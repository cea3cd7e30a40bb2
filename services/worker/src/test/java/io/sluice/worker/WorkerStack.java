package io.sluice.worker;

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
import io.sluice.records.Placement;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.WorkerStatus;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.worker.device.DeviceSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

/** A real broker and a real registry for workers under test; the test is the router. Owned by one test class. */
final class WorkerStack implements AutoCloseable {
    static final Path MODEL = Path.of("../../models/psalm");
    static final Duration PATIENCE = Duration.ofSeconds(60);

    final EmbeddedBroker broker;
    final KafkaSettings kafka;
    final SchemaRegistry registry;
    final KafkaProducer<byte[], byte[]> producer;
    private final RegistryProcess registryProcess;
    private final List<AutoCloseable> open = new ArrayList<>();
    /** Statuses read so far, by any test; worker names differ between tests. */
    private final List<WorkerStatus> seen = new ArrayList<>();

    private WorkerStack(Path folder) {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("broker")));
        registryProcess = RegistryProcess.start(RegistryProcess.Config.in(folder));
        kafka = new KafkaSettings(broker.bootstrap(), registryProcess.url());
        registry = new SchemaRegistry(kafka.registryUrl(), PATIENCE);
        producer = new KafkaProducer<>(
                KafkaClients.latencyProducer(kafka, "test"), new ByteArraySerializer(), new ByteArraySerializer());
        try (TopicAdmin admin = new TopicAdmin(kafka)) {
            admin.ensure(Topics.all());
        }
    }

    static WorkerStack start(Path folder) {
        return new WorkerStack(folder);
    }

    /** Closes what a test has opened, newest first. */
    void closeOpened() throws Exception {
        for (AutoCloseable part : open.reversed()) {
            part.close();
        }
        open.clear();
    }

    @Override
    public void close() throws Exception {
        closeOpened();
        producer.close();
        registry.close();
        registryProcess.close();
        broker.close();
    }

    /** Closed after the test. */
    <T extends AutoCloseable> T keep(T part) {
        open.add(part);
        return part;
    }

    WorkerService start(WorkerConfig config) {
        return keep(WorkerService.start(config));
    }

    <T extends SpecificRecord> TopicTail<T> tail(TopicSpec<T> topic) {
        return keep(TopicTail.fromEnd(kafka, registry, topic, IsolationLevel.READ_UNCOMMITTED));
    }

    WorkerConfig config(String id, LayerRange layers, String device) {
        return config(id, "psalm", layers, device);
    }

    WorkerConfig config(String id, String servedModel, LayerRange layers, String device) {
        return config(id, kafka, servedModel, Optional.ofNullable(layers), device, PATIENCE);
    }

    WorkerConfig config(String id, KafkaSettings settings, Duration startTimeout) {
        return config(id, settings, "psalm", Optional.of(new LayerRange(0, 6)), "cpu", startTimeout);
    }

    private static WorkerConfig config(
            String id,
            KafkaSettings settings,
            String servedModel,
            Optional<LayerRange> layers,
            String device,
            Duration startTimeout) {
        return WorkerConfig.onCpu(new WorkerId(id), settings, MODEL, servedModel, layers)
                .with(draft -> {
                    draft.device = DeviceSpec.parse(device);
                    draft.threads = 1;
                    draft.kvMib = 32;
                    draft.prefillChunk = OptionalInt.of(16);
                    draft.activations = ActivationDtype.FP32;
                    draft.startTimeout = startTimeout;
                });
    }

    WorkerConfig onSlowLink(String id, LayerRange layers, double bytesPerSecond) {
        return config(id, layers, "emulated:a100@20").with(draft -> {
            draft.prefillChunk = OptionalInt.empty();
            draft.linkBytesPerSecond = OptionalDouble.of(bytesPerSecond);
        });
    }

    void send(String worker, ActivationChunk... chunks) {
        TopicSpec<ActivationBatch> topic = Topics.activations(new WorkerId(worker));
        AvroSerializer<ActivationBatch> serializer = new AvroSerializer<>(registry, topic);
        ActivationBatch batch = new ActivationBatch("router", System.currentTimeMillis() * 1_000, List.of(chunks));
        producer.send(new ProducerRecord<>(topic.name(), 0, null, serializer.serialize(topic.name(), batch)));
    }

    /** Publishes a record as somebody else would. */
    <T extends SpecificRecord> void publish(TopicSpec<T> topic, String key, T record) {
        byte[] value = new AvroSerializer<>(registry, topic).serialize(topic.name(), record);
        producer.send(new ProducerRecord<>(topic.name(), key.getBytes(StandardCharsets.UTF_8), value));
        producer.flush();
    }

    void place(String model, long epoch, Stage... stages) {
        publish(
                Topics.PLACEMENTS,
                model,
                Placement.newBuilder()
                        .setModel(model)
                        .setEpoch(epoch)
                        .setLayerCount(6)
                        .setHiddenSize(192)
                        .setActivationBytes(2)
                        .setStages(List.of(stages))
                        .setMethod("test")
                        .setAtMs(0)
                        .build());
    }

    /** Waits for a status of the worker that is as wanted; those before it are passed over. */
    WorkerStatus status(TopicTail<WorkerStatus> statuses, String worker, Predicate<WorkerStatus> wanted) {
        AtomicReference<WorkerStatus> found = new AtomicReference<>();
        await().atMost(PATIENCE).until(() -> {
            statuses.poll(Duration.ofMillis(100)).forEach(record -> seen.add(record.value()));
            seen.stream()
                    .filter(status -> status.getWorker().equals(worker) && wanted.test(status))
                    .findFirst()
                    .ifPresent(found::set);
            return found.get() != null;
        });
        return found.get();
    }

    static ActivationChunk prompt(
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
                "default",
                1.0,
                null,
                List.of());
        return LocalCluster.tokenChunk(session, 1, 0, ids, setup);
    }

    static ActivationChunk prompt(String session, List<Integer> ids, int maxTokens, List<Stage> pipeline) {
        return prompt("psalm", session, ids, maxTokens, pipeline);
    }

    /** Prompts and greedy continuations of the reference. */
    static JsonNode referenceCases() {
        try {
            return new ObjectMapper()
                    .readTree(MODEL.resolve("reference.json").toFile())
                    .get("cases");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.asInt()));
        return ids;
    }

    static String scrape(WorkerService service) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(service.metricsUrl() + "/metrics"))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
