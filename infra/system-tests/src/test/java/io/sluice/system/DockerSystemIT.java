package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.dockerjava.api.exception.NotFoundException;
import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.CloudEvents;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.MetricsServer;
import io.sluice.messaging.PlacementCodec;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.planner.PlannerConfig;
import io.sluice.planner.PlannerService;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Token;
import io.sluice.router.RouterConfig;
import io.sluice.router.RouterService;
import io.sluice.router.RuntimeModelCatalog;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import io.sluice.system.ReferenceModel.Case;
import io.sluice.worker.WorkerConfig;
import io.sluice.worker.WorkerService;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * Router, two workers and the Flink job serve prompts through a broker in a container. Skipped with a message where
 * there is no Docker engine, or no Kafka image; {@code infra/ci/docker.sh} provides both.
 */
class DockerSystemIT {
    private static final Logger LOG = LoggerFactory.getLogger(DockerSystemIT.class);
    private static final String IMAGE_SETTING = "SLUICE_TEST_KAFKA_IMAGE";
    private static final String STAND_IN = "localhost/sluice-kafka:4.2.1";
    private static final String OFFICIAL = "apache/kafka";
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int PROMPTS = 4;

    private static final Deque<AutoCloseable> PARTS = new ArrayDeque<>();

    @TempDir
    static Path folder;

    /** What keeps this test from running here; asked once, so that the skipped test is counted and says why. */
    private static Optional<String> missing;

    private static KafkaSettings settings;
    private static SchemaRegistry registry;

    @BeforeAll
    static void startEverything() throws Exception {
        String image = System.getProperty(IMAGE_SETTING, System.getenv().getOrDefault(IMAGE_SETTING, STAND_IN));
        missing = missing(image);
        if (missing.isPresent()) {
            LOG.warn("skipped: {}", missing.get());
            return;
        }
        KafkaContainer kafka =
                opened(new KafkaContainer(DockerImageName.parse(image).asCompatibleSubstituteFor(OFFICIAL)));
        kafka.start();
        RegistryProcess registryProcess =
                opened(RegistryProcess.start(RegistryProcess.Config.in(folder.resolve("registry"))));
        settings = new KafkaSettings(kafka.getBootstrapServers(), registryProcess.url());
        registry = opened(new SchemaRegistry(settings.registryUrl(), Duration.ofSeconds(30)));
        try (TopicAdmin topics = new TopicAdmin(settings)) {
            topics.ensure(Topics.all());
        }

        int layers = ReferenceModel.layerCount();
        Stage first = new Stage(new WorkerId("w1"), new LayerRange(0, layers / 2));
        Stage second = new Stage(new WorkerId("w2"), new LayerRange(layers / 2, layers));
        PlacementPlan plan = new PlacementPlan(
                ReferenceModel.NAME, 1, layers, ReferenceModel.hiddenSize(), Float.BYTES, List.of(first, second));
        send(Topics.PLACEMENTS, plan.model(), PlacementCodec.encode(plan, "static", 1));
        opened(WorkerService.start(worker(first)));
        opened(WorkerService.start(worker(second)));
        opened(PlannerService.start(PlannerConfig.of(settings, folder.resolve("flink"))));
        RuntimeModelCatalog models =
                opened(RuntimeModelCatalog.open(Map.of(ReferenceModel.NAME, ReferenceModel.folder())));
        opened(RouterService.start(
                RouterConfig.of(settings, models, MetricsServer.newRegistry("router"), folder.resolve("router"))));
    }

    @AfterAll
    static void stopEverything() throws Exception {
        while (!PARTS.isEmpty()) {
            PARTS.pop().close();
        }
    }

    @Test
    void shouldAnswerAsTheReferenceThroughABrokerInAContainer() throws Exception {
        assumeTrue(missing.isEmpty(), () -> missing.orElseThrow());
        List<Case> cases = ReferenceModel.cases().subList(0, PROMPTS);
        Map<String, Completion> completions = new HashMap<>();
        Map<String, List<Token>> tokens = new HashMap<>();
        try (TopicTail<Completion> completed = tail(Topics.COMPLETIONS);
                TopicTail<Token> published = tail(Topics.TOKENS);
                TopicTail<ErrorRecord> errors = tail(Topics.ERRORS)) {
            for (int i = 0; i < cases.size(); i++) {
                request("docker-" + i, cases.get(i));
            }
            // The topics are read one after the other, so a completion may be seen before its last tokens.
            await().atMost(PATIENCE).pollDelay(Duration.ZERO).untilAsserted(() -> {
                assertThat(errors.poll(Duration.ZERO))
                        .extracting(error -> error.value().getMessage())
                        .isEmpty();
                completed.poll(POLL).forEach(one -> completions.put(one.key(), one.value()));
                published.poll(POLL).forEach(token -> tokens.computeIfAbsent(token.key(), key -> new ArrayList<>())
                        .add(token.value()));
                assertThat(completions).hasSize(cases.size());
                assertThat(tokens.values()).hasSize(cases.size()).allSatisfy(read -> assertThat(
                                read.getLast().getFinishReason())
                        .isNotNull());
            });
        }
        for (int i = 0; i < cases.size(); i++) {
            Completion completion = completions.get("docker-" + i);
            assertThat(completion.getPromptTokenIds()).isEqualTo(cases.get(i).promptTokenIds());
            assertThat(completion.getTokenIds())
                    .as(cases.get(i).prompt())
                    .isEqualTo(cases.get(i).tokenIds());
            assertThat(completion.getPipeline())
                    .extracting(io.sluice.records.Stage::getWorker)
                    .containsExactly("w1", "w2");
            assertThat(tokens.get("docker-" + i))
                    .extracting(Token::getTokenId)
                    .containsExactlyElementsOf(cases.get(i).tokenIds());
        }
    }

    private static WorkerConfig worker(Stage stage) {
        return WorkerConfig.onCpu(
                        stage.worker(),
                        settings,
                        ReferenceModel.folder(),
                        ReferenceModel.NAME,
                        Optional.of(stage.layers()))
                .with(draft -> {
                    draft.threads = 1;
                    draft.prefillChunk = OptionalInt.of(WorkerConfig.DEFAULT_PREFILL_CHUNK);
                    draft.activations = ActivationDtype.FP32;
                });
    }

    private static void request(String id, Case wanted) throws Exception {
        send(
                Topics.REQUESTS,
                id,
                InferenceRequest.newBuilder()
                        .setRequestId(id)
                        .setModel(ReferenceModel.NAME)
                        .setPrompt(wanted.prompt())
                        .setMaxTokens(wanted.tokenIds().size())
                        .setIgnoreEos(true)
                        .setDeadlineMs(PATIENCE.toMillis())
                        .build());
    }

    private static <T extends SpecificRecord> void send(TopicSpec<T> topic, String key, T value) throws Exception {
        try (KafkaProducer<String, T> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "test"),
                new StringSerializer(),
                new AvroSerializer<>(registry, topic))) {
            producer.send(new ProducerRecord<>(
                            topic.name(),
                            null,
                            key,
                            value,
                            CloudEvents.headers(key, "/sluice/test", CloudEvents.REQUEST_TYPE, Instant.now())))
                    .get();
        }
    }

    private static <T extends SpecificRecord> TopicTail<T> tail(TopicSpec<T> topic) {
        return TopicTail.fromBeginning(settings, registry, topic, IsolationLevel.READ_COMMITTED);
    }

    private static Optional<String> missing(String image) {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            return Optional.of("no Docker engine is running; infra/ci/docker.sh starts one");
        }
        try {
            DockerClientFactory.instance().client().inspectImageCmd(image).exec();
            return Optional.empty();
        } catch (NotFoundException e) {
            return Optional.of("there is no Docker image " + image + "; infra/ci/docker.sh builds one, " + IMAGE_SETTING
                    + " names another");
        }
    }

    private static <T extends AutoCloseable> T opened(T part) {
        PARTS.push(part);
        return part;
    }
}
