package io.sluice.planner;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.embedded.EmbeddedBroker;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Limits;
import io.sluice.records.Stage;
import io.sluice.records.WorkerState;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
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
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reports of a shared device in, limits out, on a real broker and a real Flink. */
class LimitsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String WORKER = "a";

    @TempDir
    static Path dir;

    private static EmbeddedBroker broker;
    private static KafkaSettings kafka;
    private static KafkaProducer<byte[], byte[]> producer;

    private final List<Limits> seen = new ArrayList<>();
    private final SharedDevice device = new SharedDevice(WORKER, 1);
    private volatile long steps;
    private volatile long violations;
    private ScheduledExecutorService reports;
    private PlannerService planner;
    private TopicTail<Limits> limits;

    @BeforeAll
    static void startBroker() {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(dir.resolve("broker")));
        kafka = new KafkaSettings(broker.bootstrap(), "http://127.0.0.1:1");
        producer = new KafkaProducer<>(
                KafkaClients.durableProducer(kafka, "test"), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterAll
    static void stopBroker() {
        producer.close();
        broker.close();
    }

    private static PlannerService start() {
        return PlannerService.start(PlannerConfig.of(kafka, dir.resolve("flink")), Records.registries());
    }

    @BeforeEach
    void open() {
        planner = start();
        limits = TopicTail.fromEnd(kafka, Records.REGISTRY, Topics.LIMITS, IsolationLevel.READ_UNCOMMITTED);
        send(Topics.WORKERS, Records.worker(WORKER, 0, 2, WorkerState.JOINED, 1, System.currentTimeMillis()));
        reports = Executors.newSingleThreadScheduledExecutor();
        reports.scheduleAtFixedRate(this::report, 0, SharedDevice.INTERVAL_MILLIS, MILLISECONDS);
    }

    @AfterEach
    void close() {
        reports.shutdownNow();
        limits.close();
        planner.close();
    }

    private void report() {
        GpuTelemetry report = device.report(System.currentTimeMillis(), steps, violations, "t");
        send(Topics.GPU_TELEMETRY, report);
    }

    private static <T extends SpecificRecord> void send(TopicSpec<T> topic, T record) {
        byte[] key = WORKER.getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>(topic.name(), key, Records.bytes(topic, record)));
    }

    private Limits awaitLimits(String what, Predicate<Limits> wanted) {
        Limits[] found = new Limits[1];
        await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> {
            for (Tailed<Limits> record : limits.poll(Duration.ofMillis(100))) {
                assertThat(record.key()).isEqualTo(WORKER);
                seen.add(record.value());
                if (found[0] == null && wanted.test(record.value())) {
                    found[0] = record.value();
                }
            }
            return found[0] != null;
        });
        return found[0];
    }

    private void load(long newSteps, long newViolations) {
        violations = 0;
        steps = newSteps;
        violations = newViolations;
    }

    @Test
    void shouldLowerTheQuotaInALoadStepAndRaiseItAgain() throws Exception {
        awaitLimits("everything in a lull", l -> l.getQuota() == 1);
        load(8, 3);
        awaitLimits("nothing while steps are slowed down", l -> l.getQuota() == 0);
        load(40, 0);
        awaitLimits("something when they are not", l -> l.getQuota() > 0.05);
        load(0, 0);
        Limits last = awaitLimits("everything in the next lull", l -> l.getQuota() == 1);

        for (int i = 1; i < seen.size(); i++) {
            assertThat(seen.get(i).getEpoch()).isGreaterThan(seen.get(i - 1).getEpoch());
        }
        assertThat(last.getIncarnation()).isEqualTo(1);
        assertThat(last.getLevels()).singleElement().satisfies(level -> assertThat(level.getTenant())
                .isEqualTo("t"));
        URI metrics = planner.metricsUrl().orElseThrow();
        await("quota and epoch in the metrics").atMost(PATIENCE).untilAsserted(() -> assertThat(get(metrics))
                .containsPattern("limits_quota\\{[^}]*worker=\"a\"[^}]*} 1")
                .containsPattern("limits_violations\\{[^}]*worker=\"a\"[^}]*} [1-9]")
                .containsPattern("limits_published\\{[^}]*} [1-9]"));
    }

    private static String get(URI uri) throws Exception {
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    @Test
    void shouldLetLimitsEndWhenTheJobIsGoneAndGoOnWithAHigherEpoch() {
        awaitLimits("everything in a lull", l -> l.getQuota() == 1);
        planner.close();
        // Reports go on, renewals do not: the newest record is the last one once its lease is over.
        await("the lease is over").atMost(PATIENCE).until(() -> {
            limits.poll(Duration.ofMillis(100)).forEach(record -> seen.add(record.value()));
            return System.currentTimeMillis() > seen.getLast().getValidUntilMs();
        });
        Limits last = seen.getLast();
        assertThat(last.getValidUntilMs() - last.getAtMs()).isEqualTo(3_000);

        planner = start();
        Limits next = awaitLimits("limits of the next job", l -> true);
        assertThat(next.getEpoch()).isGreaterThan(last.getEpoch());
        assertThat(next.getAtMs()).isGreaterThan(last.getValidUntilMs());
    }

    @Test
    @Tag("long")
    void shouldGoOnFromItsCheckpointWhenATaskManagerIsLost() {
        load(40, 0);
        awaitLimits("a quota that rose", l -> l.getQuota() > 0.3);
        planner.ownCluster().orElseThrow().replaceTaskManager();
        long lost = System.currentTimeMillis();
        long newest = seen.getLast().getEpoch();
        Limits next = awaitLimits("limits after the loss", l -> l.getAtMs() > lost && l.getQuota() > 0);
        assertThat(next.getEpoch()).isGreaterThan(newest);
        for (int i = 1; i < seen.size(); i++) {
            assertThat(seen.get(i).getEpoch()).isGreaterThan(seen.get(i - 1).getEpoch());
        }
    }

    @Test
    @Tag("long")
    void shouldPublishNothingWithoutSharing() {
        planner.close();
        planner = PlannerService.start(
                PlannerConfig.of(kafka, dir.resolve("flink")).withSharing(Optional.empty()), Records.registries());
        long before = System.currentTimeMillis();
        awaitAllocation();
        limits.poll(Duration.ofMillis(100)).forEach(record -> seen.add(record.value()));
        assertThat(seen).allSatisfy(l -> assertThat(l.getAtMs()).isLessThan(before));
    }

    /** The job has read the reports, too. */
    private void awaitAllocation() {
        try (var allocations =
                TopicTail.fromBeginning(kafka, Records.REGISTRY, Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED)) {
            long since = System.currentTimeMillis();
            send(Topics.WORKERS, Records.worker(WORKER, 0, 4, WorkerState.JOINED, 1, System.currentTimeMillis()));
            sendPlacement();
            await("an allocation").atMost(PATIENCE).until(() -> allocations.poll(Duration.ofMillis(100)).stream()
                    .anyMatch(record -> record.value().getAtMs() >= since));
        }
    }

    private static void sendPlacement() {
        var placement = Records.placement(1, new Stage(WORKER, 0, 4));
        byte[] key = Records.MODEL.getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>(Topics.PLACEMENTS.name(), key, Records.bytes(Topics.PLACEMENTS, placement)));
    }
}
