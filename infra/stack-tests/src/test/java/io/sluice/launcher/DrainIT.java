package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.WorkerId;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.BeatState;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.Heartbeat;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Worker processes that are told to go: by the drain command, and by the signal that a spot machine gets. */
final class DrainIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** Fast enough for a first token, far too slow for 400. */
    private static final String SLOW = "emulated:t4@0.01";

    @TempDir
    static Path folder;

    private static EmbeddedBroker broker;
    private static RegistryProcess registryProcess;
    private static KafkaSettings kafka;
    private static SchemaRegistry registry;

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final List<Heartbeat> heard = new ArrayList<>();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private TopicTail<Heartbeat> beats;

    @BeforeAll
    static void startBrokerAndRegistry() {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("kafka")));
        registryProcess = RegistryProcess.start(RegistryProcess.Config.in(folder.resolve("registry")));
        kafka = new KafkaSettings(broker.bootstrap(), registryProcess.url());
        registry = new SchemaRegistry(kafka.registryUrl(), PATIENCE);
        try (TopicAdmin topics = new TopicAdmin(kafka)) {
            topics.ensure(Topics.all());
        }
    }

    @AfterAll
    static void stopBrokerAndRegistry() {
        if (registry != null) {
            registry.close();
            registryProcess.close();
        }
        broker.close();
    }

    @AfterEach
    void stopWorkers() throws Exception {
        while (!parts.isEmpty()) {
            parts.pop().close();
        }
    }

    @Test
    void shouldSeeAWorkerOffThatIsAskedToDrain() {
        ChildProcess worker = worker("asked", "cpu");

        assertThat(drain("asked", "--wait")).isZero();

        assertThat(out.toString().lines().toList().getLast())
                .isEqualTo("worker asked has left: drained, no session left (asked by sluice drain)");
        assertEnded(worker, 0);
        assertThat(drain("asked")).isEqualTo(1);
        assertThat(err.toString()).contains("worker asked has left already");
    }

    @Test
    void shouldNameTheWorkersThereAreWhenTheOneAskedIsUnknown() {
        worker("present", "cpu");

        assertThat(drain("presnt")).isEqualTo(1);

        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString())
                .contains("error: worker presnt is not known; workers that have joined: ")
                .contains("present");
    }

    @Test
    @Tag("long")
    void shouldCallADrainOffThatHasNotEnded() throws Exception {
        ChildProcess worker = worker("kept", SLOW);
        assertThat(drain("kept", "--undo")).isEqualTo(1);
        assertThat(err.toString()).contains("worker kept does not drain: there is nothing to undo");
        keepBusy("kept");
        assertThat(drain("kept", "--deadline", "10m")).isZero();
        heard("kept", beat -> beat.getState() == BeatState.DRAINING);

        assertThat(drain("kept", "--undo", "--wait")).isZero();

        assertThat(out.toString()).contains("worker kept serves on");
        assertThat(worker.isAlive()).isTrue();
    }

    @Test
    void shouldDrainOnASignalAndLeaveAtTheDeadline() throws Exception {
        ChildProcess worker = worker("spot", SLOW, "--drain-deadline", "2s");
        keepBusy("spot");

        worker.requestStop();

        Heartbeat draining = heard("spot", beat -> beat.getState() == BeatState.DRAINING);
        assertThat(draining.getDrainDeadlineMs() - draining.getAtMs()).isBetween(1L, 2_000L);
        Heartbeat gone = heard("spot", beat -> beat.getState() == BeatState.GONE);
        assertThat(gone.getReason())
                .contains("drain deadline passed with 1 session left")
                .contains("SIGTERM");
        assertEnded(worker, 0);
    }

    @Test
    @Tag("long")
    void shouldLeaveAtOnceOnASecondSignalButInOrder() throws Exception {
        ChildProcess worker = worker("hurried", SLOW, "--drain-deadline", "1h");
        keepBusy("hurried");
        worker.requestStop();
        heard("hurried", beat -> beat.getState() == BeatState.DRAINING);

        worker.requestStop();

        heard("hurried", beat -> beat.getState() == BeatState.GONE);
        assertEnded(worker, TerminationSignal.STATUS);
    }

    private ChildProcess worker(String id, String device, String... flags) {
        List<String> arguments = new ArrayList<>(List.of(
                "worker",
                "--bootstrap",
                kafka.bootstrap(),
                "--registry",
                kafka.registryUrl(),
                "--id",
                id,
                "--model",
                PsalmReference.FOLDER.toString(),
                "--layers",
                "0-6",
                "--threads",
                "1",
                "--kv-mib",
                "32",
                "--device",
                device));
        arguments.addAll(List.of(flags));
        beats = opened(TopicTail.fromEnd(kafka, registry, Topics.HEARTBEATS, IsolationLevel.READ_UNCOMMITTED));
        ChildProcess worker = opened(ChildProcess.start(new ChildProcess.Spec(
                "worker-" + id,
                List.of(
                        "-Xmx512m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dlogback.configurationFile=logback.xml",
                        "-Dsluice.log.file=" + folder.resolve(id + ".log"),
                        "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.sluice.records,java.lang"),
                System.getProperty("java.class.path"),
                Main.class.getName(),
                arguments,
                Map.of("SLUICE_HOME", folder.resolve("home").toString()),
                folder.resolve("output").resolve(id + ".log"))));
        await().atMost(PATIENCE).until(() -> {
            assertThat(worker.isAlive()).as(worker::describeExit).isTrue();
            return hears(id, beat -> true);
        });
        return worker;
    }

    private int drain(String worker, String... flags) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        List<String> arguments = new ArrayList<>(
                List.of("drain", worker, "--bootstrap", kafka.bootstrap(), "--registry", kafka.registryUrl()));
        arguments.addAll(List.of(flags));
        return line.execute(arguments.toArray(String[]::new));
    }

    private Heartbeat heard(String worker, Predicate<Heartbeat> wanted) {
        await().atMost(PATIENCE).until(() -> hears(worker, wanted));
        return of(worker).stream().filter(wanted).findFirst().orElseThrow();
    }

    private boolean hears(String worker, Predicate<Heartbeat> wanted) {
        beats.poll(Duration.ofMillis(50)).forEach(beat -> heard.add(beat.value()));
        return of(worker).stream().anyMatch(wanted);
    }

    private List<Heartbeat> of(String worker) {
        return heard.stream().filter(beat -> beat.getWorker().equals(worker)).toList();
    }

    /** Gives the worker a session that does not end while a test runs; returns when it has its first token. */
    private void keepBusy(String worker) throws Exception {
        TopicTail<Token> tokens =
                opened(TopicTail.fromEnd(kafka, registry, Topics.TOKENS, IsolationLevel.READ_UNCOMMITTED));
        TopicSpec<ActivationBatch> topic = Topics.activations(new WorkerId(worker));
        SessionSetup setup = SessionSetup.newBuilder()
                .setModel("psalm")
                .setEpoch(1)
                .setPipeline(List.of(new Stage(worker, 0, 6)))
                .setPromptTokens(3)
                .setMaxTokens(400)
                .setKvTokens(403)
                .setTemperature(0f)
                .setTopK(0)
                .setTopP(1f)
                .setSeed(0L)
                .setIgnoreEos(true)
                .setServiceClass(ServiceClass.LATENCY_CRITICAL)
                .build();
        ByteBuffer ids = ByteBuffer.allocate(3 * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ids.putInt(337).putInt(260).putInt(403).flip();
        ActivationChunk prompt = new ActivationChunk(
                worker, 1, ChunkKind.FORWARD, 0, 3, 0, DType.TOKEN_IDS, 0, ids, true, setup, List.of());
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                KafkaClients.durableProducer(kafka, "test"), new ByteArraySerializer(), new ByteArraySerializer())) {
            ActivationBatch batch = new ActivationBatch("router", System.currentTimeMillis() * 1_000, List.of(prompt));
            byte[] value = new AvroSerializer<>(registry, topic).serialize(topic.name(), batch);
            producer.send(new ProducerRecord<>(topic.name(), 0, null, value)).get();
        }
        await().atMost(PATIENCE)
                .until(() -> !tokens.poll(Duration.ofMillis(100)).isEmpty());
    }

    private static void assertEnded(ChildProcess child, int status) {
        await().atMost(PATIENCE).until(() -> !child.isAlive());
        assertThat(child.describeExit()).contains("ended with status " + status + ";");
    }

    private <T extends AutoCloseable> T opened(T part) {
        parts.push(part);
        return part;
    }
}
