package io.sluice.core.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat.State;
import io.sluice.core.membership.MemberEvent.Draining;
import io.sluice.core.membership.MemberEvent.Joined;
import io.sluice.core.membership.MemberEvent.Lost;
import io.sluice.core.membership.MemberEvent.Restarted;
import io.sluice.core.membership.MemberEvent.Serving;
import io.sluice.core.membership.MemberEvent.Zombie;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LeaseTableTest {
    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final long LEASE = 1_000;

    /** Never cut off, unless a test wants it. */
    private LeaseTable table = new LeaseTable(1_000_000, 0);

    private static Beat beat(WorkerId worker, long incarnation, State state, long deadlineMs) {
        return new Beat(worker, incarnation, state, deadlineMs, LEASE, worker.value(), "");
    }

    private List<MemberEvent> alive(WorkerId worker, long incarnation, long nowMs) {
        return table.beat(beat(worker, incarnation, State.ALIVE, 0), nowMs);
    }

    private List<MemberEvent> gone(WorkerId worker, long incarnation, long nowMs) {
        return table.beat(new Beat(worker, incarnation, State.GONE, 0, LEASE, "supervisor", "exit status 137"), nowMs);
    }

    private List<MemberEvent> tick(long nowMs) {
        table.echo(nowMs);
        return table.tick(nowMs);
    }

    @Test
    void shouldLoseAWorkerWhenItsLeaseEndsAndTellItOnce() {
        assertThat(alive(A, 1, 0)).containsExactly(new Joined(A, 1));
        assertThat(alive(A, 1, 500)).isEmpty();
        assertThat(tick(1_500)).isEmpty();
        assertThat(table.isAlive(A)).isTrue();
        assertThat(tick(1_501)).singleElement().isInstanceOfSatisfying(Lost.class, lost -> {
            assertThat(lost.silentMs()).isEqualTo(1_001);
            assertThat(lost.reason()).contains("1001 ms", "1000 ms");
        });
        assertThat(tick(1_600)).isEmpty();
        assertThat(table.isAlive(A)).isFalse();
        assertThat(table.takesSessions(A)).isFalse();
        assertThat(alive(A, 1, 1_700)).as("it had only been silent").containsExactly(new Joined(A, 1));
        assertThat(table.isAlive(A)).isTrue();
    }

    @Test
    void shouldTakeAReportedEndAtOnceAndOnce() {
        alive(A, 3, 0);
        assertThat(gone(A, 2, 10)).as("of an earlier process").isEmpty();
        assertThat(table.isAlive(A)).isTrue();
        assertThat(gone(A, 3, 10)).singleElement().isInstanceOfSatisfying(Lost.class, lost -> assertThat(lost.reason())
                .contains("supervisor", "exit status 137"));
        assertThat(gone(A, 3, 11)).isEmpty();
        assertThat(alive(A, 4, 20)).containsExactly(new Restarted(A, 4));
        assertThat(table.incarnation(A)).isEqualTo(4);
    }

    @Test
    void shouldFenceAnEarlierProcess() {
        alive(A, 2, 0);
        assertThat(alive(A, 3, 10)).containsExactly(new Restarted(A, 3));
        assertThat(alive(A, 2, 20)).containsExactly(new Zombie(A, 2));
        assertThat(alive(A, 2, 30)).as("told once").isEmpty();
        assertThat(tick(1_011)).as("the zombie keeps nobody alive").hasSize(1);
        assertThat(alive(A, 2, 1_020)).isEmpty();
        assertThat(table.isAlive(A)).isFalse();
    }

    @Test
    void shouldFollowADrain() {
        alive(A, 1, 0);
        assertThat(table.beat(beat(A, 1, State.DRAINING, 9_000), 10)).containsExactly(new Draining(A, 9_000));
        assertThat(table.beat(beat(A, 1, State.DRAINING, 9_000), 20)).isEmpty();
        assertThat(table.beat(beat(A, 1, State.DRAINING, 5_000), 30)).containsExactly(new Draining(A, 5_000));
        assertThat(table.isAlive(A)).isTrue();
        assertThat(table.takesSessions(A)).isFalse();
        assertThat(table.drainDeadlineMs(A)).hasValue(5_000);
        assertThat(alive(A, 1, 40)).containsExactly(new Serving(A));
        assertThat(table.takesSessions(A)).isTrue();
        assertThat(table.drainDeadlineMs(A)).isEmpty();
        assertThat(table.beat(beat(B, 1, State.DRAINING, 0), 50)).containsExactly(new Joined(B, 1), new Draining(B, 0));
        assertThat(table.count(State.DRAINING)).isEqualTo(1);
    }

    @Test
    void shouldNotLoseAnybodyWhileTheObserverIsCutOff() {
        table = new LeaseTable(LEASE, 0);
        alive(A, 1, 0);
        assertThat(table.tick(5_000)).isEmpty();
        assertThat(table.isCutOff()).isTrue();
        table.echo(6_000);
        assertThat(table.tick(7_000)).as("a whole lease again").isEmpty();
        assertThat(table.isCutOff()).isFalse();
        table.echo(7_000);
        assertThat(table.tick(7_001)).hasSize(1);
    }

    @Test
    void shouldNoticeThatItWasCutOffThoughItDidNotTickMeanwhile() {
        table = new LeaseTable(LEASE, 0);
        alive(A, 1, 0);
        // As after a pause of the whole process: the first thing that comes may be its own echo.
        table.echo(9_000);
        assertThat(table.tick(9_001)).isEmpty();
    }

    @Test
    void shouldMissWhoIsExpectedOnlyOnceAnybodyWasHeardOf() {
        table.expect(A, LEASE, 0);
        assertThat(tick(60_000)).as("silence of all proves nothing").isEmpty();
        assertThat(alive(B, 1, 61_000)).containsExactly(new Joined(B, 1));
        alive(B, 1, 61_900);
        assertThat(tick(62_000)).as("from then on it has its lease").isEmpty();
        assertThat(tick(62_001)).singleElement().satisfies(e -> assertThat(e.worker())
                .isEqualTo(A));
        table.expect(A, LEASE, 62_002);
        assertThat(table.isAlive(A)).as("what is known stays").isFalse();
        assertThat(alive(A, 5, 62_100)).containsExactly(new Joined(A, 5));
    }

    @Test
    void shouldTakeUnknownWorkersForAlive() {
        assertThat(table.isAlive(A)).isTrue();
        assertThat(table.takesSessions(A)).isTrue();
        assertThat(table.incarnation(A)).isEqualTo(LeaseTable.UNKNOWN);
        assertThat(gone(A, 1, 0)).as("nobody had it").isEmpty();
        assertThat(table.isAlive(A)).isFalse();
    }

    @Test
    void shouldRefuseTimesBelowOne() {
        assertThatThrownBy(() -> new LeaseTable(0, 0)).hasMessageContaining("echo time-out 0 ms");
        assertThatThrownBy(() -> new Beat(A, 1, State.ALIVE, 0, 0, "a", "")).hasMessageContaining("--lease");
    }

    /** Whatever comes in whatever order: no incarnation returns, and every loss is followed by a join before the next. */
    @Test
    void shouldTellEveryLossOnceHoweverHeartbeatsArrive() {
        for (long seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            LeaseTable seen = new LeaseTable(LEASE, 0);
            Map<WorkerId, Boolean> alive = new HashMap<>();
            Map<WorkerId, Long> newest = new HashMap<>();
            long now = 0;
            for (int step = 0; step < 300; step++) {
                now += random.nextInt(400);
                List<MemberEvent> events = new ArrayList<>();
                WorkerId worker = random.nextBoolean() ? A : B;
                switch (random.nextInt(4)) {
                    case 0 -> seen.echo(now);
                    case 1 -> events.addAll(seen.tick(now));
                    default -> {
                        State state = State.values()[random.nextInt(3)];
                        events.addAll(seen.beat(beat(worker, random.nextInt(1, 6), state, 0), now));
                    }
                }
                for (MemberEvent event : events) {
                    switch (event) {
                        case Joined joined -> {
                            assertThat(alive.put(joined.worker(), true))
                                    .as("seed %d step %d", seed, step)
                                    .isNotEqualTo(true);
                            assertThat(joined.incarnation())
                                    .isGreaterThanOrEqualTo(newest.getOrDefault(joined.worker(), 0L));
                            newest.put(joined.worker(), joined.incarnation());
                        }
                        case Restarted restarted -> {
                            assertThat(restarted.incarnation())
                                    .isGreaterThan(newest.getOrDefault(restarted.worker(), 0L));
                            alive.put(restarted.worker(), true);
                            newest.put(restarted.worker(), restarted.incarnation());
                        }
                        case Lost lost ->
                            assertThat(alive.put(lost.worker(), false))
                                    .as("seed %d step %d", seed, step)
                                    .isTrue();
                        case Draining draining ->
                            assertThat(alive.get(draining.worker())).isTrue();
                        case Serving serving ->
                            assertThat(alive.get(serving.worker())).isTrue();
                        case Zombie zombie ->
                            assertThat(zombie.incarnation()).isLessThan(seen.incarnation(zombie.worker()));
                    }
                }
                for (WorkerId each : alive.keySet()) {
                    assertThat(seen.isAlive(each))
                            .as("seed %d step %d", seed, step)
                            .isEqualTo(alive.get(each));
                }
            }
        }
    }
}
