package io.sluice.launcher.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.BestEffortProgress;
import io.sluice.records.JobState;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The progress topic as it must be, and as it must not be. */
final class JobAuditTest {
    private static final JobAudit.Sent JOB = new JobAudit.Sent("j", List.of("one", "two"), false);
    private static final JobAudit.Sent CANCELLED = new JobAudit.Sent("j", List.of("one", "two"), true);

    private final JobAudit audit = new JobAudit(List.of(JOB));
    private int results;

    @Test
    void shouldHoldWhenEveryItemHasItsOneResult() {
        add("j", JobState.RUNNING, null, null);
        item(1, "two");
        item(0, "one");
        add("another", JobState.RUNNING, 0L, result("x"));
        add("j", JobState.SUCCEEDED, null, null);

        JobVerdict verdict = audit.judge(List.of(JOB));

        assertThat(verdict.holds()).as("%s", verdict).isTrue();
        assertThat(verdict.done()).isEqualTo(2);
        assertThat(verdict.items()).isEqualTo(2);
        assertThat(verdict.notes()).isEmpty();
    }

    @Test
    void shouldFindAnItemWithoutAResult() {
        item(0, "one");
        add("j", JobState.SUCCEEDED, null, null);

        JobVerdict verdict = audit.judge(List.of(JOB));

        assertThat(verdict.lost()).isEqualTo(1);
        assertThat(verdict.notes()).containsExactly("j item 1 lost: no result");
        assertThat(verdict.holds()).isFalse();
    }

    @Test
    void shouldNotMissWhatACancelledJobHasNotDone() {
        item(0, "one");
        add("j", JobState.CANCELLED, null, null);

        JobVerdict verdict = audit.judge(List.of(CANCELLED));

        assertThat(verdict.holds()).as("%s", verdict).isTrue();
        assertThat(verdict.cancelled()).isEqualTo(1);
        assertThat(verdict.done()).isEqualTo(1);
    }

    @Test
    void shouldFindTwoResultsOfOneItem() {
        item(0, "one");
        item(0, "one");
        item(1, "two");
        results = 2;
        add("j", JobState.SUCCEEDED, null, null);

        assertThat(audit.judge(List.of(JOB)).duplicated()).isEqualTo(1);
    }

    @Test
    void shouldFindAJobThatEndedTwice() {
        item(0, "one");
        item(1, "two");
        add("j", JobState.SUCCEEDED, null, null);
        add("j", JobState.CANCELLED, null, null);

        assertThat(audit.judge(List.of(JOB)).duplicated()).isEqualTo(1);
    }

    @Test
    void shouldFindAJobThatNeverEnded() {
        item(0, "one");
        item(1, "two");

        JobVerdict verdict = audit.judge(List.of(JOB));

        assertThat(verdict.stuck()).isEqualTo(1);
        assertThat(verdict.notes()).containsExactly("j stuck: it is RUNNING with 2 items done");
    }

    @Test
    void shouldFindAnotherTextAndAWrongCount() {
        item(0, "one");
        item(1, "three");
        results = 5;
        add("j", JobState.SUCCEEDED, null, null);

        JobVerdict verdict = audit.judge(List.of(JOB));

        assertThat(verdict.wrong()).isEqualTo(2);
        assertThat(verdict.holds()).isFalse();
    }

    @Test
    void shouldCountAnErrorAsTheOneResultOfItsItem() {
        item(0, "one");
        results++;
        add(
                "j",
                JobState.RUNNING,
                1L,
                "{\"custom_id\":\"b\",\"response\":null,\"error\":{\"code\":\"deadline\",\"message\":\"late\"}}");
        add("j", JobState.SUCCEEDED, null, null);

        JobVerdict verdict = audit.judge(List.of(JOB));

        assertThat(verdict.holds()).as("%s", verdict).isTrue();
        assertThat(verdict.failed()).isEqualTo(1);
        assertThat(verdict.notes()).singleElement().asString().contains("deadline");
    }

    private void item(long index, String text) {
        results++;
        add("j", JobState.RUNNING, index, result(text));
    }

    private static String result(String text) {
        return "{\"custom_id\":\"a\",\"response\":{\"body\":{\"choices\":[{\"text\":\"" + text
                + "\"}]}},\"error\":null}";
    }

    private void add(String job, JobState state, Long index, String result) {
        audit.add(BestEffortProgress.newBuilder()
                .setJobId(job)
                .setState(state)
                .setItemsDone(results)
                .setItemsTotal(2)
                .setItemIndex(index)
                .setItemResult(result)
                .setAtMs(1)
                .build());
    }
}
