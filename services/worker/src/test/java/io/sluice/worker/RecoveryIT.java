package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import io.sluice.messaging.ResumeCodec;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.HopTiming;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A stage is lost and another one rebuilds it from the lost one's topic, on a real broker; the test is the router. */
final class RecoveryIT extends OnWorkerStack {
    @Test
    void shouldGoOnFromTheLogOfALostStage() throws Exception {
        TopicTail<Token> tokens = stack.tail(Topics.TOKENS);
        TopicTail<SessionReport> reports = stack.tail(Topics.REPORTS);
        stack.start(stack.config("keep-a", new LayerRange(0, 2), "cpu"));
        WorkerService lost = stack.start(stack.config("lost-b", new LayerRange(2, 4), "emulated:a100@1"));
        stack.start(stack.config("keep-c", new LayerRange(4, 6), "cpu"));
        stack.start(stack.config("next-b", new LayerRange(2, 4), "cpu"));
        JsonNode reference = WorkerStack.referenceCases().get(0);
        List<Integer> prompt = WorkerStack.ids(reference.get("prompt_token_ids"));
        List<Stage> before = List.of(new Stage("keep-a", 0, 2), new Stage("lost-b", 2, 4), new Stage("keep-c", 4, 6));
        stack.send("keep-a", WorkerStack.prompt("r", prompt, 64, before));
        List<Token> got = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            read(tokens.poll(Duration.ofMillis(10)), got);
            return got.size() >= 8;
        });
        lost.close();
        read(tokens.poll(Duration.ofMillis(500)), got);
        assertThat(got).as("the session has not ended").hasSizeBetween(8, 63);
        for (Token token : got) {
            assertThat(token.getHops()).allSatisfy(hop -> {
                assertThat(hop.getOffset()).isGreaterThanOrEqualTo(hop.getFirstOffset());
                assertThat(hop.getFirstOffset()).isNotNegative();
            });
        }

        List<Stage> after = List.of(new Stage("keep-a", 0, 2), new Stage("next-b", 2, 4), new Stage("keep-c", 4, 6));
        resume(2, prompt, got, after, rangesOf(got, 1, "lost-b"));
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            read(tokens.poll(Duration.ofMillis(10)), got);
            return got.getLast().getFinishReason() != null;
        });

        assertThat(got.stream().map(Token::getTokenId)).isEqualTo(WorkerStack.ids(reference.get("greedy_token_ids")));
        assertThat(got.stream().map(Token::getText).reduce("", String::concat))
                .isEqualTo(reference.get("greedy_text").asText());
        assertThat(reports.poll(Duration.ofMillis(100))).isEmpty();
    }

    @Test
    void shouldReportWhatCannotBeKeptOrReadAgain() {
        TopicTail<SessionReport> reports = stack.tail(Topics.REPORTS);
        stack.start(stack.config("none-b", new LayerRange(2, 6), "cpu"));
        List<Stage> pipeline = List.of(new Stage("none-a", 0, 2), new Stage("none-b", 2, 6));
        Token token = new Token("r", 1, 0, 7, "", null, "x", 0L, List.of());
        SessionSetup setup = setup(List.of(337, 260), pipeline);
        setup.setResume(ResumeCodec.encode(2, List.of(token.getTokenId()), List.of(keep(2), keep(2))));
        stack.send("none-b", prepare("kept", 2, setup));
        SessionSetup gone = setup(List.of(337, 260), pipeline);
        StageResume fromNowhere = StageResume.rebuild(2, List.of(new LogRange(new WorkerId("none-b"), 700, 702)));
        gone.setResume(ResumeCodec.encode(2, List.of(token.getTokenId()), List.of(keep(2), fromNowhere)));
        stack.send("none-b", prepare("gone", 2, gone));

        List<SessionReport> got = new ArrayList<>();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            reports.poll(Duration.ofMillis(100)).forEach(report -> got.add(report.value()));
            return got.size() == 2;
        });
        assertThat(got)
                .anySatisfy(report -> {
                    assertThat(report.getRequestId()).isEqualTo("kept");
                    assertThat(report.getTrouble()).isEqualTo(StageTrouble.STATE_LOST);
                })
                .anySatisfy(report -> {
                    assertThat(report.getRequestId()).isEqualTo("gone");
                    assertThat(report.getTrouble()).isEqualTo(StageTrouble.LOG_GONE);
                    assertThat(report.getMessage()).contains("none-b@[700, 702) is wanted");
                    assertThat(report.getAttempt()).isEqualTo(2);
                    assertThat(report.getWorker()).isEqualTo("none-b");
                });
    }

    /** As a client reads: indices already seen are dropped, as one that the old attempt had on its way may be. */
    private static void read(List<Tailed<Token>> polled, List<Token> got) {
        polled.stream()
                .map(Tailed::value)
                .filter(token -> token.getIndex() == got.size())
                .forEach(got::add);
    }

    /** As the router does: the first stage goes on, the middle one rebuilds, the last one keeps what it has. */
    private static void resume(
            int attempt, List<Integer> prompt, List<Token> got, List<Stage> pipeline, List<LogRange> ranges) {
        int position = prompt.size() + got.size() - 1;
        SessionSetup setup = setup(prompt, pipeline);
        setup.setResume(ResumeCodec.encode(
                position,
                got.stream().map(Token::getTokenId).toList(),
                List.of(keep(position), StageResume.rebuild(position, ranges), keep(position))));
        stack.send(pipeline.get(1).getWorker(), prepare("r", attempt, setup));
        stack.send(pipeline.get(2).getWorker(), prepare("r", attempt, setup));
        stack.send(
                pipeline.get(0).getWorker(),
                LocalCluster.tokenChunk(
                        "r", attempt, position, List.of(got.getLast().getTokenId()), setup));
    }

    private static List<LogRange> rangesOf(List<Token> got, int stage, String worker) {
        HopTiming last = got.getLast().getHops().get(stage);
        return List.of(new LogRange(new WorkerId(worker), last.getFirstOffset(), last.getOffset() + 1));
    }

    private static StageResume keep(int start) {
        return new StageResume(ResumeMode.KEEP, start, List.of());
    }

    private static ActivationChunk prepare(String session, int attempt, SessionSetup setup) {
        ActivationChunk prepare = ChunkWriter.release(session, attempt);
        prepare.setKind(ChunkKind.PREPARE);
        prepare.setSetup(setup);
        return prepare;
    }

    private static SessionSetup setup(List<Integer> prompt, List<Stage> pipeline) {
        return WorkerStack.prompt("r", prompt, 64, pipeline).getSetup();
    }
}
