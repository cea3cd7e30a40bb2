package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.embedded.BrokerMain;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.KafkaSettings;
import io.sluice.records.Completion;
import io.sluice.records.Stage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every service as a process of its own, as the README starts them, against a broker and a registry of others. */
final class OneByOneIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int OLD_ACCESS_WARNS_FROM = 24;

    @TempDir
    static Path folder;

    private static final Deque<AutoCloseable> PARTS = new ArrayDeque<>();
    private static Set<ProcessHandle> childrenBefore;
    private static String bootstrap;
    private static String registry;

    @BeforeAll
    static void startBrokerAndRegistry() {
        childrenBefore = ProcessHandle.current().descendants().collect(Collectors.toSet());
        ChildProcess broker = start(
                "broker", BrokerMain.class, List.of(folder.resolve("kafka").toString()));
        registry = opened(RegistryProcess.start(RegistryProcess.Config.in(folder.resolve("registry"))))
                .url();
        bootstrap = line(broker, "bootstrap=").substring("bootstrap=".length());
    }

    @AfterAll
    static void stopEverything() throws Exception {
        while (!PARTS.isEmpty()) {
            PARTS.pop().close();
        }
        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> assertThat(
                        ProcessHandle.current().descendants().filter(child -> !childrenBefore.contains(child)))
                .isEmpty());
    }

    @Test
    void shouldAnswerThroughProcessesThatWereStartedOneByOne() throws Exception {
        String model = PsalmReference.FOLDER.toString();
        Path workers = Files.writeString(
                folder.resolve("workers.json"),
                """
                [{"id": "w1", "device": "cpu", "layers": "0-3"}, {"id": "w2", "device": "cpu", "layers": "3-6"}]
                """);
        ChildProcess router = sluice("router", "--models", "psalm=" + model);
        ChildProcess planner = sluice("planner");
        ChildProcess place =
                sluice("place", "--model", model, "--workers", workers.toString(), "--activations", "fp32");
        ChildProcess first = worker("w1", "--model", model, "--layers", "0-3", "--activations", "fp32");
        assertThat(line(place, "placement ")).isEqualTo("placement 1 of psalm, static:");
        // Layers are in the placement, too; a worker that comes before it begins as a spare.
        ChildProcess second = worker("w2", "--model", model, "--activations", "fp32");
        assertThat(line(first, "worker w1 ready: ")).contains("layers 0-3, metrics http://127.0.0.1:");
        assertThat(line(second, "worker w2 ready: ")).contains("layers 3-6, metrics http://127.0.0.1:");
        assertThat(line(planner, "planner ready: ")).contains(" on http://");
        assertThat(line(router, "router router-1 ready: ")).contains("models [psalm], metrics http://127.0.0.1:");

        PsalmReference.Case wanted = PsalmReference.cases().getFirst();
        Completion completion;
        StringBuilder text = new StringBuilder();
        try (Conversation conversation = new Conversation(new KafkaSettings(bootstrap, registry))) {
            Conversation.Outcome outcome =
                    conversation.run(wanted.request("one-by-one", PATIENCE), PATIENCE, text::append);
            assertThat(outcome).isInstanceOf(Conversation.Answered.class);
            completion = ((Conversation.Answered) outcome).completion();
        }
        assertThat(completion.getTokenIds()).isEqualTo(wanted.tokenIds());
        assertThat(text).hasToString(completion.getText());
        assertThat(completion.getPipeline()).extracting(Stage::getWorker).containsExactly("w1", "w2");
        assertThat(List.of(router, planner, first, second)).allMatch(ChildProcess::isAlive);
        assertEnded(place, 0);
    }

    @Test
    void shouldEndWithOneLineWhenAPortIsTakenOrTheRegistryIsNotThere() throws Exception {
        String model = PsalmReference.FOLDER.toString();
        String nobody = "http://127.0.0.1:" + LoopbackPorts.free(1)[0] + "/apis/ccompat/v7";
        String notItsRoot = registry.substring(0, registry.indexOf("/apis"));
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = Integer.toString(taken.getLocalPort());
            ChildProcess onTakenPort = worker("w3", "--model", model, "--layers", "0-6", "--metrics-port", port);
            ChildProcess atNobody = unregistered("w4", nobody, model);
            ChildProcess besideRoot = unregistered("w5", notItsRoot, model);

            assertThat(onlyLine(onTakenPort))
                    .isEqualTo("error: metrics port " + port + " on 127.0.0.1 is in use; choose another with"
                            + " --metrics-port, 0 for any free one");
            assertThat(onlyLine(atNobody))
                    .startsWith("error: schema registry at " + nobody + " did not answer within 10 s")
                    .contains("correct --registry");
            assertThat(onlyLine(besideRoot))
                    .startsWith("error: schema registry at " + notItsRoot + " did not answer within 10 s")
                    .contains("correct --registry");
        }
    }

    private static ChildProcess unregistered(String id, String url, String model) {
        return start(
                "worker-" + id,
                Main.class,
                List.of(
                        "worker",
                        "--bootstrap",
                        bootstrap,
                        "--registry",
                        url,
                        "--id",
                        id,
                        "--model",
                        model,
                        "--layers",
                        "0-6",
                        "--start-timeout",
                        "10s"));
    }

    private static ChildProcess worker(String id, String... flags) {
        List<String> all =
                new ArrayList<>(List.of("worker", "--bootstrap", bootstrap, "--registry", registry, "--id", id));
        all.addAll(List.of(flags));
        return start("worker-" + id, Main.class, all);
    }

    private static ChildProcess sluice(String command, String... flags) {
        List<String> all = new ArrayList<>(List.of(command, "--bootstrap", bootstrap, "--registry", registry));
        all.addAll(List.of(flags));
        return start(command, Main.class, all);
    }

    private static ChildProcess start(String name, Class<?> main, List<String> arguments) {
        List<String> jvm = new ArrayList<>(List.of(
                "-Xmx512m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dlogback.configurationFile=logback.xml", // the command's own, not the tests'
                "-Dsluice.log.file="
                        + folder.resolve("home").resolve("logs").resolve(name + ".log"), // the broker has no default
                "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.sluice.records,java.lang"));
        if (Runtime.version().feature() >= OLD_ACCESS_WARNS_FROM) {
            jvm.add("--sun-misc-unsafe-memory-access=allow"); // as the sluice script does
        }
        return opened(ChildProcess.start(new ChildProcess.Spec(
                name,
                jvm,
                System.getProperty("java.class.path"),
                main.getName(),
                arguments,
                Map.of("SLUICE_HOME", folder.resolve("home").toString()),
                folder.resolve("output").resolve(name + ".log"))));
    }

    /** The first line that begins so; fails with the end of the log when the process ends without it. */
    private static String line(ChildProcess child, String begin) {
        await().atMost(PATIENCE).until(() -> !child.isAlive() || lines(child).anyMatch(line -> line.startsWith(begin)));
        return lines(child)
                .filter(line -> line.startsWith(begin))
                .findFirst()
                .orElseThrow(() -> new AssertionError(child.describeExit()));
    }

    private static void assertEnded(ChildProcess child, int status) {
        await().atMost(PATIENCE).until(() -> !child.isAlive());
        assertThat(child.describeExit()).contains("ended with status " + status + ";");
    }

    private static String onlyLine(ChildProcess child) {
        assertEnded(child, 1);
        List<String> lines = lines(child).toList();
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }

    private static Stream<String> lines(ChildProcess child) {
        try {
            return Files.readAllLines(child.log()).stream();
        } catch (IOException e) {
            throw new AssertionError("the output of " + child.name() + " cannot be read", e);
        }
    }

    private static <T extends AutoCloseable> T opened(T part) {
        PARTS.push(part);
        return part;
    }
}
