package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.SessionReport;
import io.sluice.records.Stage;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Generation through workers on a real broker and registry, and records that are no use. */
final class GenerationIT extends OnWorkerStack {
    private TopicTail<Token> tokens;
    private TopicTail<ErrorRecord> errors;
    private TopicTail<SessionReport> reports;

    @BeforeEach
    void openTails() {
        tokens = stack.tail(Topics.TOKENS);
        errors = stack.tail(Topics.ERRORS);
        reports = stack.tail(Topics.REPORTS);
    }

    @Test
    void shouldGenerateTheReferenceTextThroughThreeWorkers() throws IOException {
        TopicTail<GpuTelemetry> gpu = stack.tail(Topics.GPU_TELEMETRY);
        TopicTail<LinkTelemetry> links = stack.tail(Topics.LINK_TELEMETRY);
        TopicTail<WorkerStatus> statuses = stack.tail(Topics.WORKERS);
        WorkerService a = stack.start(stack.config("a", new LayerRange(0, 2), "cpu"));
        stack.start(stack.config("b", new LayerRange(2, 4), "cpu"));
        WorkerService c = stack.start(stack.config("c", new LayerRange(4, 6), "emulated:a100@20"));
        JsonNode cases = WorkerStack.referenceCases();
        List<Stage> pipeline = List.of(new Stage("a", 0, 2), new Stage("b", 2, 4), new Stage("c", 4, 6));

        for (int i = 0; i < cases.size(); i++) {
            stack.send(
                    "a",
                    WorkerStack.prompt("r" + i, WorkerStack.ids(cases.get(i).get("prompt_token_ids")), 64, pipeline));
        }
        Map<String, List<Token>> generated = new HashMap<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
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
                    .isEqualTo(WorkerStack.ids(cases.get(i).get("greedy_token_ids")));
            assertThat(generated.get("r" + i))
                    .allSatisfy(token -> assertThat(token.getHops()).hasSize(3));
        }
        List<GpuTelemetry> beats = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            gpu.poll(Duration.ofMillis(100)).forEach(beat -> beats.add(beat.value()));
            long decoded = beats.stream()
                    .filter(beat -> beat.getWorker().equals("c"))
                    .mapToLong(GpuTelemetry::getDecodeTokens)
                    .sum();
            return decoded == 63L * cases.size();
        });
        await().atMost(WorkerStack.PATIENCE).until(() -> links.poll(Duration.ofMillis(100)).stream()
                .anyMatch(link ->
                        link.key().equals("c>a") && link.value().getSamples().size() > 1));
        await().atMost(WorkerStack.PATIENCE).until(() -> gpu.poll(Duration.ofMillis(100)).stream()
                .anyMatch(
                        beat -> beat.value().getSessions() == 0 && beat.value().getKvUsedTokens() == 0));

        assertThat(WorkerStack.scrape(c)).contains("emulated=\"true\"").contains("sluice_worker_tokens_sampled_total");
        a.close();
        Map<String, WorkerStatus> newest = new HashMap<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            statuses.poll(Duration.ofMillis(100)).forEach(status -> newest.put(status.key(), status.value()));
            return newest.containsKey("a") && newest.get("a").getState() == WorkerState.LEFT;
        });
        assertThat(newest.get("c").getState()).isEqualTo(WorkerState.JOINED);
        assertThat(newest.get("c").getEmulated()).isTrue();
        assertThat(newest.get("b").getDecodeTokensPerS()).isPositive();
    }

    @Test
    void shouldGenerateTheReferenceTextOverASlowLinkWithChunksByRule() throws IOException {
        TopicTail<WorkerStatus> statuses = stack.tail(Topics.WORKERS);
        WorkerService first = stack.start(stack.onSlowLink("slow-a", new LayerRange(0, 3), 60_000));
        stack.start(stack.onSlowLink("slow-b", new LayerRange(3, 6), 60_000));
        JsonNode reference = WorkerStack.referenceCases().get(0);
        List<Stage> pipeline = List.of(new Stage("slow-a", 0, 3), new Stage("slow-b", 3, 6));

        stack.send(
                "slow-a", WorkerStack.prompt("slow", WorkerStack.ids(reference.get("prompt_token_ids")), 8, pipeline));
        List<Integer> generated = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            tokens.poll(Duration.ofMillis(100))
                    .forEach(token -> generated.add(token.value().getTokenId()));
            return generated.size() == 8;
        });

        assertThat(generated)
                .isEqualTo(WorkerStack.ids(reference.get("greedy_token_ids")).subList(0, 8));
        assertThat(stack.status(statuses, "slow-a", any -> true).getLinkBytesPerS())
                .isEqualTo(60_000);
        assertThat(WorkerStack.scrape(first)).contains("sluice_worker_link_waiting_tokens");
    }

    @Test
    void shouldSurviveBadRecordsAndReportThem() {
        stack.start(stack.config("solo", new LayerRange(0, 6), "cpu"));
        String topic = Topics.activations(new WorkerId("solo")).name();
        List<Stage> pipeline = List.of(new Stage("solo", 0, 6));
        stack.producer.send(new ProducerRecord<>(topic, 0, null, "not Avro".getBytes(StandardCharsets.UTF_8)));
        stack.producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {0, 0, 1, 0, 0, 5}));
        ActivationChunk bad = WorkerStack.prompt("bad", List.of(1, 2), 4, pipeline);
        bad.setCount(7);
        stack.send("solo", bad, WorkerStack.prompt("good", List.of(337, 260, 403), 5, pipeline));

        await().atMost(WorkerStack.PATIENCE).until(() -> tokens.poll(Duration.ofMillis(100)).stream()
                .anyMatch(token -> token.key().equals("good") && token.value().getFinishReason() != null));
        List<ErrorRecord> reported = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            errors.poll(Duration.ofMillis(100)).forEach(error -> reported.add(error.value()));
            return reported.size() >= 3;
        });
        assertThat(reported.stream().map(ErrorRecord::getReason))
                .containsExactlyInAnyOrder(
                        ErrorReason.MALFORMED_RECORD, ErrorReason.UNKNOWN_SCHEMA, ErrorReason.MALFORMED_RECORD);
        assertThat(reported).anySatisfy(error -> {
            assertThat(error.getRequestId()).isNull();
            assertThat(error.getMessage()).contains("session bad");
            assertThat(error.getOriginOffset()).isEqualTo(2);
        });
        awaitReport("bad", StageTrouble.MALFORMED_INPUT, "session bad");
    }

    @Test
    void shouldReportASessionWhoseNextWorkerDoesNotExist() {
        stack.start(stack.config("head", new LayerRange(0, 3), "cpu"));
        stack.send(
                "head",
                WorkerStack.prompt(
                        "r", List.of(337, 260), 4, List.of(new Stage("head", 0, 3), new Stage("ghost", 3, 6))));

        awaitReport("r", StageTrouble.UNDELIVERED, "sluice.activations.ghost.v1");
    }

    private void awaitReport(String request, StageTrouble trouble, String message) {
        await().atMost(WorkerStack.PATIENCE).until(() -> reports.poll(Duration.ofMillis(100)).stream()
                .anyMatch(report -> report.key().equals(request)
                        && report.value().getTrouble() == trouble
                        && report.value().getMessage().contains(message)));
    }
}
