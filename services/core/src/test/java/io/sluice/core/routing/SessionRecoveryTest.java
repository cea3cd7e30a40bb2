package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.MemberView;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.routing.RecoveryDecision.GivenUp;
import io.sluice.core.routing.RecoveryDecision.GoesOn;
import io.sluice.core.routing.RecoveryDecision.Unchanged;
import io.sluice.core.routing.RecoveryDecision.Waits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A session on a and c with a prompt of four tokens; d can stand in for c. */
class SessionRecoveryTest {
    private static final SessionId ID = new SessionId("r1");
    private static final Stage A = stage("a", 0, 2);
    private static final Stage C = stage("c", 2, 4);
    private static final Stage D = stage("d", 2, 4);
    private static final Pipeline AC = new Pipeline(List.of(A, C));

    private final MemberView members = new MemberView(new WorkerId("router"), 1_200, 1_200, 0);
    private final SessionRecovery rules = new SessionRecovery(members);
    private final SessionWatch watch = new SessionWatch(0, 0);
    private final Known known = new Known();
    private RunningSession session = assigned();

    private static Stage stage(String worker, int first, int end) {
        return new Stage(new WorkerId(worker), new LayerRange(first, end));
    }

    private static RunningSession assigned() {
        SessionLife waiting = new SessionLife(ID, SessionPhase.WAITING, 0, 0, null, 0, 0, 9_000);
        SessionEvent event = SessionMachine.decide(Optional.of(waiting), new SessionCommand.Assign(AC, 5), 0)
                .getFirst();
        SessionLife life = SessionMachine.apply(Optional.of(waiting), event).orElseThrow();
        return new RunningSession(life, AttemptNotes.NONE, 4, 10);
    }

    private final class Known implements Rerouting {
        private Pipeline next = new Pipeline(List.of(A, D));
        private final List<StepTrace> steps = new ArrayList<>();

        @Override
        public Route reroute(Set<WorkerId> avoid) {
            return next.stages().stream().anyMatch(stage -> avoid.contains(stage.worker()))
                    ? new Route.Blocked(Route.Cause.NOT_READY, "nobody")
                    : new Route.Routed(next, 6);
        }

        @Override
        public boolean serves(Stage stage) {
            return true;
        }

        @Override
        public List<StepTrace> steps() {
            return steps;
        }

        @Override
        public RecoveryCosts costs() {
            return RecoveryCosts.UNKNOWN;
        }
    }

    @BeforeEach
    void everybodyIsThere() {
        List.of("a", "c", "d").forEach(worker -> beat(worker, Beat.State.ALIVE));
    }

    private final Map<String, Integer> incarnations = new HashMap<>();

    private void beat(String worker, Beat.State state) {
        members.hear(
                new Beat(new WorkerId(worker), incarnations.getOrDefault(worker, 1), state, 0, 1_200, worker, ""), 10);
    }

    private void tokens(int count) {
        for (int i = 0; i < count; i++) {
            known.steps.add(new StepTrace(
                    1, List.of(new StepTrace.Hop(A.worker(), 0, i), new StepTrace.Hop(C.worker(), 0, i))));
            SessionCommand token = new SessionCommand.Receive(1, i, false);
            session = session.with(SessionRecovery.after(session, token, 20).orElseThrow());
        }
    }

    @Test
    void shouldSendOnlyTheNewestTokenWhereTheFirstStageKeepsItsCache() {
        tokens(3);
        beat("c", Beat.State.GONE);

        GoesOn next = (GoesOn) rules.lookForLoss(session, watch, known, 30);

        assertThat(next.mode()).isEqualTo("rebuild");
        assertThat(next.life().attempt()).isEqualTo(2);
        assertThat(next.notices())
                .containsExactly(new Notice.Prepare(D), new Notice.Forward(A, 6, 1), new Notice.Drop(C, 1));
    }

    @Test
    void shouldSendThePromptAgainBeforeTheFirstToken() {
        beat("c", Beat.State.GONE);

        GoesOn next = (GoesOn) rules.lookForLoss(session, watch, known, 30);

        assertThat(next.mode()).isEqualTo("restart");
        assertThat(next.notices()).containsExactly(new Notice.Forward(A, 0, 4), new Notice.Drop(C, 1));
    }

    @Test
    void shouldWaitWhereThereIsNobodyAndGoOnOnceThereIs() {
        tokens(1);
        known.next = AC;
        beat("c", Beat.State.GONE);
        Waits waits = (Waits) rules.lookForLoss(session, watch, known, 30);
        session = session.with(waits.life()).with(waits.notes());
        assertThat(rules.retry(session, watch, known, 40)).isInstanceOf(Unchanged.class);

        known.next = new Pipeline(List.of(A, D));

        assertThat(rules.retry(session, watch, known, 50)).isInstanceOf(GoesOn.class);
    }

    @Test
    void shouldNumberAboveAnAttemptThatItDoesNotKnow() {
        known.next = AC;

        GoesOn next = (GoesOn) rules.overtaken(session, watch, known, 7, 30);

        assertThat(next.life().attempt()).isEqualTo(8);
        assertThat(rules.overtaken(session, watch, known, SessionRecovery.ATTEMPT_MAX, 30))
                .as("no session of this router")
                .isInstanceOf(Unchanged.class);
    }

    @Test
    void shouldNotTakeATokenThroughOtherWorkersForOneOfTheAttempt() {
        List<WorkerId> own = List.of(A.worker(), C.worker());
        List<WorkerId> others = List.of(A.worker(), D.worker());

        assertThat(session.fate(1, own)).isEqualTo(RunningSession.Fate.PRESENT);
        assertThat(session.fate(1, List.of())).as("not known").isEqualTo(RunningSession.Fate.PRESENT);
        assertThat(session.fate(1, others)).isEqualTo(RunningSession.Fate.UNKNOWN);
        assertThat(((GoesOn) rules.overtaken(session, watch, known, 1, 30))
                        .life()
                        .attempt())
                .as("fences both")
                .isEqualTo(2);
    }

    @Test
    void shouldGiveUpAtTheSecondReportThatTheSessionCannotBeComputed() {
        known.next = AC;
        GoesOn next =
                (GoesOn) rules.report(session, watch, known, A.worker(), Trouble.MALFORMED_INPUT, "no such layer", 30);
        session = session.with(next.life()).with(next.notes());

        RecoveryDecision second =
                rules.report(session, watch, known, A.worker(), Trouble.MALFORMED_INPUT, "no such layer", 40);

        assertThat(second).isInstanceOfSatisfying(GivenUp.class, over -> {
            assertThat(over.why()).isEqualTo(RecoveryDecision.Why.CANNOT_BE_COMPUTED);
            assertThat(over.life().phase()).isEqualTo(SessionPhase.FAILED);
        });
    }

    @Test
    void shouldLeaveAGapAfterARestart() {
        assertThat(SessionRecovery.floorAfterRestart(3, 1_000, 3_500)).isEqualTo(3 + 8 * 3);
        assertThat(SessionRecovery.floorAfterRestart(3, 9_000, 1_000))
                .as("a clock that was set back")
                .isEqualTo(3 + 8);
    }

    @Test
    void shouldNumberFirstAttemptsAboveWhatWasSeen() {
        FirstAttempts attempts = new FirstAttempts();
        attempts.seen(ID, 4);
        attempts.seen(ID, 2);
        assertThat(attempts.take(ID)).isEqualTo(5);
        assertThat(attempts.take(ID)).as("forgotten").isEqualTo(1);
    }

    private RunningSession bestEffort() {
        return new RunningSession(session.life(), session.notes(), 4, 10, ServiceClass.BEST_EFFORT);
    }

    @Test
    void shouldBearTheSilenceOfABestEffortSessionAndAskRarely() {
        tokens(1);
        SessionPatience patience = new SessionPatience(new SessionPatience.Limits(50, 1_000, 50, 1), members, rules);
        assertThat(patience.look(session, watch, known, 900)).isInstanceOf(GoesOn.class);
        SessionWatch calm = new SessionWatch(0, 0);
        RunningSession still = bestEffort();
        assertThat(patience.look(still, calm, known, 900)).isInstanceOf(Unchanged.class);
        int nudges = 0;
        for (long now = 900; now < 1_000_000; now += 100) {
            assertThat(patience.stalled(still, calm, now)).isEmpty();
            RecoveryDecision decision = patience.look(still, calm, known, now);
            if (decision instanceof Waits waits) {
                still = still.with(waits.life()).with(waits.notes());
                decision = rules.retry(still, calm, known, now + 2);
            }
            if (decision instanceof GoesOn next) {
                still = still.with(next.life()).with(next.notes());
                nudges++;
            }
        }
        assertThat(nudges).as("1, 2, 4, ... seconds of 1,000").isBetween(8, 10);
    }

    @Test
    void shouldNotCountLossesAgainstABestEffortSessionThatStoodStill() {
        session = bestEffort();
        Pipeline ad = new Pipeline(List.of(A, D));
        for (int i = 1; i <= 3 * SessionRecovery.FRUITLESS_MAX; i++) {
            boolean onC = session.pipeline().equals(AC);
            known.next = onC ? ad : AC;
            beat(onC ? "c" : "d", Beat.State.GONE);
            GoesOn next = (GoesOn) rules.lookForLoss(session, watch, known, 30 * i);
            session = session.with(next.life()).with(next.notes());
            members.hear(new Beat((onC ? C : D).worker(), i + 1, Beat.State.ALIVE, 0, 1_200, "w", ""), 30 * i + 1);
            incarnations.put(onC ? "c" : "d", i + 1);
        }
        assertThat(session.life().attempt()).isEqualTo(1 + 3 * SessionRecovery.FRUITLESS_MAX);
    }
}
