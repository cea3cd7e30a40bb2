package io.sluice.core.recovery;

import static io.sluice.core.recovery.Histories.pipeline;
import static io.sluice.core.recovery.Histories.step;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import java.util.List;
import org.junit.jupiter.api.Test;

class LogIndexTest {
    private static final Assignment FIRST = Assignment.fresh(1, pipeline("a:0-2", "b:2-4"));

    private static LogRange range(String worker, long first, long end) {
        return new LogRange(new WorkerId(worker), first, end);
    }

    @Test
    void shouldReachFromTheFirstChunkToTheLastStep() {
        List<StepTrace> steps = List.of(step(1, "a@1", "b@3+7"), step(1, "a@8", "b@3+9"), step(1, "a@10", "b@3+12"));
        assertThat(LogIndex.ranges(List.of(FIRST), steps, 2)).contains(List.of(range("b", 3, 13)));
    }

    @Test
    void shouldSeekWhereOthersLieBetweenInNumber() {
        List<StepTrace> steps = List.of(step(1, "a@1", "b@3"), step(1, "a@8", "b@3+4000"));
        assertThat(LogIndex.ranges(List.of(FIRST), steps, 2))
                .contains(List.of(range("b", 3, 4), range("b", 4000, 4001)));
    }

    @Test
    void shouldGoOnInTheTopicOfTheReplacement() {
        Assignment second = new Assignment(
                2,
                pipeline("a:0-2", "c:2-4"),
                5,
                List.of(StageResume.keep(5), StageResume.rebuild(5, List.of(range("b", 3, 4)))));
        List<StepTrace> steps = List.of(step(1, "a@1", "b@3"), step(2, "a@9", "c@20"), step(2, "a@11", "c@20+22"));
        assertThat(LogIndex.ranges(List.of(FIRST, second), steps, 2))
                .contains(List.of(range("b", 3, 4), range("c", 20, 23)));
        assertThat(LogIndex.ranges(List.of(FIRST, second), steps, 0))
                .as("a has stayed: one topic")
                .contains(List.of(range("a", 1, 12)));
    }

    @Test
    void shouldNotReadOverWhatLiesBeforeARebuild() {
        // Attempt 2 sent b everything again, from offset 5 on, and led to no token; b then rebuilt from its own topic.
        Assignment third = new Assignment(
                3,
                pipeline("a:0-2", "b:2-4"),
                5,
                List.of(StageResume.keep(5), StageResume.rebuild(5, List.of(range("b", 3, 4)))));
        List<StepTrace> steps = List.of(step(1, "a@1", "b@3"), step(3, "a@9", "b@8"), step(3, "a@11", "b@8+10"));
        assertThat(LogIndex.ranges(List.of(FIRST, third), steps, 2))
                .contains(List.of(range("b", 3, 4), range("b", 8, 11)));
    }

    @Test
    void shouldNotTakeAStepOverAnotherPipelineForOneOfTheAttempt() {
        // A crash undid attempt 1 over c and b, b from another layer on; its number was given once more, to a and b.
        List<StepTrace> steps = List.of(step(1, "c@1", "b@3+7"));
        assertThat(LogIndex.ranges(List.of(FIRST), steps, 2)).isEmpty();
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(step(1, "a@1", "c@2", "b@3+7")), 2))
                .isEmpty();
    }

    @Test
    void shouldForgetWhatWasSentAgain() {
        Assignment second =
                new Assignment(2, pipeline("a:0-2", "c:2-4"), 5, List.of(StageResume.fresh(), StageResume.fresh()));
        List<StepTrace> steps = List.of(step(1, "a@1", "b@3"), step(2, "a@9", "c@20+24"));
        assertThat(LogIndex.ranges(List.of(FIRST, second), steps, 2)).contains(List.of(range("c", 20, 25)));
    }

    @Test
    void shouldNotPassOverAHole() {
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(), 2))
                .as("nothing was done")
                .isEmpty();
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(step(1, "a@1")), 2))
                .as("no hop")
                .isEmpty();
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(step(1, "a@1", "b@-1")), 2))
                .as("no offset")
                .isEmpty();
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(step(1, "a@1", "b@3")), 1))
                .as("nobody entered there")
                .isEmpty();
        assertThat(LogIndex.ranges(List.of(FIRST), List.of(step(1, "a@1", "b@3"), step(7, "a@1", "b@4")), 2))
                .as("an attempt nobody knows")
                .isEmpty();
    }
}
