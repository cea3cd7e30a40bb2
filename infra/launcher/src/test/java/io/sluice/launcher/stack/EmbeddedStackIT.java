package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.core.WorkerId;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.embedded.StartupException;
import io.sluice.launcher.Conversation;
import io.sluice.launcher.UserException;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Stage;
import io.sluice.runtime.ActivationDtype;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole stack with the repository's own model: started, asked, looked at, stopped, started again. */
final class EmbeddedStackIT {
    private static final int TOKENS = 12;
    /** Daemons of the whole JVM: timers of Kafka's and Flink's, and an admin client Flink's exactly-once sink keeps. */
    private static final String OF_LIBRARIES = "metrics-meter-tick-thread.*|FlinkCompletableFutureDelayScheduler.*"
            + "|kafka-admin-client-thread . adminclient-.*";

    @TempDir
    Path data;

    @Test
    void shouldAnswerARequestAndLeaveNothingBehindAndAnswerAgainAfterARestart() throws Exception {
        Set<Long> before = threads().keySet();
        Set<ProcessHandle> childrenBefore =
                ProcessHandle.current().descendants().collect(Collectors.toSet());

        StringBuilder first = new StringBuilder();
        EmbeddedStack stack = EmbeddedStack.start(config(StackConfig.Ports.FREE), Progress.on(System.out));
        Conversation.Answered answered;
        try (stack) {
            answered = ask(stack, "once", first);
            assertThat(answered.completion().getCompletionTokens()).isEqualTo(TOKENS);
            assertThat(first.toString())
                    .isEqualTo(answered.completion().getText())
                    .isNotBlank();
            assertThat(answered.completion().getPipeline())
                    .extracting(Stage::getWorker)
                    .containsExactly("one", "two");

            RunningStack found = RunningStack.find(data);
            assertThat(found).isEqualTo(stack.description());
            assertThat(get(found.metrics()))
                    .contains("sluice_stack_start_seconds")
                    .contains("sluice_router");
            assertThat(get(found.flinkMetrics())).contains("flink_");
            assertThat(get(found.flink() + "/overview")).contains("\"jobs-running\":1");
            found.workers().forEach(worker -> assertThat(get(worker.metrics() + "/metrics"))
                    .contains("sluice_"));
            StackConfig again = config(StackConfig.Ports.FREE);
            assertThatThrownBy(() -> EmbeddedStack.start(again, Progress.SILENT))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("another stack runs in");
        }
        assertThat(stack.worker(new WorkerId("one")).orElseThrow().isAlive()).isFalse();
        assertThat(data.resolve("stack.json")).doesNotExist();
        await().atMost(Duration.ofSeconds(5)).untilAsserted(() -> assertThat(
                        ProcessHandle.current().descendants().filter(child -> !childrenBefore.contains(child)))
                .isEmpty());
        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            var left = threads();
            left.keySet().removeAll(before);
            assertThat(left.values()).as("threads left behind").isEmpty();
        });

        StringBuilder second = new StringBuilder();
        try (EmbeddedStack restarted = EmbeddedStack.start(config(StackConfig.Ports.FREE), Progress.SILENT)) {
            Conversation.Answered repeated = ask(restarted, "twice", second);
            assertThat(second).hasToString(first.toString());
            assertThat(repeated.completion().getEpoch())
                    .isGreaterThan(answered.completion().getEpoch());
        }
    }

    @Test
    void shouldNameThePortThatIsInUse() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            StackConfig config = config(new StackConfig.Ports(taken.getLocalPort(), 0, 0));
            assertThatThrownBy(() -> EmbeddedStack.start(config, Progress.SILENT))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("broker port " + taken.getLocalPort())
                    .hasMessageContaining("--broker-port");
        }
        StackFolder.lock(data).close(); // the failed start has unlocked the folder
    }

    private StackConfig config(StackConfig.Ports ports) {
        return new StackConfig(
                StackFolder.repository().resolve("models").resolve("psalm"),
                "psalm",
                List.of(WorkerSpec.of("one", "cpu"), WorkerSpec.of("two", "cpu")),
                2,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP32,
                data,
                ports);
    }

    private static Conversation.Answered ask(EmbeddedStack stack, String id, StringBuilder text) {
        InferenceRequest request = InferenceRequest.newBuilder()
                .setRequestId(id)
                .setModel("psalm")
                .setPrompt("The LORD is my")
                .setMaxTokens(TOKENS)
                .setIgnoreEos(true)
                .build();
        try (Conversation conversation = new Conversation(stack.settings())) {
            Conversation.Outcome outcome = conversation.run(request, Duration.ofSeconds(60), text::append);
            assertThat(outcome).isInstanceOf(Conversation.Answered.class);
            return (Conversation.Answered) outcome;
        }
    }

    /** Threads that would keep a process alive or hold resources; the JDK's and the test's own pools are left out. */
    private static java.util.Map<Long, String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .filter(thread -> thread.getThreadGroup() != null
                        && !thread.getThreadGroup().getName().equals("system")
                        && !thread.getThreadGroup().getName().equals("InnocuousThreadGroup"))
                .filter(thread -> !thread.getName().matches("ForkJoinPool.*|awaitility.*|HttpClient-.*"))
                .filter(thread -> !thread.getName().matches(OF_LIBRARIES))
                .collect(Collectors.toMap(Thread::threadId, Thread::getName));
    }

    private static String get(String url) {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> response =
                    http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(url).isEqualTo(200);
            return response.body();
        } catch (java.io.IOException e) {
            throw new AssertionError(url, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(url, e);
        }
    }
}
