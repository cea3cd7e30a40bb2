package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.routing.SessionCommand.Assign;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionCommand.Interrupt;
import io.sluice.core.routing.SessionCommand.Reassign;
import io.sluice.core.routing.SessionCommand.Receive;
import io.sluice.core.routing.SessionCommand.Submit;
import io.sluice.core.routing.SessionCommand.Tick;
import io.sluice.core.routing.SessionEvent.Assigned;
import io.sluice.core.routing.SessionEvent.Duplicate;
import io.sluice.core.routing.SessionEvent.Expired;
import io.sluice.core.routing.SessionEvent.Finished;
import io.sluice.core.routing.SessionEvent.Forgotten;
import io.sluice.core.routing.SessionEvent.GivenUp;
import io.sluice.core.routing.SessionEvent.Interrupted;
import io.sluice.core.routing.SessionEvent.Queued;
import io.sluice.core.routing.SessionEvent.Stalled;
import io.sluice.core.routing.SessionEvent.TokenAccepted;
import io.sluice.core.routing.SessionEvent.TokenIgnored;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SessionMachineTest {
    private static final SessionId ID = new SessionId("x");
    private static final Pipeline PIPELINE = new Pipeline(List.of(new Stage(new WorkerId("a"), new LayerRange(0, 4))));
    private static final Tick TICK = new Tick(1000, 5000);

    private Optional<SessionLife> state = Optional.empty();

    private List<SessionEvent> run(SessionCommand command, long nowMs) {
        List<SessionEvent> events = SessionMachine.decide(state, command, nowMs);
        events.forEach(event -> state = SessionMachine.apply(state, event));
        return events;
    }

    @Test
    void canLiveFromSubmissionToOblivion() {
        assertThat(run(new Submit(ID, 100), 0)).containsExactly(new Queued(ID, 100, 0));
        assertThat(run(TICK, 100)).isEmpty();
        assertThat(run(new Assign(PIPELINE, 7), 100)).containsExactly(new Assigned(1, PIPELINE, 7, 100));
        assertThat(run(new Receive(1, 0, false), 200)).containsExactly(new TokenAccepted(0, 200));
        assertThat(run(TICK, 1200)).isEmpty();
        assertThat(run(new Receive(1, 1, true), 300)).containsExactly(new TokenAccepted(1, 300), new Finished(300));
        assertThat(state.orElseThrow().nextIndex()).isEqualTo(2);
        assertThat(run(TICK, 5300)).isEmpty();
        assertThat(run(TICK, 5301)).containsExactly(new Forgotten());
        assertThat(state).isEmpty();
    }

    @Test
    void shouldLeaveTheFirstUntouchedByADuplicate() {
        run(new Submit(ID, 100), 0);
        Optional<SessionLife> before = state;
        assertThat(run(new Submit(ID, 900), 5)).containsExactly(new Duplicate(ID, SessionPhase.WAITING));
        assertThat(state).isEqualTo(before);
    }

    @Test
    void shouldExpireOnlyWhileItWaits() {
        run(new Submit(ID, 100), 0);
        assertThat(run(TICK, 101)).containsExactly(new Expired(101));
        assertThat(state).isEmpty();
        run(new Submit(ID, 100), 0);
        run(new Assign(PIPELINE, 1), 50);
        assertThat(run(TICK, 101)).isEmpty();
    }

    @Test
    void shouldFailAfterSilence() {
        run(new Submit(ID, 100), 0);
        run(new Assign(PIPELINE, 1), 50);
        run(new Receive(1, 0, false), 500);
        assertThat(run(TICK, 1501)).containsExactly(new Stalled(1001, 1501));
        assertThat(state.orElseThrow().phase()).isEqualTo(SessionPhase.FAILED);
        assertThat(run(new Receive(1, 1, true), 1502))
                .containsExactly(new TokenIgnored(TokenIgnored.Reason.STALE_ATTEMPT));
    }

    @Test
    void shouldEndOnceWhenAWorkerGivesUp() {
        assertThat(run(new GiveUp(), 0)).as("nobody's session").isEmpty();
        run(new Submit(ID, 100), 0);
        run(new Assign(PIPELINE, 1), 50);
        run(new Receive(1, 0, false), 60);
        assertThat(run(new GiveUp(), 70)).containsExactly(new GivenUp(70));
        assertThat(state.orElseThrow().phase()).isEqualTo(SessionPhase.FAILED);
        assertThat(run(new GiveUp(), 80)).isEmpty();
        assertThat(run(TICK, 1071)).as("no stall of what is over").isEmpty();
        assertThat(run(new Receive(1, 1, true), 1072))
                .containsExactly(new TokenIgnored(TokenIgnored.Reason.STALE_ATTEMPT));
        assertThat(run(TICK, 5071)).containsExactly(new Forgotten());
    }

    @Test
    void shouldForgetAWaitingSessionThatAWorkerGaveUp() {
        run(new Submit(ID, 100), 0);
        assertThat(run(new GiveUp(), 5)).containsExactly(new GivenUp(5));
        assertThat(state).isEmpty();
    }

    @Test
    void shouldRefuseToAssignWhatDoesNotWait() {
        assertThatThrownBy(() -> run(new Assign(PIPELINE, 1), 0)).isInstanceOf(IllegalStateException.class);
    }

    private static Assignment resumed(int attempt, int position) {
        return new Assignment(attempt, PIPELINE, position, List.of(StageResume.keep(position)));
    }

    private void start() {
        run(new Submit(ID, 100), 0);
        run(new Assign(PIPELINE, 1), 0);
    }

    @Test
    void canGoOnInAnotherAttempt() {
        start();
        run(new Receive(1, 0, false), 10);
        assertThat(run(new Interrupt(1, "lost a"), 20)).containsExactly(new Interrupted("lost a", 20));
        assertThat(state.orElseThrow().phase()).isEqualTo(SessionPhase.RECOVERING);
        assertThat(run(new Interrupt(1, "lost a"), 21)).as("once").isEmpty();
        assertThat(run(new Receive(1, 1, false), 22))
                .as("what is on its way counts")
                .containsExactly(new TokenAccepted(1, 22));
        assertThat(state.orElseThrow().phase()).isEqualTo(SessionPhase.RECOVERING);
        run(new Reassign(resumed(2, 5), 4, "why"), 30);
        assertThat(state.orElseThrow().phase()).isEqualTo(SessionPhase.ACTIVE);
        assertThat(state.orElseThrow().attempt()).isEqualTo(2);
        assertThat(state.orElseThrow().epoch()).isEqualTo(4);
        assertThat(state.orElseThrow().assignments()).hasSize(2);
        assertThat(run(new Receive(1, 2, true), 31))
                .containsExactly(new TokenIgnored(TokenIgnored.Reason.STALE_ATTEMPT));
        assertThat(run(new Interrupt(1, "late"), 32)).as("of an older attempt").isEmpty();
        assertThat(run(new Receive(2, 2, true), 33)).containsExactly(new TokenAccepted(2, 33), new Finished(33));
        assertThat(run(new Interrupt(2, "late"), 34)).isEmpty();
    }

    @Test
    void canFinishWhileItRecovers() {
        start();
        run(new Interrupt(1, "lost a"), 20);
        assertThat(run(new Receive(1, 0, true), 22)).containsExactly(new TokenAccepted(0, 22), new Finished(22));
        assertThatThrownBy(() -> run(new Reassign(resumed(2, 5), 4, "why"), 30))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldFailWhenItRecoversForTooLong() {
        start();
        run(new Interrupt(1, "lost a"), 20);
        assertThat(run(TICK, 1020)).isEmpty();
        assertThat(run(TICK, 1021)).containsExactly(new Stalled(1001, 1021));
    }

    @Test
    void shouldRefuseAnAttemptThatDoesNotGrow() {
        start();
        assertThatThrownBy(() -> run(new Reassign(resumed(2, 5), 4, "why"), 30))
                .as("it was not interrupted")
                .isInstanceOf(IllegalStateException.class);
        run(new Interrupt(1, "lost a"), 20);
        assertThatThrownBy(() -> run(new Reassign(resumed(1, 5), 4, "why"), 30))
                .hasMessageContaining("must be above 1");
    }

    @Test
    void shouldForgetAttemptsThatLedToNoToken() {
        start();
        run(new Receive(1, 0, false), 10);
        for (int attempt = 2; attempt < 50; attempt++) {
            run(new Interrupt(attempt - 1, "lost a"), 20);
            run(new Reassign(resumed(attempt, 4), 4, "why"), 30);
        }
        assertThat(state.orElseThrow().assignments())
                .extracting(Assignment::attempt)
                .containsExactly(1, 49);
        run(new Receive(49, 1, false), 40);
        run(new Interrupt(49, "lost a"), 50);
        run(new Reassign(resumed(50, 5), 4, "why"), 60);
        assertThat(state.orElseThrow().assignments())
                .extracting(Assignment::attempt)
                .containsExactly(1, 49, 50);
    }

    @Test
    void canBeginWithAHigherAttempt() {
        run(new Submit(ID, 100), 0);
        assertThat(run(new Assign(PIPELINE, 7, 3), 100)).containsExactly(new Assigned(3, PIPELINE, 7, 100));
        assertThat(run(new Receive(1, 0, false), 101))
                .containsExactly(new TokenIgnored(TokenIgnored.Reason.STALE_ATTEMPT));
    }

    @Test
    void shouldTakeEachTokenOnceInOrderHoweverTheyArrive() {
        for (long seed = 0; seed < 100; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            state = Optional.empty();
            run(new Submit(ID, 100), 0);
            run(new Assign(PIPELINE, 1), 0);
            List<Integer> taken = new ArrayList<>();
            int finished = 0;
            for (int i = 0; i < 500; i++) {
                int index = random.nextInt(10);
                int attempt = random.nextInt(3);
                for (SessionEvent event : run(new Receive(attempt, index, index == 9), i)) {
                    if (event instanceof TokenAccepted token) {
                        taken.add(token.index());
                        assertThat(attempt).as("seed %d", seed).isEqualTo(1);
                    }
                    finished += event instanceof Finished ? 1 : 0;
                }
            }
            assertThat(taken).as("seed %d", seed).isSorted().doesNotHaveDuplicates();
            assertThat(finished).as("seed %d", seed).isEqualTo(taken.size() == 10 ? 1 : 0);
        }
    }
}
