package io.sluice.core.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Worker b, the second of three stages; its KV cache has room for two sessions. */
class StageIntakeTest {
    private static final SessionId ONE = new SessionId("r1");
    private static final SessionId TWO = new SessionId("r2");
    private static final SessionId THREE = new SessionId("r3");

    private final List<String> done = new ArrayList<>();
    private final Memory memory = new Memory();
    private final StageIntake<Chunk, Plan, int[], Session> intake = new StageIntake<>(
            new StageLimits(
                    new WorkerId("b"),
                    1,
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(2),
                    Duration.ofSeconds(60),
                    Duration.ofSeconds(5),
                    0.5),
            new StageLedger(),
            memory,
            new Desk());
    private long now = 1;

    private record Plan(Pipeline pipeline, int position, List<StageResume> resumes, boolean resumed, boolean bestEffort)
            implements StageSetup {
        @Override
        public int index() {
            return 1;
        }

        @Override
        public int promptTokens() {
            return 4;
        }

        @Override
        public int kvTokens() {
            return 64;
        }
    }

    private record Chunk(SessionId session, int attempt, Kind type, int position, int end, Plan plan, long offset)
            implements StageChunk<Plan> {
        @Override
        public int enterLayer() {
            return 2;
        }

        @Override
        public boolean lastOfPrompt() {
            return end >= 4;
        }
    }

    private static final class Session extends SessionAtStage<Chunk, Plan, int[]> {
        Session(SessionId id, int attempt, long nowNanos) {
            super(id, attempt, nowNanos);
        }
    }

    /** A slot is its length and its size. */
    private static final class Memory implements KvPool<int[]> {
        private int free = 128;

        @Override
        public long capacityTokens(LayerRange layers) {
            return 128;
        }

        @Override
        public int mostPositions() {
            return 1_024;
        }

        @Override
        public Optional<int[]> reserve(int tokens, LayerRange layers) {
            if (tokens > free) {
                return Optional.empty();
            }
            free -= tokens;
            return Optional.of(new int[] {0, tokens});
        }

        @Override
        public void release(int[] slot) {
            free += slot[1];
        }

        @Override
        public void truncate(int[] slot, int positions) {
            slot[0] = positions;
        }

        @Override
        public LayerRange layers(int[] slot) {
            return new LayerRange(2, 4);
        }

        @Override
        public int length(int[] slot) {
            return slot[0];
        }

        @Override
        public int roomFor(int[] slot) {
            return slot[1];
        }
    }

    private final class Desk implements StageDesk<Chunk, Session> {
        @Override
        public Session open(SessionId session, int attempt, long nowNanos) {
            return new Session(session, attempt, nowNanos);
        }

        @Override
        public void work(Session session, Chunk chunk) {
            session.slot[0] = chunk.end();
            done.add(session.id + "#" + session.attempt + " computes [" + chunk.position() + ", " + chunk.end() + ")");
        }

        @Override
        public void forget(Session session) {
            done.add(session.id + "#" + session.attempt + " forgotten");
        }

        @Override
        public void readLog(Session session, LogPicker.Want want) {
            done.add("reads " + want.ranges() + " before " + want.start());
        }

        @Override
        public void report(SessionId session, int attempt, Trouble trouble, String message) {
            done.add(session + "#" + attempt + " reports " + trouble);
        }

        @Override
        public void sendRelease(WorkerId to, SessionId session, int attempt) {
            done.add("releases " + session + "#" + attempt + " at " + to);
        }

        @Override
        public boolean holds(LayerRange layers) {
            return layers.equals(new LayerRange(2, 4));
        }

        @Override
        public boolean holds(int layer) {
            return layer == 2;
        }

        @Override
        public String held() {
            return "[2, 4)";
        }

        @Override
        public void dropped(Drop why) {
            done.add("drops " + why);
        }

        @Override
        public void noted(SessionId session, int attempt, String what) {
            // For logs only.
        }
    }

    private static Pipeline pipeline(String last) {
        return new Pipeline(List.of(stage("a", 0, 2), stage("b", 2, 4), stage(last, 4, 6)));
    }

    private static Stage stage(String worker, int first, int end) {
        return new Stage(new WorkerId(worker), new LayerRange(first, end));
    }

    private static Plan fresh(String last) {
        StageResume fresh = StageResume.fresh();
        return new Plan(pipeline(last), 3, List.of(fresh, fresh, fresh), false, false);
    }

    private static Plan bestEffort() {
        StageResume fresh = StageResume.fresh();
        return new Plan(pipeline("c"), 3, List.of(fresh, fresh, fresh), false, true);
    }

    private static Plan resumed(StageResume own) {
        return new Plan(pipeline("c"), 6, List.of(StageResume.keep(6), own, StageResume.keep(6)), true, false);
    }

    private void forward(SessionId session, int attempt, int position, int end, Plan plan) {
        take(session, attempt, StageChunk.Kind.FORWARD, position, end, plan);
    }

    private void take(SessionId session, int attempt, StageChunk.Kind kind, int position, int end, Plan plan) {
        intake.accept(new Chunk(session, attempt, kind, position, end, plan, 10), now++);
    }

    private List<String> done() {
        List<String> all = List.copyOf(done);
        done.clear();
        return all;
    }

    @Test
    void shouldComputeEachPositionOnceAndInOrder() {
        forward(ONE, 1, 4, 5, null);
        forward(ONE, 1, 0, 4, fresh("c"));
        forward(ONE, 1, 0, 4, fresh("c"));

        assertThat(done()).containsExactly("r1#1 computes [0, 4)", "r1#1 computes [4, 5)", "drops DUPLICATE");
    }

    @Test
    void shouldEndASessionThatGetsAnotherSetUpOfTheSameAttempt() {
        forward(ONE, 1, 0, 4, fresh("c"));
        forward(ONE, 1, 0, 4, fresh("d"));
        forward(ONE, 1, 4, 5, null);

        assertThat(done())
                .as("neither pipeline goes on with a cache that could be the other one's")
                .containsExactly("r1#1 computes [0, 4)", "r1#1 forgotten", "r1#1 reports STATE_LOST", "drops FENCED");
        assertThat(memory.free).isEqualTo(128);
    }

    @Test
    void shouldKeepTheCacheOfTheFormerAttemptAndFenceThat() {
        forward(ONE, 1, 0, 4, fresh("c"));
        forward(ONE, 1, 4, 7, null);
        done();
        take(ONE, 2, StageChunk.Kind.PREPARE, 0, 0, resumed(StageResume.keep(6)));
        forward(ONE, 1, 7, 8, null);
        forward(ONE, 2, 6, 7, null);

        assertThat(done()).containsExactly("r1#1 forgotten", "drops FENCED", "r1#2 computes [6, 7)");
        assertThat(memory.free).isEqualTo(64);
    }

    @Test
    void shouldSayThatItHasLostWhatItWasToKeep() {
        take(ONE, 2, StageChunk.Kind.PREPARE, 0, 0, resumed(StageResume.keep(6)));

        assertThat(done()).containsExactly("r1#2 forgotten", "r1#2 reports STATE_LOST");
    }

    @Test
    void shouldGoOnOnlyAfterWhatTheLogHolds() {
        LogRange range = new LogRange(new WorkerId("z"), 3, 9);
        take(ONE, 2, StageChunk.Kind.PREPARE, 0, 0, resumed(StageResume.rebuild(6, List.of(range))));
        forward(ONE, 2, 6, 7, null);
        assertThat(done()).containsExactly("reads [z@[3, 9)] before 6");

        intake.rebuilt(ONE, 2, List.of(new Chunk(ONE, 2, StageChunk.Kind.FORWARD, 0, 6, null, -1)), now++);

        assertThat(done()).containsExactly("r1#2 computes [0, 6)", "r1#2 computes [6, 7)");
    }

    @Test
    void shouldLetOneWaitForKvCacheAndRefuseTheNext() {
        forward(ONE, 1, 0, 4, fresh("c"));
        forward(TWO, 1, 0, 4, fresh("c"));
        forward(THREE, 1, 0, 4, fresh("c"));
        SessionId four = new SessionId("r4");
        forward(four, 1, 0, 4, fresh("c"));
        assertThat(done())
                .endsWith("r4#1 forgotten", "r4#1 reports NO_CAPACITY")
                .noneMatch(s -> s.startsWith("r3"));

        take(ONE, 1, StageChunk.Kind.DROP, 0, 0, null);

        assertThat(done()).containsExactly("r1#1 forgotten", "r3#1 computes [0, 4)");
    }

    @Test
    void shouldPassAReleaseAlongButNotToTheLastStage() {
        forward(ONE, 1, 0, 4, fresh("c"));
        done();
        take(ONE, 1, StageChunk.Kind.RELEASE, 0, 0, null);

        assertThat(done()).as("c, the last one, has begun the release").containsExactly("r1#1 forgotten");
        assertThat(intake.sessions()).isEmpty();
    }

    @Test
    void shouldReportAMissingChunkOnceAndKeepTheCache() {
        forward(ONE, 1, 0, 4, fresh("c"));
        forward(ONE, 1, 5, 6, null);
        done();

        intake.sweep(Duration.ofSeconds(3).toNanos());
        intake.sweep(Duration.ofSeconds(4).toNanos());

        assertThat(done()).containsExactly("r1#1 reports INPUT_MISSING");
        assertThat(memory.free).isEqualTo(64);
    }

    @Test
    void shouldEndNoBestEffortSessionForWaitingAndNoneForBeingIdleForHours() {
        forward(ONE, 1, 0, 4, bestEffort());
        forward(TWO, 1, 0, 4, bestEffort());
        assertThat(done()).as("half of the cache is for them").containsExactly("r1#1 computes [0, 4)");

        intake.sweep(StageLimits.BEST_EFFORT_IDLE.minusMinutes(1).toNanos());
        assertThat(done()).isEmpty();
        assertThat(intake.sessions()).hasSize(2);

        intake.sweep(StageLimits.BEST_EFFORT_IDLE.plusMinutes(1).toNanos());
        assertThat(done())
                .as("nobody remembers them")
                .containsExactly(
                        "drops EXPIRED", "r1#1 forgotten", "r2#1 computes [0, 4)", "drops EXPIRED", "r2#1 forgotten");
        assertThat(memory.free).isEqualTo(128);
    }

    @Test
    void shouldMissAChunkOfABestEffortSessionAsSoonAsAnyButNotForTheTimeThatItWaitedForKvCache() {
        forward(ONE, 1, 0, 4, bestEffort());
        forward(TWO, 1, 0, 4, bestEffort());
        done();
        now = Duration.ofHours(2).toNanos();
        forward(TWO, 1, 5, 6, null);
        intake.sweep(now + Duration.ofSeconds(1).toNanos());
        assertThat(done()).isEmpty();

        intake.sweep(now + Duration.ofSeconds(3).toNanos());
        assertThat(done()).containsExactly("r2#1 reports INPUT_MISSING");
    }

    @Test
    void shouldLetNoBestEffortSessionKeepLatencyCriticalOnesOutOfTheRestOfTheCache() {
        forward(ONE, 1, 0, 4, bestEffort());
        forward(TWO, 1, 0, 4, bestEffort());
        forward(THREE, 1, 0, 4, fresh("c"));
        assertThat(done()).containsExactly("r1#1 computes [0, 4)", "r3#1 computes [0, 4)");

        SessionId four = new SessionId("r4");
        forward(four, 1, 0, 4, fresh("c"));
        take(ONE, 1, StageChunk.Kind.DROP, 0, 0, null);
        assertThat(done())
                .as("the latency-critical one goes first though it came later")
                .containsExactly("r1#1 forgotten", "r4#1 computes [0, 4)");

        take(THREE, 1, StageChunk.Kind.DROP, 0, 0, null);
        assertThat(done()).containsExactly("r3#1 forgotten", "r2#1 computes [0, 4)");
        take(TWO, 1, StageChunk.Kind.DROP, 0, 0, null);
        take(four, 1, StageChunk.Kind.DROP, 0, 0, null);
        forward(new SessionId("r5"), 1, 0, 4, bestEffort());
        assertThat(done()).as("what was given back can be had again").contains("r5#1 computes [0, 4)");
    }

    @Test
    void shouldRefuseABestEffortSessionThatIsLargerThanTheirShare() {
        StageIntake<Chunk, Plan, int[], Session> narrow = new StageIntake<>(
                new StageLimits(
                        new WorkerId("b"),
                        1,
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(5),
                        0.4),
                new StageLedger(),
                memory,
                new Desk());
        narrow.accept(new Chunk(ONE, 1, StageChunk.Kind.FORWARD, 0, 4, bestEffort(), 10), now++);

        assertThat(done()).containsExactly("r1#1 forgotten", "r1#1 reports NO_CAPACITY");
        assertThatThrownBy(() -> new StageLimits(
                        new WorkerId("b"), 1, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 1.5))
                .hasMessageContaining("best-effort sessions may hold 1.5 of the KV cache");
    }
}
