package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.Session;
import io.sluice.records.SessionState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Many sessions with many tokens lose a worker at once: 24 run on a and c, 8 on b and d, each with 200 tokens. */
class MassLossTest {
    private static final int SESSIONS = 32;
    private static final int TOKENS = 200;
    private static final int PER_TICK = Recovery.TOKENS_PER_TICK / TOKENS;
    private static final Duration TICK = Duration.ofMillis(50);

    private final RouterHarness router = new RouterHarness();
    private final List<String> onC = new ArrayList<>();
    private String onD;

    @BeforeEach
    void start() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        for (int i = 0; i < SESSIONS; i++) {
            router.send(RouterHarness.request("r" + i).setMaxTokens(50));
        }
        for (Session session : router.sessions()) {
            List<String> workers = RouterHarness.workers(session.getPipeline());
            for (int i = 0; i < TOKENS; i++) {
                router.send(router.token(session.getRequestId(), i, null, workers.toArray(String[]::new)));
            }
            if (workers.contains("c")) {
                onC.add(session.getRequestId());
            } else {
                onD = session.getRequestId();
            }
        }
        assertThat(onC).hasSizeGreaterThan(PER_TICK).hasSizeLessThan(2 * PER_TICK);
    }

    @AfterEach
    void close() {
        router.close();
    }

    @Test
    void shouldResumeAPartOfTheSessionsPerTickTheOldestFirst() {
        router.gone(1, "c");
        assertThat(reassigned()).isEqualTo(onC.subList(0, PER_TICK));

        router.advance(TICK);
        assertThat(reassigned()).isEqualTo(onC.subList(PER_TICK, onC.size()));

        router.advance(TICK.multipliedBy(3));
        assertThat(reassigned()).as("nobody twice").isEmpty();
    }

    @Test
    void shouldServeTheOthersWhileManyWaitForTheirTurn() {
        router.gone(1, "c");
        double before = router.counted("sluice.router.tokens", "result", "accepted");
        router.send(router.token(onD, TOKENS, null, "b", "d"));
        router.send(router.token(onC.getLast(), TOKENS, null, "a", "c"));

        assertThat(router.counted("sluice.router.tokens", "result", "accepted") - before)
                .as("one that runs on, and one that was on its way when its worker was lost")
                .isEqualTo(2);
    }

    @Test
    void shouldMoveAPartOfTheSessionsPerTickWhenTheirWorkerDrains() {
        List<String> moved = new ArrayList<>();
        router.draining(1, "c", 0);
        for (int tick = 0; tick < 20; tick++) {
            List<String> now = reassigned();
            assertThat(now).hasSizeLessThanOrEqualTo(PER_TICK);
            moved.addAll(now);
            router.advance(TICK);
        }
        assertThat(moved).isEqualTo(onC);
    }

    @Test
    void shouldResumeAPartOfThoseThatWaitedForAPipelinePerTick() {
        router.gone(1, "c", "d");
        router.advance(TICK.multipliedBy(4));
        assertThat(reassigned()).as("nobody serves the last layers").isEmpty();

        router.alive(2, "d");
        List<String> resumed = new ArrayList<>();
        for (int tick = 0; tick < 20; tick++) {
            List<String> now = reassigned();
            assertThat(now).hasSizeLessThanOrEqualTo(PER_TICK);
            resumed.addAll(now);
            router.advance(TICK);
        }
        assertThat(resumed).hasSize(SESSIONS).doesNotHaveDuplicates();
    }

    private List<String> reassigned() {
        List<Session> sessions = router.sessions();
        assertThat(sessions).allMatch(session -> session.getState() == SessionState.REASSIGNED);
        return sessions.stream().map(Session::getRequestId).toList();
    }
}
