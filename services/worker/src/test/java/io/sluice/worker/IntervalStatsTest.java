package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class IntervalStatsTest {
    private final IntervalStats stats = new IntervalStats();

    @Test
    void shouldCountABatchUnderWayOnceAndNeverLessThanNothing() {
        stats.batchStarted(0);
        assertThat(stats.take(100_000).busyMicros()).as("under way").isEqualTo(100);

        stats.batchDone(90_000, 0, 1);
        assertThat(stats.take(200_000).busyMicros())
                .as("it was over before it was counted")
                .isZero();

        stats.batchStarted(200_000);
        stats.batchDone(250_000, 0, 1);
        assertThat(stats.take(300_000).busyMicros())
                .as("what was counted too much is missing")
                .isEqualTo(40);
    }

    @Test
    void shouldCountSlicesAsBusyButNotAsLatencyCriticalWork() {
        stats.sliceStarted(0);
        stats.sliceEnded(70_000);
        stats.batchStarted(70_000);
        stats.batchDone(100_000, 0, 1);

        assertThat(stats.busyNanos(100_000)).isEqualTo(100_000);
        assertThat(stats.slicesNanos(100_000)).isEqualTo(70_000);
        assertThat(stats.take(100_000).busyMicros()).isEqualTo(30);
    }
}
