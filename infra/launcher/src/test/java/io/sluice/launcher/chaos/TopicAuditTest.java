package io.sluice.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Topics as they must be, and as they must not be. */
final class TopicAuditTest {
    private static final String ID = "r-0";
    private static final List<Integer> TOKENS = List.of(5, 6, 7);

    private final TopicAudit audit = new TopicAudit(List.of(ID));

    @Test
    void shouldCountAnUndisturbedRequestAsCompleted() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5, 6, 7);
        completed(TOKENS);
        session(SessionState.FINISHED, 1, "");

        Verdict verdict = judge();

        assertThat(verdict.holds()).isTrue();
        assertThat(verdict.accepted()).isEqualTo(1);
        assertThat(verdict.completed()).isEqualTo(1);
        assertThat(verdict.notes()).isEmpty();
    }

    @Test
    void shouldTakeARecoveredRequestWithStaleTokensForCompleted() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5, 6);
        session(SessionState.REASSIGNED, 2, "lost b after 1 tokens: b rebuilds 4 positions from log");
        tokens(2, 1, 6);
        tokens(1, 2, 9); // of a zombie
        tokens(2, 2, 7);
        completed(TOKENS);
        session(SessionState.FINISHED, 2, "");

        Verdict verdict = judge();

        assertThat(verdict.holds()).isTrue();
        assertThat(verdict.recoveries()).containsExactly(Map.entry("rebuilt from the log", 1));
        assertThat(verdict.stale()).isEqualTo(2);
    }

    @Test
    void shouldFindWhatWasLost() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5);
        session(SessionState.FINISHED, 1, "");

        assertThat(judge().lost()).isEqualTo(1);
        assertThat(judge().stuck()).isZero();
    }

    @Test
    void shouldTakeARequestThatNobodyAnsweredForAcceptedAndLost() {
        assertThat(judge().accepted()).isEqualTo(1);
        assertThat(judge().lost()).isEqualTo(1);
    }

    @Test
    void shouldFindWhatIsStuck() {
        session(SessionState.ASSIGNED, 1, "");
        session(SessionState.REASSIGNED, 2, "");

        assertThat(judge().stuck()).isEqualTo(1);
    }

    @Test
    void shouldFindASecondEnd() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5, 6, 7);
        completed(TOKENS);
        failed();
        session(SessionState.FINISHED, 1, "");

        assertThat(judge().duplicated()).isEqualTo(1);
    }

    @Test
    void shouldFindATokenThatCameTwiceAndDiffers() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5, 6);
        tokens(1, 1, 8, 7);
        completed(TOKENS);
        session(SessionState.FINISHED, 1, "");

        assertThat(judge().duplicated()).isEqualTo(1);
    }

    @Test
    void shouldFindATextThatDiffersFromTheUndisturbedOne() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5, 6, 8);
        completed(List.of(5, 6, 8));
        session(SessionState.FINISHED, 1, "");

        assertThat(judge().wrong()).isEqualTo(1);
        assertThat(judge().notes()).singleElement().asString().contains("from token 2 on");
    }

    @Test
    void shouldFindACompletionThatIsNotWhatAReaderSaw() {
        session(SessionState.ASSIGNED, 1, "");
        tokens(1, 0, 5);
        tokens(1, 2, 7);
        completed(TOKENS);
        session(SessionState.FINISHED, 1, "");

        assertThat(judge().wrong()).isEqualTo(1);
    }

    @Test
    void shouldTellRefusedFromFailed() {
        failed();
        assertThat(judge().refused()).isEqualTo(1);
        assertThat(judge().accepted()).isZero();

        session(SessionState.ASSIGNED, 1, "");
        session(SessionState.REJECTED, 1, "");
        Verdict verdict = judge();
        assertThat(verdict.refused()).isZero();
        assertThat(verdict.failed()).isEqualTo(1);
        assertThat(verdict.holds()).isTrue();
    }

    private Verdict judge() {
        return audit.judge(Map.of(ID, TOKENS));
    }

    private void session(SessionState state, int attempt, String reason) {
        audit.session(new Session(ID, "psalm", state, attempt, 1L, List.of(), 4, 3, 7, 0L, reason, List.of()));
    }

    private void tokens(int attempt, int first, int... ids) {
        for (int i = 0; i < ids.length; i++) {
            audit.token(Token.newBuilder()
                    .setRequestId(ID)
                    .setAttempt(attempt)
                    .setIndex(first + i)
                    .setTokenId(ids[i])
                    .setText("")
                    .setWorker("w")
                    .setEmittedMs(0)
                    .build());
        }
    }

    private void completed(List<Integer> ids) {
        audit.completion(Completion.newBuilder()
                .setRequestId(ID)
                .setModel("psalm")
                .setTenant("")
                .setText("")
                .setPromptTokenIds(List.of(1))
                .setTokenIds(ids)
                .setPromptTokens(1)
                .setCompletionTokens(ids.size())
                .setFinishReason(FinishReason.LENGTH)
                .setAttempt(1)
                .setEpoch(1)
                .setPipeline(List.of())
                .setArrivalMs(0)
                .setAssignedMs(0)
                .setFirstTokenMs(0)
                .setFinishedMs(0)
                .setHops(List.of())
                .build());
    }

    private void failed() {
        audit.error(ErrorRecord.newBuilder()
                .setRequestId(ID)
                .setReason(ErrorReason.WORKER_FAILED)
                .setMessage("no way on")
                .setService("router")
                .setAtMs(0)
                .build());
    }
}
