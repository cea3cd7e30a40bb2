package io.sluice.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.ErrorReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.JobKind;
import io.sluice.records.JobState;
import io.sluice.records.ServiceClass;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchTopologyTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private BatchHarness batch = new BatchHarness(config -> config.withWindow(4));

    @AfterEach
    void close() {
        batch.close();
    }

    private void use(BatchConfig.Bounds bounds) {
        batch.close();
        batch = new BatchHarness(config -> config.withWindow(4).withBounds(bounds));
    }

    private static BatchConfig.Bounds bounds(int items, int lineBytes, int jobs, long bytes) {
        return new BatchConfig.Bounds(items, lineBytes, jobs, bytes, Duration.ofMinutes(10));
    }

    private static JsonNode json(BestEffortProgress progress) {
        try {
            return JSON.readTree(progress.getItemResult());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Long> indices(List<BestEffortProgress> results) {
        return results.stream().map(BestEffortProgress::getItemIndex).toList();
    }

    @Test
    void shouldSendItemsAsBestEffortRequestsOfTheTenant() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(2)).setWeight(2.5));
        List<InferenceRequest> sent =
                batch.sent().stream().map(record -> record.value()).toList();
        assertThat(sent).extracting(InferenceRequest::getRequestId).containsExactly("batch-j-0", "batch-j-1");
        assertThat(sent.getLast()).satisfies(request -> {
            assertThat(request.getModel()).isEqualTo("psalm");
            assertThat(request.getPrompt()).isEqualTo("p1");
            assertThat(request.getMaxTokens()).isEqualTo(8);
            assertThat(request.getServiceClass()).isEqualTo(ServiceClass.BEST_EFFORT);
            assertThat(request.getTenant()).isEqualTo("night");
            assertThat(request.getWeight()).isEqualTo(2.5);
            assertThat(request.getDeadlineMs()).isNull();
            assertThat(request.getSeed()).as("its index").isEqualTo(1);
        });
    }

    @Test
    void shouldKeepTheWindowAndEndWithOneResultPerItem() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(10)));
        List<String> open = new ArrayList<>(batch.sentIds());
        assertThat(open).hasSize(4);
        List<BestEffortProgress> progress = new ArrayList<>(batch.progress());
        Random random = new Random(7);
        while (!open.isEmpty()) {
            String id = open.remove(random.nextInt(open.size()));
            batch.complete(id);
            batch.complete(id);
            open.addAll(batch.sentIds());
            assertThat(open).hasSizeLessThanOrEqualTo(4);
            batch.complete(id);
            progress.addAll(batch.progress());
        }
        List<BestEffortProgress> results = BatchHarness.results(progress);
        assertThat(indices(results)).hasSize(10).doesNotHaveDuplicates();
        assertThat(BatchHarness.states(progress))
                .containsExactly(JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED);
        assertThat(progress.getLast()).satisfies(last -> {
            assertThat(last.getItemsDone()).isEqualTo(10);
            assertThat(last.getItemsFailed()).isZero();
            assertThat(last.getItemsTotal()).isEqualTo(10);
        });
        assertThat(batch.gauge("sluice.batch.kept.bytes")).isZero();
        assertThat(batch.gauge("sluice.batch.items.in.flight")).isZero();
    }

    @Test
    void shouldWriteResultsInTheShapeOfOpenAi() {
        batch.submit(BatchHarness.job(
                "j",
                List.of(
                        BatchHarness.line(0),
                        "{\"custom_id\":\"chat\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":"
                                + "{\"model\":\"psalm\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}}")));
        assertThat(batch.sent().getLast().value().getMessages()).hasSize(1);
        batch.complete("batch-j-0");
        batch.complete("batch-j-1");
        List<BestEffortProgress> results = BatchHarness.results(batch.progress());
        JsonNode text = json(results.get(0));
        assertThat(text.path("custom_id").asText()).isEqualTo("c0");
        assertThat(text.path("error").isNull()).isTrue();
        JsonNode body = text.path("response").path("body");
        assertThat(text.path("response").path("status_code").asInt()).isEqualTo(200);
        assertThat(body.path("object").asText()).isEqualTo("text_completion");
        assertThat(body.path("choices").path(0).path("text").asText()).isEqualTo("text of batch-j-0");
        assertThat(body.path("choices").path(0).path("finish_reason").asText()).isEqualTo("length");
        assertThat(body.path("usage").path("total_tokens").asInt()).isEqualTo(5);
        JsonNode message = json(results.get(1)).path("response").path("body");
        assertThat(message.path("object").asText()).isEqualTo("chat.completion");
        assertThat(message.path("choices")
                        .path(0)
                        .path("message")
                        .path("content")
                        .asText())
                .isEqualTo("text of batch-j-1");
    }

    @Test
    void shouldTakePartsInAnyOrderAndAsOftenAsTheyCome() {
        List<String> lines = BatchHarness.lines(6);
        batch.submit(BatchHarness.part("j", 4, 6, lines.subList(4, 6)));
        batch.submit(BatchHarness.part("j", 0, 6, lines.subList(0, 2)));
        batch.submit(BatchHarness.part("j", 0, 6, lines.subList(0, 2)));
        assertThat(batch.sent()).as("it begins when all items are there").isEmpty();
        batch.submit(BatchHarness.part("j", 2, 6, lines.subList(2, 4)));
        assertThat(batch.sentIds()).containsExactly("batch-j-0", "batch-j-1", "batch-j-2", "batch-j-3");
        batch.submit(BatchHarness.part("j", 4, 6, lines.subList(4, 6)));
        for (int i = 0; i < 6; i++) {
            batch.complete("batch-j-" + i);
        }
        batch.submit(BatchHarness.part("j", 0, 6, lines.subList(0, 2)));
        List<BestEffortProgress> progress = batch.progress();
        assertThat(indices(BatchHarness.results(progress))).containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
        assertThat(BatchHarness.states(progress)).endsWith(JobState.SUCCEEDED);
        assertThat(batch.refused()).isEmpty();
    }

    @Test
    void shouldMakeAnErrorOfAMalformedLineAndGoOn() {
        List<String> lines = new ArrayList<>(List.of(
                "not json",
                "[1]",
                "{\"custom_id\":\"x\",\"url\":\"/v1/embeddings\",\"body\":{}}",
                "{\"custom_id\":\"y\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"p\",\"max_tokens\":\"8\"}}",
                "{\"custom_id\":\"z\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":[\"a\",\"b\"]}}",
                "{\"custom_id\":\"s\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":\"p\",\"stream\":true}}"));
        lines.add(BatchHarness.line(6));
        batch.submit(BatchHarness.job("j", lines));
        assertThat(batch.sentIds()).containsExactly("batch-j-6");
        batch.complete("batch-j-6");
        List<BestEffortProgress> progress = batch.progress();
        List<BestEffortProgress> results = BatchHarness.results(progress);
        assertThat(indices(results)).containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L);
        assertThat(results.subList(0, 6))
                .allSatisfy(r ->
                        assertThat(json(r).path("error").path("code").asText()).isEqualTo("invalid_line"));
        assertThat(json(results.get(2)).path("custom_id").asText()).isEqualTo("x");
        assertThat(json(results.get(2)).path("error").path("message").asText())
                .contains("/v1/embeddings", "/v1/completions");
        assertThat(json(results.get(3)).path("error").path("message").asText()).contains("max_tokens is \"8\"");
        assertThat(progress.getLast().getState()).isEqualTo(JobState.SUCCEEDED);
        assertThat(progress.getLast().getItemsFailed()).isEqualTo(6);
    }

    @Test
    void shouldEndAJobOfNothingButBadLines() {
        batch.submit(BatchHarness.job("j", Collections.nCopies(500, "no")));
        for (int i = 0; i < 5; i++) {
            batch.advance(BatchProcessor.TICK);
        }
        List<BestEffortProgress> progress = batch.progress();
        assertThat(BatchHarness.results(progress)).hasSize(500);
        assertThat(progress.getLast().getState()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void shouldMakeAnErrorOfARequestThatTheRouterRefusesAndTryAgainWhereItsQueueIsFull() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(2)));
        batch.sent();
        batch.fail("batch-j-0", ErrorReason.UNKNOWN_MODEL, "model 'psalm' is not served");
        batch.fail("batch-j-1", ErrorReason.QUEUE_FULL, "the queue is full");
        assertThat(batch.sent()).isEmpty();
        batch.advance(Duration.ofSeconds(2));
        assertThat(batch.sentIds()).containsExactly("batch-j-1");
        batch.complete("batch-j-1");
        List<BestEffortProgress> progress = batch.progress();
        List<BestEffortProgress> results = BatchHarness.results(progress);
        assertThat(indices(results)).containsExactly(0L, 1L);
        assertThat(json(results.get(0)).path("error").path("code").asText()).isEqualTo("unknown_model");
        assertThat(json(results.get(0)).path("custom_id").asText()).isEqualTo("c0");
        assertThat(progress.getLast().getState()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void shouldCancelWhatIsInFlightAndSendNothingMore() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(10)));
        batch.sent();
        batch.complete("batch-j-1");
        batch.sent();
        batch.progress();
        batch.cancel("j");
        assertThat(batch.sent()).hasSize(4).allSatisfy(record -> assertThat(record.value())
                .isNull());
        batch.fail("batch-j-0", ErrorReason.CANCELLED, "cancelled");
        batch.complete("batch-j-2");
        batch.fail("batch-j-3", ErrorReason.CANCELLED, "cancelled");
        assertThat(BatchHarness.states(batch.progress())).isEmpty();
        batch.cancel("j");
        batch.fail("batch-j-4", ErrorReason.CANCELLED, "cancelled");
        List<BestEffortProgress> last = batch.progress();
        assertThat(BatchHarness.states(last)).containsExactly(JobState.CANCELLED);
        assertThat(last.getLast().getItemsDone()).isEqualTo(5);
        assertThat(last.getLast().getItemsFailed()).isEqualTo(3);
        batch.complete("batch-j-4");
        assertThat(batch.progress()).as("each item has one result").isEmpty();
        assertThat(batch.sent()).isEmpty();
        assertThat(batch.gauge("sluice.batch.items.in.flight")).isZero();
    }

    @Test
    void shouldEndACancelledJobOfWhichNoRouterKnows() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(2)));
        batch.cancel("j");
        batch.advance(Duration.ofMinutes(3));
        assertThat(BatchHarness.states(batch.progress())).endsWith(JobState.CANCELLED);
    }

    @Test
    void shouldShareTheWindowAmongTenantsByWeight() {
        batch.submit(
                BatchHarness.job("r", BatchHarness.lines(60)).setTenant("red").setWeight(2));
        batch.submit(
                BatchHarness.job("b", BatchHarness.lines(60)).setTenant("blue").setWeight(1));
        List<String> open = new ArrayList<>(batch.sentIds());
        int red = 0;
        int blue = 0;
        for (int i = 0; i < 60; i++) {
            String id = open.removeFirst();
            if (id.startsWith("batch-r-")) {
                red++;
            } else {
                blue++;
            }
            batch.complete(id);
            open.addAll(batch.sentIds());
        }
        assertThat(red).isBetween(38, 44);
        assertThat(blue).isBetween(16, 22);
    }

    @Test
    void shouldRunATenantsJobsInOrder() {
        batch.submit(BatchHarness.job("first", BatchHarness.lines(6)));
        batch.submit(BatchHarness.job("second", BatchHarness.lines(2)));
        List<String> order = new ArrayList<>(batch.sentIds());
        for (int i = 0; i < order.size(); i++) {
            batch.complete(order.get(i));
            order.addAll(batch.sentIds());
        }
        assertThat(order).hasSize(8);
        assertThat(order.subList(0, 6)).allMatch(id -> id.startsWith("batch-first-"));
    }

    @Test
    void shouldRefuseBadJobRecordsWithTheirOrigin() {
        batch.sendJob("x", new byte[] {1, 2, 3});
        batch.sendJob("x", null);
        batch.submit(BatchHarness.job("a b", BatchHarness.lines(1)));
        batch.submit("other", BatchHarness.job("j", BatchHarness.lines(1)));
        batch.submit(BatchHarness.job("j", BatchHarness.lines(1)).setKind(JobKind.FINE_TUNE));
        batch.submit(BatchHarness.job("j", BatchHarness.lines(1)).setWeight(Double.NaN));
        batch.submit(BatchHarness.job("j", List.of()));
        batch.submit(BatchHarness.part("j", 9, 10, BatchHarness.lines(2)));
        batch.submit(BatchHarness.job("j", BatchHarness.lines(1)).setTenant(" "));
        batch.cancel("unknown");
        assertThat(batch.refused()).hasSize(10).allSatisfy(error -> {
            assertThat(error.getOriginTopic()).isEqualTo(Topics.BEST_EFFORT_JOBS.name());
            assertThat(error.getService()).isEqualTo("batch");
            assertThat(error.getReason())
                    .isIn(ErrorReason.INVALID_REQUEST, ErrorReason.MALFORMED_RECORD, ErrorReason.UNKNOWN_SCHEMA);
        });
        assertThat(batch.sent()).isEmpty();
        batch.submit(BatchHarness.job("j", BatchHarness.lines(1)));
        assertThat(batch.sentIds()).as("and goes on").containsExactly("batch-j-0");
    }

    @Test
    void shouldRefuseAPartOfAnotherJobAndGoOnWithTheFirst() {
        batch.submit(BatchHarness.part("j", 0, 2, BatchHarness.lines(1)));
        batch.submit(BatchHarness.part("j", 1, 2, BatchHarness.lines(1)).setTenant("other"));
        assertThat(batch.refused()).singleElement().satisfies(e -> assertThat(e.getMessage())
                .contains("tenant other", "night"));
        batch.submit(BatchHarness.part("j", 1, 2, BatchHarness.lines(1)));
        assertThat(batch.sentIds()).hasSize(2);
    }

    @Test
    void shouldKeepItsBounds() {
        use(bounds(3, 120, 2, 2_000));
        batch.submit(BatchHarness.job("many", BatchHarness.lines(4)));
        assertThat(batch.refused()).singleElement().satisfies(e -> assertThat(e.getMessage())
                .contains("4 items", "1 to 3"));
        batch.submit(BatchHarness.job("long", List.of("x".repeat(121), BatchHarness.line(1))));
        batch.submit(BatchHarness.part("half", 0, 3, BatchHarness.lines(1)));
        assertThat(batch.refused()).isEmpty();
        batch.submit(BatchHarness.job("third", BatchHarness.lines(1)));
        assertThat(batch.refused()).singleElement().satisfies(e -> assertThat(e.getReason())
                .isEqualTo(ErrorReason.QUEUE_FULL));
        batch.complete("batch-long-1");
        List<BestEffortProgress> progress = batch.progress();
        assertThat(progress.stream().filter(p -> p.getJobId().equals("third")).map(BestEffortProgress::getState))
                .containsExactly(JobState.FAILED);
        assertThat(BatchHarness.results(progress)).hasSize(2);
        batch.submit(BatchHarness.job("fourth", BatchHarness.lines(1)));
        assertThat(batch.refused()).as("one has ended").isEmpty();
        batch.advance(Duration.ofMinutes(11));
        assertThat(batch.progress().stream().filter(p -> p.getJobId().equals("half")))
                .singleElement()
                .satisfies(p -> {
                    assertThat(p.getState()).isEqualTo(JobState.FAILED);
                    assertThat(p.getMessage()).contains("1 of 3 items");
                });
    }

    @Test
    void shouldPassOverWhatIsOfNoItem() {
        batch.submit(BatchHarness.job("j", BatchHarness.lines(1)));
        batch.complete("ask-1");
        batch.complete("batch-j-7");
        batch.complete("batch-other-0");
        batch.complete("batch-j-00");
        batch.fail("batch-j-1", ErrorReason.NO_CAPACITY, "x");
        assertThat(BatchHarness.results(batch.progress())).isEmpty();
        batch.complete("batch-j-0", new byte[] {9, 9});
        List<BestEffortProgress> results = BatchHarness.results(batch.progress());
        assertThat(results).singleElement().satisfies(r -> assertThat(
                        json(r).path("error").path("code").asText())
                .isEqualTo("internal_error"));
    }
}
