package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.records.WorkerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Where a worker stands, and when it may leave. */
final class StandingTest {
    private final Standing standing = new Standing(new WorkerId("w"), 7, 1_200);
    private final IntervalStats stats = new IntervalStats();
    private final AtomicLong nanos = new AtomicLong(1_000_000_000L);
    private final DrainWatch watch =
            new DrainWatch(standing, stats, nanos::get, () -> nanos.get() / 1_000_000, reason -> {});

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private long inMs(long millis) {
        return nanos.get() / 1_000_000 + millis;
    }

    @Test
    void shouldSayInItsHeartbeatThatItDrainsAndUntilWhen() {
        assertThat(standing.beat().state()).isEqualTo(Beat.State.ALIVE);

        assertThat(standing.drain(5_000, "asked", false)).isTrue();

        assertThat(standing.beat())
                .isEqualTo(new Beat(new WorkerId("w"), 7, Beat.State.DRAINING, 5_000, 1_200, "w", "asked"));
        assertThat(standing.drain(5_000, "asked", false))
                .as("the same once more")
                .isFalse();
    }

    @Test
    void shouldLetADrainBeCalledOffButNotThatOfAMachineThatGoes() {
        standing.drain(0, "asked", false);
        assertThat(standing.serve()).isTrue();
        assertThat(standing.serve()).as("nothing to call off").isFalse();

        standing.drain(9_000, "SIGTERM", true);

        assertThat(standing.serve()).isFalse();
        assertThat(standing.view().state()).isEqualTo(WorkerState.DRAINING);
    }

    @Test
    void shouldNotPutOffADeadlineThatIsCertain() {
        standing.drain(9_000, "SIGTERM", true);

        standing.drain(60_000, "asked", false);
        assertThat(standing.view().deadlineMs()).isEqualTo(9_000);
        standing.drain(0, "asked", false);
        assertThat(standing.view().deadlineMs()).isEqualTo(9_000);
        standing.drain(3_000, "asked", false);

        assertThat(standing.view().deadlineMs()).isEqualTo(3_000);
    }

    @Test
    void shouldShortenADrainThatWasAskedForWhenTheMachineGoes() {
        standing.drain(60_000, "asked", false);
        standing.drain(9_000, "SIGTERM", true);

        assertThat(standing.view().deadlineMs()).isEqualTo(9_000);
    }

    @Test
    void shouldStayGone() {
        standing.leave("stopped");

        assertThat(standing.drain(0, "asked", false)).isFalse();
        assertThat(standing.serve()).isFalse();
        assertThat(standing.beat().state()).isEqualTo(Beat.State.GONE);
    }

    @Test
    void shouldLeaveOnlyAfterAQuietTimeWithoutSessions() {
        stats.levels(0, 1, 0);
        assertThat(watch.look()).isEmpty();
        standing.drain(0, "asked", false);
        assertThat(watch.look()).isEmpty();
        stats.levels(0, 0, 0);
        assertThat(watch.look()).isEmpty();
        pass(DrainWatch.QUIET.minusMillis(1));
        assertThat(watch.look()).isEmpty();

        pass(Duration.ofMillis(1));

        assertThat(watch.look()).contains("drained, no session left (asked)");
    }

    @Test
    void shouldNotTakeAFirstBatchThatRunsForQuiet() {
        standing.drain(0, "asked", false);
        assertThat(watch.look()).isEmpty();
        stats.batchStarted(nanos.get());
        pass(Duration.ofSeconds(5));

        assertThat(watch.look()).isEmpty();
        stats.batchDone(nanos.get(), 1, 0);
        assertThat(watch.look()).isEmpty();
        stats.levels(1, 0, 0);
        pass(DrainWatch.QUIET);
        assertThat(watch.look()).as("a chunk waits").isEmpty();
    }

    @Test
    void shouldLeaveAtTheDeadlineAndSayHowManySessionsAreLeft() {
        stats.levels(0, 2, 0);
        standing.drain(inMs(1_000), "asked", false);
        pass(Duration.ofMillis(999));
        assertThat(watch.look()).isEmpty();
        pass(Duration.ofMillis(1));

        assertThat(watch.look()).contains("drain deadline passed with 2 sessions left (asked)");
    }

    @Test
    void shouldBeginToCountTheQuietTimeAnewAfterADrainThatWasCalledOff() {
        standing.drain(0, "asked", false);
        assertThat(watch.look()).isEmpty();
        standing.serve();
        assertThat(watch.look()).isEmpty();
        pass(DrainWatch.QUIET);
        standing.drain(0, "asked", false);

        assertThat(watch.look()).isEmpty();
    }

    @Test
    void shouldHoldPlacementsBackWhileItDrainsAndTakeTheNewestAfterwards() {
        List<LayerOrder> carriedOut = new ArrayList<>();
        OrderGate gate = new OrderGate(standing, carriedOut::add);
        LayerOrder first = new LayerOrder(1, Optional.of(new LayerRange(0, 2)));
        LayerOrder third = new LayerOrder(3, Optional.of(new LayerRange(2, 4)));
        gate.offer(first);
        standing.drain(0, "asked", false);
        gate.offer(new LayerOrder(2, Optional.empty()));
        gate.offer(third);
        assertThat(carriedOut).containsExactly(first);

        standing.serve();
        gate.release();
        gate.release();

        assertThat(carriedOut).containsExactly(first, third);
    }

    @Test
    void shouldRejectALeaseThatIsShorterThanThreeHeartbeats() {
        assertThatThrownBy(
                        () -> new MembershipSettings(Duration.ofMillis(500), Duration.ofMillis(1_200), Duration.ZERO))
                .hasMessageContaining("--lease is 1200 ms with a heartbeat every 500 ms")
                .hasMessageContaining("at least 3 heartbeats, 1500 ms");
        assertThatThrownBy(() -> new MembershipSettings(Duration.ZERO, Duration.ofSeconds(1), Duration.ZERO))
                .hasMessageContaining("--heartbeat is 0 ms");
    }
}
