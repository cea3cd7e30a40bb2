package io.sluice.launcher.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.Conversation;
import io.sluice.launcher.Main;
import io.sluice.launcher.batch.JobTopics.JobView;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.InferenceRequest;
import io.sluice.records.JobState;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Offline jobs beside interactive requests, on a whole stack whose batch service is a process of its own. */
final class BatchIT {
    private static final Duration PATIENCE = Duration.ofMinutes(6);
    private static final ObjectMapper JSON = new ObjectMapper();
    /** More than are in flight at once. */
    private static final int ITEMS = 40;
    /** Items that are done long before the others. */
    private static final int SHORT = 4;

    private static final int TOKENS = 24;
    /** So slow that the long items take twenty seconds, however fast the machine: the service is killed in the middle. */
    private static final String DEVICE = "emulated:t4@0.1";

    @TempDir
    static Path folder;

    private static EmbeddedStack stack;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void start() {
        StackConfig config = new StackConfig(
                        StackFolder.repository().resolve("models").resolve("psalm"),
                        "psalm",
                        List.of(WorkerSpec.of("one", DEVICE), WorkerSpec.of("two", DEVICE)),
                        2,
                        RoutingPolicy.MAX_FLOW,
                        ActivationDtype.FP32,
                        folder.resolve("stack"),
                        StackConfig.Ports.FREE)
                // Processes of their own, so that the batch service can be killed.
                .withIsolation(new StackConfig.Isolation(true, false));
        stack = EmbeddedStack.start(config, Progress.SILENT);
    }

    @AfterAll
    static void stop() {
        if (stack != null) {
            stack.close();
        }
    }

    private int sluice(String... arguments) {
        out.getBuffer().setLength(0);
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--data", folder.resolve("stack").toString()));
        return line.execute(all.toArray(String[]::new));
    }

    private static Path lines(String name, int count, int maxTokens) throws IOException {
        return Files.write(
                folder.resolve(name),
                IntStream.range(0, count)
                        .mapToObj(i -> "{\"custom_id\":\"c" + i + "\",\"method\":\"POST\",\"url\":\"/v1/completions\","
                                + "\"body\":{\"prompt\":\"Verse " + i + ": the LORD\",\"max_tokens\":"
                                + tokens(i, maxTokens)
                                + ",\"ignore_eos\":true}}")
                        .toList());
    }

    private static int tokens(int item, int maxTokens) {
        return item < SHORT ? 1 : maxTokens;
    }

    private static long done(String job) {
        try (JobTopics topics = new JobTopics(stack.settings())) {
            return topics.find(job).map(view -> view.newest().getItemsDone()).orElse(0L);
        }
    }

    private static JobState state(String job) {
        try (JobTopics topics = new JobTopics(stack.settings())) {
            return topics.find(job)
                    .map(JobView::newest)
                    .map(BestEffortProgress::getState)
                    .orElse(JobState.QUEUED);
        }
    }

    private static void ask(Conversation conversation, String id) {
        InferenceRequest request = InferenceRequest.newBuilder()
                .setRequestId(id)
                .setModel("psalm")
                .setPrompt("The LORD is my")
                .setMaxTokens(8)
                .setIgnoreEos(true)
                .setDeadlineMs(PATIENCE.toMillis())
                .build();
        assertThat(conversation.run(request, PATIENCE, piece -> {})).isInstanceOf(Conversation.Answered.class);
    }

    /** Every result that was ever published of a job, by item. */
    private static Map<Long, List<String>> published(String job) {
        Map<Long, List<String>> results = new TreeMap<>();
        try (TopicTail<BestEffortProgress> tail = TopicTail.fromBeginning(
                stack.settings(), stack.schemas(), Topics.BEST_EFFORT_PROGRESS, IsolationLevel.READ_COMMITTED)) {
            while (!tail.atEnd()) {
                for (Tailed<BestEffortProgress> record : tail.poll(Duration.ofMillis(100))) {
                    if (record.key().equals(job) && record.value().getItemIndex() != null) {
                        results.computeIfAbsent(record.value().getItemIndex(), index -> new ArrayList<>())
                                .add(record.value().getItemResult());
                    }
                }
            }
        }
        return results;
    }

    @Test
    void shouldAnswerEveryItemOnceBesideInteractiveRequestsThoughTheServiceIsKilled() throws Exception {
        await().atMost(PATIENCE)
                .until(() -> sluice(
                                "batch",
                                "submit",
                                lines("batch.jsonl", ITEMS, TOKENS).toString(),
                                "--job",
                                "night")
                        == 0);
        assertThat(out.toString().strip()).isEqualTo("night");
        try (Conversation conversation = new Conversation(stack.settings())) {
            await().atMost(PATIENCE).until(() -> done("night") >= SHORT);
            stack.faults().killBatch();
            long before = done("night");
            ask(conversation, "beside-1");
            assertThat(before).as("it was killed in the middle").isLessThan(ITEMS);
            ask(conversation, "beside-2");
            stack.faults().startBatch();
            ask(conversation, "beside-3");
        }
        await().atMost(PATIENCE).until(() -> state("night") == JobState.SUCCEEDED);

        assertThat(published("night")).hasSize(ITEMS).allSatisfy((index, results) -> assertThat(results)
                .hasSize(1));
        Path results = folder.resolve("results.jsonl");
        assertThat(sluice("batch", "results", "night", "--out", results.toString()))
                .isZero();
        List<JsonNode> read = new ArrayList<>();
        try (Stream<String> written = Files.lines(results)) {
            for (String line : written.toList()) {
                read.add(JSON.readTree(line));
            }
        }
        assertThat(read)
                .extracting(line -> line.path("custom_id").asText())
                .containsExactlyElementsOf(
                        IntStream.range(0, ITEMS).mapToObj(i -> "c" + i).toList());
        assertThat(read).allSatisfy(line -> {
            JsonNode body = line.path("response").path("body");
            int item = Integer.parseInt(line.path("custom_id").asText().substring(1));
            assertThat(body.path("usage").path("completion_tokens").asInt()).isEqualTo(tokens(item, TOKENS));
            assertThat(body.path("choices").path(0).path("text").asText()).isNotEmpty();
        });
        Path shares = folder.resolve("sharing.json");
        assertThat(sluice("sharing", "status", "--seconds", "1", "--json", shares.toString()))
                .isZero();
        assertThat(out.toString()).contains("one ", "two ", "quota");
        assertThat(JSON.readTree(shares.toFile()))
                .hasSize(2)
                .allSatisfy(row -> assertThat(row.path("published").asDouble()).isPositive());
        assertThat(sluice("batch", "status", "night")).isZero();
        assertThat(out.toString()).contains("night", "default", "succeeded", Integer.toString(ITEMS));
        assertThat(sluice("batch", "submit", lines("again.jsonl", 1, 1).toString(), "--job", "night"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("is the id of another job");
    }

    @Test
    @Tag("long")
    void shouldCancelAJobAndServeTheNext() throws Exception {
        await().atMost(PATIENCE)
                .until(() ->
                        sluice("batch", "submit", lines("long.jsonl", 500, 100).toString(), "--job", "long") == 0);
        await().atMost(PATIENCE).until(() -> state("long") == JobState.RUNNING);
        assertThat(sluice("batch", "cancel", "long")).isZero();
        await().atMost(PATIENCE).until(() -> state("long") == JobState.CANCELLED);
        assertThat(done("long")).isLessThan(500);
        assertThat(published("long"))
                .allSatisfy((index, results) -> assertThat(results).hasSize(1));
        assertThat(sluice("batch", "submit", lines("next.jsonl", 2, 4).toString(), "--job", "next"))
                .isZero();
        await().atMost(PATIENCE).until(() -> state("next") == JobState.SUCCEEDED);
    }
}
