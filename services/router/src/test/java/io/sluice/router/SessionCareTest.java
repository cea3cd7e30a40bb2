package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.ResumeMode;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.StageResume;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sessions that nobody reports anything about: their tokens stay away, or their worker drains. */
class SessionCareTest {
    private RouterHarness router = new RouterHarness();

    @AfterEach
    void close() {
        router.close();
    }

    /** A session on a and c; three tokens, one every 100 ms. */
    @BeforeEach
    void start() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, 10_000));
        router.send(RouterHarness.request("r1").setMaxTokens(50));
        for (int i = 0; i < 3; i++) {
            router.advance(Duration.ofMillis(100));
            router.send(router.token("r1", i, null, "a", "c"));
        }
        readAll();
    }

    private void readAll() {
        router.sessions();
        List.of("a", "b", "c", "d").forEach(router::chunks);
    }

    private void token(int attempt, int index, FinishReason finish, String... workers) {
        Token token = router.token("r1", index, finish, workers);
        token.setAttempt(attempt);
        router.send(token);
    }

    private List<ResumeMode> modes(String first) {
        return router.sentTo(first).getFirst().getSetup().getResume().getStages().stream()
                .map(StageResume::getMode)
                .toList();
    }

    private Session reassigned() {
        List<Session> sessions = router.sessions();
        assertThat(sessions).extracting(Session::getState).containsExactly(SessionState.REASSIGNED);
        return sessions.getFirst();
    }

    @Test
    void shouldNudgeASilentSessionTwiceAndThenReplayItElsewhere() {
        router.advance(Duration.ofMillis(4_900));
        assertThat(router.sessions()).isEmpty();
        router.advance(Duration.ofMillis(500));
        assertThat(reassigned().getReason()).contains("no token for 5", "every stage keeps its KV cache");
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.KEEP);
        router.advance(Duration.ofSeconds(9));
        assertThat(router.sessions()).as("it has twice the time now").isEmpty();
        router.advance(Duration.ofMillis(1_500));
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.KEEP);
        reassigned();
        router.advance(Duration.ofMillis(20_500));
        Session elsewhere = reassigned();
        assertThat(elsewhere.getAttempt()).isEqualTo(4);
        assertThat(RouterHarness.workers(elsewhere.getPipeline())).containsExactly("b", "d");
        assertThat(modes("b")).containsExactly(ResumeMode.FRESH, ResumeMode.FRESH);
        token(4, 3, FinishReason.STOP, "b", "d");
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldReplayInPlaceWhereThereIsNoOtherPipeline() {
        router.gone(1, "b", "d");
        router.advance(Duration.ofMillis(36_500));
        List<Session> sessions = router.sessions();
        assertThat(sessions).hasSize(3).allSatisfy(s -> assertThat(RouterHarness.workers(s.getPipeline()))
                .containsExactly("a", "c"));
        assertThat(router.sentTo("a").getLast().getSetup().getResume().getStages())
                .extracting(StageResume::getMode)
                .containsOnly(ResumeMode.FRESH);
    }

    @Test
    void shouldBearTheSilenceOfASlowSession() {
        for (int i = 3; i < 20; i++) {
            router.advance(Duration.ofMillis(1_000));
            token(1, i, null, "a", "c");
        }
        router.advance(Duration.ofSeconds(12));
        assertThat(router.sessions()).as("20 times of nearly a second").isEmpty();
        router.advance(Duration.ofSeconds(10));
        reassigned();
    }

    @Test
    void shouldCountTheTimeOutFromTheLastTokenHoweverOftenItWasNudged() {
        router.advance(Duration.ofMillis(119_000));
        assertThat(router.errors()).isEmpty();
        router.advance(Duration.ofMillis(2_500));
        assertThat(router.errors()).extracting(ErrorRecord::getRequestId).containsExactly("r1");
    }

    @Test
    void shouldNotNudgeWhileItIsCutOff() {
        router.echoes = false;
        router.advance(Duration.ofSeconds(60));
        router.echoes = true;
        router.advance(Duration.ofSeconds(4));
        assertThat(router.sessions()).isEmpty();
        router.advance(Duration.ofSeconds(2));
        reassigned();
    }

    @Test
    void shouldMoveSessionsOffAWorkerThatDrains() {
        router.draining(1, "c", 0);
        router.advance(RouterProcessor.CARE_TICK);
        Session moved = reassigned();
        assertThat(RouterHarness.workers(moved.getPipeline())).containsExactly("a", "d");
        assertThat(moved.getReason()).startsWith("c drains after 3 tokens");
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.REBUILD);
        assertThat(router.sentTo("c")).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.DROP);
        token(2, 3, FinishReason.STOP, "a", "d");
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldSendNoNewSessionToAWorkerThatDrainsUntilItServesAgain() {
        router.draining(1, "a", 0);
        router.send(RouterHarness.request("r2"));
        assertThat(RouterHarness.workers(router.sessions().getLast().getPipeline()))
                .containsExactly("b", "d");
        router.alive(1, "a");
        router.gone(1, "b");
        router.send(RouterHarness.request("r3"));
        assertThat(RouterHarness.workers(router.sessions().getLast().getPipeline()))
                .containsExactly("a", "c");
    }

    @Test
    void shouldLeaveSessionsWhereTheyAreUntilThereIsRoom() {
        router.gone(1, "d");
        router.draining(1, "c", 0);
        router.advance(Duration.ofSeconds(2));
        assertThat(router.sessions()).isEmpty();
        token(1, 3, null, "a", "c");
        assertThat(router.counted("sluice.router.tokens", "result", "accepted")).isEqualTo(4);
        router.alive(1, "d");
        router.advance(RouterProcessor.CARE_TICK);
        assertThat(RouterHarness.workers(reassigned().getPipeline())).containsExactly("a", "d");
    }

    @Test
    void shouldLetASessionEndThatWillBeOverBeforeTheDeadline() {
        // 47 tokens are left, 100 ms each.
        router.draining(1, "c", router.nowMs() + 10_000);
        router.advance(Duration.ofSeconds(1));
        assertThat(router.sessions()).isEmpty();
        router.draining(1, "c", router.nowMs() + 6_000);
        router.advance(Duration.ofMillis(500));
        assertThat(RouterHarness.workers(reassigned().getPipeline())).containsExactly("a", "d");
    }

    @Test
    void shouldFinishAPromptOnAWorkerThatWaitsForIt() {
        router.send(RouterHarness.request("r2").setAllowedRegions(List.of("eu")));
        readAll();
        router.draining(1, "c", 0);
        router.advance(RouterProcessor.CARE_TICK);
        assertThat(router.sessions()).extracting(Session::getRequestId).containsExactly("r1");
    }

    @Test
    void shouldSendASilentPromptOnceMore() {
        router.send(RouterHarness.request("r2").setAllowedRegions(List.of("eu")));
        readAll();
        for (int i = 3; i < 40; i++) {
            router.advance(Duration.ofSeconds(2));
            token(1, i, null, "a", "c");
        }
        assertThat(router.sessions())
                .extracting(Session::getRequestId, Session::getAttempt)
                .containsExactly(tuple("r2", 2));
    }
}
