package io.sluice.planner;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.planning.AllocationVerifier;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.messaging.AllocationCodec;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.records.BeatState;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Heartbeat;
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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.JobStatus;
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

/** The job on a real broker; also guards that this Flink, this connector and these Kafka clients work together. */
class PlannerServiceIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** How often a task asked for a registry that is away at first. */
    private static final AtomicInteger ASKED = new AtomicInteger();

    @TempDir
    static Path dir;

    private static EmbeddedBroker broker;
    private static KafkaSettings kafka;
    private static KafkaProducer<byte[], byte[]> producer;

    private final Map<String, Double> speeds = new ConcurrentHashMap<>();
    private final AtomicLong sequence = new AtomicLong(System.currentTimeMillis());
    private final List<Allocation> seen = new ArrayList<>();
    private ScheduledExecutorService heartbeats;
    private PlannerService planner;
    private TopicTail<Allocation> allocations;

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

    private PlannerService start() {
        return PlannerService.start(PlannerConfig.of(kafka, dir.resolve("flink")), Records.registries());
    }

    @BeforeEach
    void open() {
        planner = start();
        allocations = TopicTail.fromEnd(kafka, Records.REGISTRY, Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED);
        heartbeats = Executors.newSingleThreadScheduledExecutor();
        heartbeats.scheduleAtFixedRate(this::beat, 0, 250, TimeUnit.MILLISECONDS);
    }

    @AfterEach
    void close() {
        heartbeats.shutdownNow();
        allocations.close();
        planner.close();
    }

    private void beat() {
        long now = System.currentTimeMillis();
        speeds.forEach((id, speed) -> send(
                Topics.GPU_TELEMETRY,
                id,
                Records.gpu(id, 1, sequence.incrementAndGet(), now, 250_000, Math.round(speed / 4))));
    }

    private static <T extends SpecificRecord> void send(TopicSpec<T> topic, String key, T record) {
        send(topic, key, Records.bytes(topic, record));
    }

    private static void send(TopicSpec<?> topic, String key, byte[] value) {
        producer.send(new ProducerRecord<>(topic.name(), key.getBytes(StandardCharsets.UTF_8), value));
    }

    private void join(String id, int first, int end) {
        speeds.put(id, 100.0);
        long now = System.currentTimeMillis();
        send(Topics.WORKERS, id, Records.worker(id, first, end, WorkerState.JOINED, 1, now));
    }

    private void joinAll() {
        join("a", 0, 2);
        join("b", 0, 2);
        join("c", 2, 4);
    }

    private void place(long epoch) {
        send(
                Topics.PLACEMENTS,
                Records.MODEL,
                Records.placement(epoch, new Stage("a", 0, 2), new Stage("b", 0, 2), new Stage("c", 2, 4)));
    }

    private Allocation awaitAllocation(String what, Predicate<Allocation> wanted) {
        Allocation[] found = new Allocation[1];
        await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> {
            for (Tailed<Allocation> record : allocations.poll(Duration.ofMillis(100))) {
                seen.add(record.value());
                if (found[0] == null && wanted.test(record.value())) {
                    found[0] = record.value();
                }
            }
            return found[0] != null;
        });
        return found[0];
    }

    private static boolean complete(Allocation allocation) {
        return allocation.getWorkers().size() == 3 && allocation.getMaxFlowTokensPerS() > 0;
    }

    private static HttpResponse<String> get(URI uri) throws Exception {
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void shouldKeepEpochsGapFreeAndNoClientOpenThroughASpeedChangeAndALostTaskManager() throws Exception {
        place(1);
        joinAll();
        awaitAllocation("all three workers", PlannerServiceIT::complete);

        speeds.put("a", 50.0);
        awaitAllocation("a's share halved", a -> a.getReason().contains("a fell"));

        var cluster = planner.ownCluster().orElseThrow().cluster();
        cluster.terminateTaskManager(0).get();
        cluster.startTaskManager();
        speeds.put("a", 100.0);
        awaitAllocation("a's recovery after the restart", a -> a.getReason().contains("a rose"));

        List<Long> epochs = seen.stream().map(Allocation::getEpoch).toList();
        for (int i = 1; i < epochs.size(); i++) {
            assertThat(epochs.get(i)).as("epochs %s", epochs).isEqualTo(epochs.get(i - 1) + 1);
        }
        assertThat(seen).allSatisfy(a -> assertThat(AllocationVerifier.verify(AllocationCodec.decode(a)))
                .isEmpty());
        // The connector's own writer would leave a nameless one at each start; those of the sources have names.
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                        .as("admin clients left behind")
                        .extracting(Thread::getName)
                        .noneMatch(name -> name.startsWith("kafka-admin-client-thread | adminclient-")));
    }

    @Test
    void shouldGoOnFromTheLastEpochWhenStartedAnew() {
        place(1);
        joinAll();
        long last = awaitAllocation("first planner", PlannerServiceIT::complete).getEpoch();
        planner.close();
        planner = start();
        long next = awaitAllocation("second planner", a -> a.getEpoch() > last).getEpoch();
        assertThat(next).isEqualTo(last + 1);
    }

    @Test
    void shouldDeadLetterAMalformedRecordAndGoOn() {
        try (TopicTail<ErrorRecord> errors =
                TopicTail.fromEnd(kafka, Records.REGISTRY, Topics.ERRORS, IsolationLevel.READ_COMMITTED)) {
            send(Topics.GPU_TELEMETRY, "a", "no avro".getBytes(StandardCharsets.UTF_8));
            List<ErrorRecord> found = new ArrayList<>();
            await("the dead letter").atMost(PATIENCE).until(() -> {
                errors.poll(Duration.ofMillis(100)).forEach(record -> found.add(record.value()));
                return !found.isEmpty();
            });
            assertThat(found.getFirst().getOriginTopic()).isEqualTo(Topics.GPU_TELEMETRY.name());
        }
        place(1);
        joinAll();
        awaitAllocation("life goes on", PlannerServiceIT::complete);
        assertThat(planner.status()).isEqualTo(JobStatus.RUNNING);
    }

    @Test
    void shouldTakeAWorkerOutWhenItsLeaseEndsWhileItsTelemetryStillComes() {
        Set<String> alive = ConcurrentHashMap.newKeySet();
        alive.addAll(List.of("a", "b", "c"));
        heartbeats.scheduleAtFixedRate(() -> alive.forEach(id -> beat(id, BeatState.ALIVE)), 0, 200, MILLISECONDS);
        place(1);
        joinAll();
        awaitAllocation("all three workers", PlannerServiceIT::complete);

        alive.remove("b");
        Allocation without = awaitAllocation("b is lost", a -> a.getWorkers().size() == 2);
        assertThat(without.getReason()).contains("b left");
        alive.add("b");
        awaitAllocation("b is back", PlannerServiceIT::complete);
        alive.remove("b");
        beat("b", BeatState.GONE);

        awaitAllocation("b is reported gone", a -> a.getWorkers().size() == 2);
    }

    private static void beat(String id, BeatState state) {
        long now = System.currentTimeMillis();
        send(Topics.HEARTBEATS, id, new Heartbeat(id, 1L, 0L, state, 0L, 1_200, id, "", now));
    }

    @Test
    void shouldServeWebUiAndMetrics() throws Exception {
        place(1);
        joinAll();
        awaitAllocation("an allocation", PlannerServiceIT::complete);
        assertThat(get(planner.webUrl()).statusCode()).isEqualTo(200);
        assertThat(get(planner.webUrl().resolve("/jobs/" + planner.jobId())).body())
                .contains("allocate");
        URI metrics = planner.metricsUrl().orElseThrow();
        assertThat(metrics.getHost()).isEqualTo("127.0.0.1");
        await("the epoch in the metrics").atMost(PATIENCE).untilAsserted(() -> assertThat(
                        get(metrics).body())
                .containsPattern("allocation_epoch\\{[^}]*model=\"psalm\"[^}]*} [1-9]"));
    }

    @Test
    void shouldComeBackWhenTheRegistryWasAway() throws Exception {
        planner.close();
        try (FlinkMiniCluster cluster = FlinkMiniCluster.start(dir.resolve("outside"), 2)) {
            // An outside cluster, reached by its REST address; its first three attempts find no registry.
            String address = cluster.webUrl().getHost() + ":" + cluster.webUrl().getPort();
            PlannerConfig outside = PlannerConfig.of(kafka, dir.resolve("unused"))
                    .onCluster(address, List.of())
                    .withParallelism(2);
            planner = PlannerService.start(outside, () -> {
                if (Thread.currentThread().getName().contains("decode") && ASKED.incrementAndGet() <= 3) {
                    throw new IllegalStateException("the registry is away");
                }
                return Records.REGISTRY;
            });
            place(1);
            joinAll();
            awaitAllocation("an allocation after the registry came back", PlannerServiceIT::complete);
            assertThat(ASKED.get()).as("attempts to open the registry").isGreaterThan(3);
            assertThat(planner.metricsUrl()).isEmpty();
            planner.close();
        }
        planner = start();
    }
}
