package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.FinishReason;
import io.sluice.records.HopSummary;
import io.sluice.records.LogRange;
import io.sluice.records.ResumeMode;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.StageResume;
import io.sluice.records.Token;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Workers are lost while a session runs on a and c; b stands in for a, d for c. The prompt has 4 tokens. */
class RecoveryTest {
    private static final long KV = 10_000;

    private RouterHarness router = new RouterHarness();

    @AfterEach
    void close() {
        router.close();
    }

    @BeforeEach
    void startOnAAndC() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, KV));
        router.send(RouterHarness.request("r1").setMaxTokens(10));
        assertThat(RouterHarness.workers(router.sessions().getFirst().getPipeline()))
                .containsExactly("a", "c");
        readAll();
    }

    private void readAll() {
        List.of("a", "b", "c", "d").forEach(router::chunks);
    }

    private void token(int attempt, int index, FinishReason finish, String... workers) {
        Token token = router.token("r1", index, finish, workers);
        token.setAttempt(attempt);
        router.send(token);
    }

    private void tokens(int count) {
        for (int i = 0; i < count; i++) {
            token(1, i, null, "a", "c");
        }
    }

    private Session reassigned() {
        List<Session> sessions = router.sessions();
        assertThat(sessions).hasSize(1);
        assertThat(sessions.getFirst().getState()).isEqualTo(SessionState.REASSIGNED);
        return sessions.getFirst();
    }

    private ActivationChunk only(String worker) {
        List<ActivationChunk> chunks = router.sentTo(worker);
        assertThat(chunks).as("sent to %s", worker).hasSize(1);
        return chunks.getFirst();
    }

    private static List<Integer> ids(ActivationChunk chunk) {
        int[] ids = new int[chunk.getCount()];
        chunk.getPayload().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
        return Arrays.stream(ids).boxed().toList();
    }

    private static List<StageResume> resumes(ActivationChunk chunk) {
        return chunk.getSetup().getResume().getStages();
    }

    @Test
    void shouldStartAgainElsewhereWhenAStageIsLostBeforeTheFirstToken() {
        router.gone(1, "c");

        Session session = reassigned();
        assertThat(session.getAttempt()).isEqualTo(2);
        assertThat(RouterHarness.workers(session.getPipeline())).containsExactly("a", "d");
        assertThat(session.getReason()).contains("lost c", "reports its end", "before the first token");
        ActivationChunk prompt = only("a");
        assertThat(prompt.getAttempt()).isEqualTo(2);
        assertThat(prompt.getSetup().getResume()).isNull();
        assertThat(ids(prompt)).containsExactly(97, 98, 99, 100);
        assertThat(router.sentTo("d")).as("its first chunk comes from a").isEmpty();
        ActivationChunk drop = only("c");
        assertThat(drop.getKind()).isEqualTo(ChunkKind.DROP);
        assertThat(drop.getAttempt()).isEqualTo(1);
    }

    @Test
    void shouldRebuildOnlyTheLostStageFromItsTopicInMidGeneration() {
        tokens(3);
        router.gone(1, "c");

        Session session = reassigned();
        assertThat(RouterHarness.workers(session.getPipeline())).containsExactly("a", "d");
        assertThat(session.getReason())
                .contains("lost c", "after 3 tokens", "d[2, 4) rebuilds 6 positions from [c@[5, 10)]");
        ActivationChunk next = only("a");
        assertThat(next.getKind()).isEqualTo(ChunkKind.FORWARD);
        assertThat(next.getAttempt()).isEqualTo(2);
        assertThat(next.getPosition()).isEqualTo(6);
        assertThat(ids(next)).containsExactly(52);
        assertThat(next.getSetup().getResume().getPosition()).isEqualTo(6);
        assertThat(next.getSetup().getResume().getTokenIds()).containsExactly(50, 51, 52);
        assertThat(resumes(next))
                .containsExactly(
                        new StageResume(ResumeMode.KEEP, 6, List.of()),
                        new StageResume(ResumeMode.REBUILD, 6, List.of(new LogRange("c", 5L, 10L))));
        ActivationChunk prepare = only("d");
        assertThat(prepare.getKind()).isEqualTo(ChunkKind.PREPARE);
        assertThat(prepare.getAttempt()).isEqualTo(2);
        assertThat(prepare.getEnterLayer()).isEqualTo(2);
        assertThat(prepare.getCount()).isZero();
        assertThat(prepare.getSetup()).isEqualTo(next.getSetup());
        assertThat(only("c").getKind()).isEqualTo(ChunkKind.DROP);

        router.advance(Duration.ofMillis(300));
        token(2, 3, null, "a", "d");
        token(2, 4, FinishReason.STOP, "a", "d");
        Completion completion = router.completions().getFirst();
        assertThat(completion.getText()).isEqualTo("[0][1][2][3][4]");
        assertThat(completion.getAttempt()).isEqualTo(2);
        assertThat(RouterHarness.workers(completion.getPipeline())).containsExactly("a", "d");
        assertThat(completion.getHops())
                .containsExactly(
                        new HopSummary("a", 5, 50L, 100L, 150L),
                        new HopSummary("d", 2, 20L, 40L, 60L),
                        new HopSummary("c", 3, 30L, 60L, 90L));
        assertThat(only("d").getKind())
                .as("a release may have been lost with a stage")
                .isEqualTo(ChunkKind.DROP);
        assertThat(router.metrics
                        .get("sluice.router.recoveries")
                        .tag("mode", "rebuild")
                        .tag("cause", "lost")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(router.metrics
                        .get("sluice.router.recovery")
                        .tag("mode", "rebuild")
                        .timer()
                        .totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(300);
    }

    @Test
    void shouldSendPromptAndTokensWhereTheFirstStageIsLost() {
        tokens(2);
        router.gone(1, "a");

        assertThat(RouterHarness.workers(reassigned().getPipeline())).containsExactly("b", "c");
        ActivationChunk all = only("b");
        assertThat(all.getPosition()).isZero();
        assertThat(ids(all)).containsExactly(97, 98, 99, 100, 50, 51);
        assertThat(resumes(all))
                .containsExactly(
                        new StageResume(ResumeMode.FRESH, 0, List.of()),
                        new StageResume(ResumeMode.KEEP, 5, List.of()));
        assertThat(only("c").getKind()).isEqualTo(ChunkKind.PREPARE);
    }

    @Test
    void shouldRecoverFromTheLossOfTwoStagesAtOnce() {
        tokens(2);
        router.silent("a");
        router.silent("c");
        router.advance(Duration.ofMillis(1_000));
        assertThat(router.sessions()).as("their leases have not ended").isEmpty();
        router.advance(Duration.ofMillis(600));

        Session session = reassigned();
        assertThat(RouterHarness.workers(session.getPipeline())).containsExactly("b", "d");
        assertThat(session.getReason()).contains("lost a (no heartbeat for", "c (no heartbeat for");
        assertThat(resumes(only("b")))
                .extracting(StageResume::getMode)
                .containsExactly(ResumeMode.FRESH, ResumeMode.REBUILD);
        token(2, 2, FinishReason.STOP, "b", "d");
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldGoOnWhenTheReplacementIsLostBeforeItsFirstToken() {
        tokens(2);
        router.gone(1, "c");
        reassigned();
        readAll();
        router.gone(1, "d");
        assertThat(router.sessions()).as("nobody else serves its layers").isEmpty();
        assertThat(router.sentTo("a")).isEmpty();
        router.alive(2, "c");

        Session session = reassigned();
        assertThat(session.getAttempt()).isEqualTo(3);
        assertThat(RouterHarness.workers(session.getPipeline())).containsExactly("a", "c");
        ActivationChunk next = only("a");
        assertThat(resumes(next))
                .as("c is another process now, and its inputs are in its topic")
                .containsExactly(
                        new StageResume(ResumeMode.KEEP, 5, List.of()),
                        new StageResume(ResumeMode.REBUILD, 5, List.of(new LogRange("c", 5L, 10L))));
        token(3, 2, FinishReason.STOP, "a", "c");
        assertThat(router.completions()).hasSize(1);
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldRebuildAtOnceInAWorkerThatHasRestarted() {
        tokens(2);
        router.alive(2, "c");
        Session session = reassigned();
        assertThat(RouterHarness.workers(session.getPipeline())).containsExactly("a", "c");
        assertThat(session.getReason()).contains("c (it has restarted)");
        assertThat(resumes(only("a")).getLast().getMode()).isEqualTo(ResumeMode.REBUILD);
        assertThat(only("c").getKind()).isEqualTo(ChunkKind.PREPARE);
    }

    @Test
    void shouldIgnoreTokensOfAZombieAfterReassignment() {
        tokens(2);
        router.silent("c");
        router.advance(Duration.ofSeconds(2));
        reassigned();
        readAll();
        token(1, 2, null, "a", "c");
        token(1, 3, FinishReason.STOP, "a", "c");
        assertThat(router.completions()).isEmpty();
        token(2, 2, FinishReason.STOP, "a", "d");
        assertThat(router.completions()).singleElement().satisfies(c -> assertThat(c.getText())
                .isEqualTo("[0][1][2]"));
        router.alive(1, "c");
        assertThat(router.counted("sluice.router.tokens", "result", "stale_attempt"))
                .isEqualTo(2);
        router.alive(3, "c");
        router.zombie(1, "c");
        assertThat(router.metrics.get("sluice.router.zombies").functionCounter().count())
                .isEqualTo(1);
    }

    @Test
    void shouldTakeTokensThatWereOnTheirWayWhileItRecovers() {
        tokens(2);
        router.gone(1, "c", "d");
        assertThat(router.sessions()).isEmpty();
        token(1, 2, null, "a", "c");
        token(1, 3, FinishReason.STOP, "a", "c");
        assertThat(router.completions()).singleElement().satisfies(c -> {
            assertThat(c.getText()).isEqualTo("[0][1][2][3]");
            assertThat(c.getAttempt()).isEqualTo(1);
        });
        assertThat(only("a").getKind()).as("the release stops at c").isEqualTo(ChunkKind.DROP);
        router.alive(1, "c", "d");
        assertThat(router.sessions()).extracting(Session::getState).containsExactly(SessionState.FINISHED);
        assertThat(router.gauge("sluice.router.active.sessions")).isZero();
    }

    @Test
    void shouldKeepEverythingWhenTheSilentWorkerIsBackBeforeAnotherIsFound() {
        tokens(2);
        router.gone(1, "d");
        router.silent("c");
        router.advance(Duration.ofSeconds(2));
        assertThat(router.sessions()).isEmpty();
        router.alive(1, "c");
        assertThat(reassigned().getReason()).contains("every stage keeps its KV cache");
        assertThat(resumes(only("a"))).extracting(StageResume::getMode).containsOnly(ResumeMode.KEEP);
    }

    @Test
    void shouldEndWithWhatIsLostWhenNothingComesBack() {
        router.close();
        router =
                new RouterHarness(config -> config.withSessionTimes(Duration.ofSeconds(20), Duration.ofSeconds(60)), 1);
        startOnAAndC();
        tokens(1);
        router.gone(1, "c", "d");
        router.advance(Duration.ofSeconds(19));
        assertThat(router.errors()).isEmpty();
        router.advance(Duration.ofSeconds(2));
        assertThat(router.errors()).singleElement().satisfies(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.WORKER_FAILED);
            assertThat(error.getMessage()).contains("after 1 of at most 10 tokens", "lost c (", "reports its end");
        });
        assertThat(only("a").getKind()).isEqualTo(ChunkKind.DROP);
        assertThat(only("c").getKind()).isEqualTo(ChunkKind.DROP);
        router.alive(2, "c");
        assertThat(router.sessions()).extracting(Session::getState).containsExactly(SessionState.REJECTED);
    }

    @Test
    void shouldSuspendLeasesWhileItDoesNotHearItself() {
        tokens(2);
        router.echoes = false;
        router.advance(Duration.ofSeconds(30));
        assertThat(router.sessions()).as("silence of all is no loss").isEmpty();
        assertThat(router.gauge("sluice.router.cut.off")).isEqualTo(1);
        router.silent("c");
        router.echoes = true;
        router.advance(Duration.ofMillis(1_000));
        assertThat(router.sessions()).as("a whole lease again").isEmpty();
        router.advance(Duration.ofMillis(600));
        assertThat(RouterHarness.workers(reassigned().getPipeline())).containsExactly("a", "d");
    }

    @Test
    void shouldSendNoNewSessionToWhomItHasLost() {
        router.gone(1, "a");
        readAll();
        router.sessions();
        for (int i = 2; i < 6; i++) {
            router.send(RouterHarness.request("r" + i));
        }
        assertThat(router.sessions()).hasSize(4).allSatisfy(s -> assertThat(RouterHarness.workers(s.getPipeline()))
                .containsExactly("b", "d"));
        router.gone(1, "b");
        router.send(RouterHarness.request("late"));
        assertThat(router.gauge("sluice.router.queue.length")).isEqualTo(1);
        router.alive(1, "b");
        assertThat(router.gauge("sluice.router.queue.length")).isZero();
    }

    @Test
    void shouldNotWriteToAWorkerWithoutATopic() {
        tokens(1);
        router.missingTopics.add(new WorkerId("c"));
        router.gone(1, "c");
        reassigned();
        assertThat(router.sentTo("c")).isEmpty();
    }

    @Test
    void shouldGiveUpWhenAttemptAfterAttemptLeadsToNothing() {
        tokens(1);
        for (int incarnation = 2; incarnation <= 8; incarnation++) {
            router.alive(incarnation, "c");
            assertThat(reassigned().getAttempt()).isEqualTo(incarnation);
        }
        token(8, 1, null, "a", "c");
        for (int incarnation = 9; incarnation <= 15; incarnation++) {
            router.alive(incarnation, "c");
            reassigned();
        }
        assertThat(router.errors()).isEmpty();
        router.alive(16, "c");
        router.alive(17, "c");
        assertThat(router.errors()).singleElement().satisfies(error -> assertThat(error.getMessage())
                .contains("8 attempts in a row led to no token", "restarted"));
        assertThat(router.sessions().getLast().getState()).isEqualTo(SessionState.REJECTED);
    }
}
