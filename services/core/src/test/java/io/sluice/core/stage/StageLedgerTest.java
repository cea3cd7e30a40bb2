package io.sluice.core.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.stage.StageLedger.Opening;
import io.sluice.core.stage.StageLedger.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StageLedgerTest {
    private static final SessionId ONE = new SessionId("one");
    private static final StageResume REBUILD = StageResume.rebuild(5, List.of(new LogRange(new WorkerId("w"), 0, 9)));

    private final StageLedger ledger = new StageLedger();

    @Test
    void shouldTakePositionsInOrderOnceTheSetUpHasCome() {
        assertThat(ledger.offer(ONE, 1, 0)).isEqualTo(Verdict.EARLY);
        assertThat(ledger.begin(ONE, 1, StageResume.fresh(), -1)).isEqualTo(Opening.EMPTY);
        assertThat(ledger.offer(ONE, 1, 4)).isEqualTo(Verdict.EARLY);
        assertThat(ledger.offer(ONE, 1, 0)).isEqualTo(Verdict.NEXT);
        ledger.taken(ONE, 4);
        assertThat(ledger.offer(ONE, 1, 4)).isEqualTo(Verdict.NEXT);
        assertThat(ledger.offer(ONE, 1, 0)).isEqualTo(Verdict.REPEATED);
    }

    @Test
    void shouldFenceTheFormerAttemptAsSoonAsAnythingOfANewerOneComes() {
        ledger.begin(ONE, 1, StageResume.fresh(), -1);
        ledger.open(ONE, 3);

        assertThat(ledger.offer(ONE, 1, 0)).isEqualTo(Verdict.FENCED);
        assertThat(ledger.offer(ONE, 2, 0)).isEqualTo(Verdict.FENCED);
        assertThat(ledger.begun(ONE)).isFalse();
        assertThatThrownBy(() -> ledger.begin(ONE, 2, StageResume.fresh(), -1))
                .hasMessageContaining("attempt 2 of session one is fenced");
    }

    @Test
    void shouldKeepOnlyWhatIsThere() {
        assertThat(ledger.begin(ONE, 2, StageResume.keep(7), 7)).isEqualTo(Opening.KEPT);
        assertThat(ledger.expected(ONE)).isEqualTo(7);
        assertThat(ledger.begin(ONE, 3, StageResume.keep(7), 9)).isEqualTo(Opening.KEPT);
        assertThat(ledger.begin(ONE, 4, StageResume.keep(7), 6)).isEqualTo(Opening.STATE_LOST);
        assertThat(ledger.begin(ONE, 5, StageResume.keep(7), -1)).isEqualTo(Opening.STATE_LOST);
    }

    @Test
    void shouldExpectARebuildFromTheFirstPositionOn() {
        assertThat(ledger.begin(ONE, 2, REBUILD, 100)).isEqualTo(Opening.EMPTY);
        assertThat(ledger.offer(ONE, 2, 5)).isEqualTo(Verdict.EARLY);
        assertThat(ledger.offer(ONE, 2, 0)).isEqualTo(Verdict.NEXT);
    }

    @Test
    void shouldNotEndANewerAttemptThanTheOneNamed() {
        ledger.begin(ONE, 4, StageResume.fresh(), -1);

        assertThat(ledger.end(ONE, 3)).isFalse();
        assertThat(ledger.attempt(ONE)).isEqualTo(4);
        assertThat(ledger.end(ONE, 6)).isTrue();
        assertThat(ledger.attempt(ONE)).isZero();
        assertThat(ledger.newest(ONE)).isEqualTo(6);
        assertThat(ledger.offer(ONE, 6, 0)).isEqualTo(Verdict.FENCED);
        assertThat(ledger.offer(ONE, 7, 0)).isEqualTo(Verdict.EARLY);
    }

    @Test
    void shouldRefuseToBeginTwiceAndToTakeBackwards() {
        ledger.begin(ONE, 1, StageResume.fresh(), -1);
        ledger.taken(ONE, 3);

        assertThatThrownBy(() -> ledger.begin(ONE, 1, StageResume.fresh(), -1)).hasMessageContaining("begun already");
        assertThatThrownBy(() -> ledger.taken(ONE, 3)).hasMessageContaining("it expects 3");
        assertThatThrownBy(() -> ledger.taken(new SessionId("two"), 1)).hasMessageContaining("not live");
    }

    @Test
    void shouldRememberTheEndOfTheNewestSessionsOnly() {
        StageLedger small = new StageLedger(2);
        for (String name : List.of("a", "b", "a", "c")) {
            small.end(new SessionId(name), 1);
        }

        assertThat(small.isFenced(new SessionId("b"), 1)).isFalse();
        assertThat(small.isFenced(new SessionId("a"), 1)).isTrue();
        assertThat(small.isFenced(new SessionId("c"), 1)).isTrue();
        assertThat(small.size()).isZero();
    }

    /** A session as a list of what was ever said of it; every answer is looked up in it. */
    private static final class Model {
        private int newest;
        private int over;
        private boolean begun;
        private int expected;

        boolean live() {
            return newest > over;
        }

        boolean fenced(int attempt) {
            return live() ? attempt < newest : attempt <= over;
        }

        void see(int attempt) {
            if (attempt > newest || !live()) {
                newest = attempt;
                begun = false;
                expected = 0;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void shouldAnswerAsAPlainModelDoesWhateverTheOrder(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<SessionId, Model> models = new HashMap<>();
        List<String> told = new ArrayList<>();
        for (int step = 0; step < 5_000; step++) {
            SessionId session = new SessionId("s" + random.nextInt(4));
            Model model = models.computeIfAbsent(session, key -> new Model());
            int attempt = Math.max(1, Math.max(model.newest, model.over) + random.nextInt(-2, 2));
            int what = random.nextInt(12);
            told.add(what + " " + session + " " + attempt);
            if (what == 0) {
                boolean ends = model.live() && model.newest <= attempt;
                assertThat(ledger.end(session, attempt)).as("%s", told).isEqualTo(ends);
                if (ends || !model.live()) {
                    model.over = Math.max(model.over, attempt);
                }
            } else if (model.fenced(attempt)) {
                assertThat(ledger.offer(session, attempt, random.nextInt(9)))
                        .as("%s", told)
                        .isEqualTo(Verdict.FENCED);
            } else if (what < 3 && !(model.live() && attempt == model.newest && model.begun)) {
                begin(random, session, attempt, model);
            } else {
                offer(random, session, attempt, model, told);
            }
            assertThat(ledger.attempt(session)).as("%s", told).isEqualTo(model.live() ? model.newest : 0);
            assertThat(ledger.expected(session)).as("%s", told).isEqualTo(model.live() ? model.expected : 0);
        }
        assertThat(ledger.size())
                .isEqualTo((int) models.values().stream().filter(Model::live).count());
    }

    private void begin(SplittableRandom random, SessionId session, int attempt, Model model) {
        int start = random.nextInt(1, 6);
        int computed = random.nextInt(-1, 9);
        StageResume resume =
                switch (random.nextInt(3)) {
                    case 0 -> StageResume.fresh();
                    case 1 -> REBUILD;
                    default -> StageResume.keep(start);
                };
        model.see(attempt);
        model.begun = true;
        model.expected = resume.log().isEmpty() ? resume.start() : 0;
        Opening wanted = resume.start() == 0 || !resume.log().isEmpty()
                ? Opening.EMPTY
                : computed >= start ? Opening.KEPT : Opening.STATE_LOST;
        assertThat(ledger.begin(session, attempt, resume, computed)).isEqualTo(wanted);
    }

    private void offer(SplittableRandom random, SessionId session, int attempt, Model model, List<String> told) {
        model.see(attempt);
        int position = Math.max(0, model.expected + random.nextInt(-2, 3));
        Verdict wanted = !model.begun || position > model.expected
                ? Verdict.EARLY
                : position == model.expected ? Verdict.NEXT : Verdict.REPEATED;
        assertThat(ledger.offer(session, attempt, position)).as("%s", told).isEqualTo(wanted);
        if (wanted == Verdict.NEXT) {
            model.expected += random.nextInt(1, 4);
            ledger.taken(session, model.expected);
        }
    }
}
