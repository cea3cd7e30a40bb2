package io.sluice.loadgen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.records.Completion;
import io.sluice.records.FinishReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Slo;
import io.sluice.records.Token;
import java.util.List;
import org.junit.jupiter.api.Test;

class LatencySummaryTest {
    private static final long MS = 1_000_000;

    private static Token token(int attempt, int index) {
        return Token.newBuilder()
                .setRequestId("r")
                .setAttempt(attempt)
                .setIndex(index)
                .setTokenId(index)
                .setText("t" + index)
                .setWorker("w")
                .setEmittedMs(0)
                .build();
    }

    private static RequestOutcome outcome() {
        return outcome(null);
    }

    /** Its first token after 10 ms, then two in 5 ms each. */
    private static RequestOutcome answered(Slo slo) {
        RequestOutcome outcome = outcome(slo);
        for (int i = 0; i < 3; i++) {
            outcome.onToken(token(1, i), (10 + 5 * i) * MS);
        }
        outcome.onCompletion(completion());
        return outcome;
    }

    private static RequestOutcome outcome(Slo slo) {
        return new RequestOutcome(
                InferenceRequest.newBuilder()
                        .setRequestId("r")
                        .setModel("m")
                        .setPrompt("p")
                        .setSlo(slo)
                        .build(),
                0);
    }

    private static Completion completion() {
        return Completion.newBuilder()
                .setRequestId("r")
                .setModel("m")
                .setTenant("t")
                .setText("")
                .setPromptTokenIds(List.of(1, 2, 3))
                .setTokenIds(List.of())
                .setPromptTokens(3)
                .setCompletionTokens(3)
                .setFinishReason(FinishReason.LENGTH)
                .setAttempt(1)
                .setEpoch(1)
                .setPipeline(List.of())
                .setArrivalMs(0)
                .setAssignedMs(0)
                .setFirstTokenMs(0)
                .setFinishedMs(0)
                .setHops(List.of())
                .build();
    }

    @Test
    void shouldMeasureFirstTokenGapsAndEnd() {
        RequestOutcome outcome = outcome();
        outcome.onToken(token(1, 0), 10 * MS);
        outcome.onToken(token(1, 1), 14 * MS);
        outcome.onToken(token(1, 2), 20 * MS);
        outcome.onCompletion(completion());
        var json = LatencySummary.of(List.of(outcome), 2.0);
        assertThat(json).containsEntry("completed", 1).containsEntry("failed", 0);
        assertThat(json).containsEntry("output_throughput", 1.5).containsEntry("mean_ttft_ms", 10.0);
        assertThat(json).containsEntry("mean_tpot_ms", 5.0).containsEntry("median_itl_ms", 5.0);
        assertThat((double) json.get("p99_itl_ms")).isCloseTo(5.98, within(1e-9));
        assertThat(json).containsEntry("mean_e2el_ms", 20.0);
    }

    @Test
    void shouldDropLowerAttemptsAndRepeatedIndices() {
        RequestOutcome outcome = outcome();
        assertThat(outcome.onToken(token(1, 0), 0)).isTrue();
        assertThat(outcome.onToken(token(1, 0), 0)).isFalse();
        assertThat(outcome.onToken(token(2, 1), 0)).isTrue();
        assertThat(outcome.onToken(token(1, 2), 0)).isFalse();
        assertThat(outcome.onToken(token(2, 2), 0)).isTrue();
        assertThat(outcome.text()).isEqualTo("t0t1t2");
        assertThat(outcome.duplicates()).isEqualTo(2);
    }

    @Test
    void shouldWaitForTokensThatComeAfterTheCompletion() {
        RequestOutcome outcome = outcome();
        outcome.onToken(token(1, 0), 0);
        outcome.onToken(token(1, 1), 0);
        outcome.onCompletion(completion());
        assertThat(outcome.ended()).isFalse();
        outcome.onToken(token(1, 2), 0);
        assertThat(outcome.ended()).isTrue();
        assertThat(outcome.completed()).isTrue();
    }

    @Test
    void shouldCountAsGoodputWhatKeptEveryObjectiveOfItsOwn() {
        List<RequestOutcome> outcomes = List.of(
                answered(new Slo(10L, 5L)),
                answered(new Slo(10L, null)),
                answered(new Slo(9L, 5L)),
                answered(new Slo(null, 4L)),
                answered(null),
                outcome(new Slo(10L, 5L)));
        assertThat(LatencySummary.of(outcomes, 4.0))
                .containsEntry("request_goodput", 0.5)
                .containsEntry("request_throughput", 1.25);
        assertThat(LatencySummary.of(List.of(outcome(new Slo(1L, 1L))), 4.0)).containsEntry("request_goodput", 0.0);
        assertThat(LatencySummary.of(List.of(answered(null)), 4.0)).containsEntry("request_goodput", null);
    }

    @Test
    void shouldCountWhatDidNotComplete() {
        var json = LatencySummary.of(List.of(outcome()), 1.0);
        assertThat(json)
                .containsEntry("completed", 0)
                .containsEntry("failed", 1)
                .containsEntry("p99_ttft_ms", 0.0);
    }
}
