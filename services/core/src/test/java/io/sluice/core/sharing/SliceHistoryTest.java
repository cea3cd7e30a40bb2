package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SliceHistoryTest {
    @Test
    void shouldTellWhatSlicesHeldBetweenTwoMoments() {
        SliceHistory history = new SliceHistory();
        assertThat(history.heldNanos(0, 100)).isZero();
        history.add(10, 20);
        history.add(30, 50);

        assertThat(history.heldNanos(0, 100)).isEqualTo(30);
        assertThat(history.heldNanos(15, 35)).isEqualTo(10);
        assertThat(history.heldNanos(20, 30)).isZero();
        assertThat(history.heldNanos(40, 45)).isEqualTo(5);
        assertThat(history.heldNanos(60, 40)).isZero();
        assertThat(history.heldNanos(50, 99)).isZero();
    }

    @Test
    void shouldCountTimeOnceWhereSlicesOverlap() {
        SliceHistory history = new SliceHistory();
        history.add(0, 10);
        history.add(5, 20);
        history.add(3, 20);
        assertThat(history.heldNanos(0, 100)).isEqualTo(20);
    }

    @Test
    void shouldEqualCountingOneByOneForTheSlicesItRemembers() {
        Random random = new Random(11);
        SliceHistory history = new SliceHistory();
        List<long[]> all = new ArrayList<>();
        long now = 0;
        for (int i = 0; i < 3 * SliceHistory.MEMORY; i++) {
            long start = now + random.nextInt(5);
            now = start + 1 + random.nextInt(9);
            history.add(start, now);
            all.add(new long[] {start, now});
        }
        List<long[]> kept = all.subList(all.size() - SliceHistory.MEMORY, all.size());
        for (int i = 0; i < 2_000; i++) {
            long from = random.nextLong(now + 20);
            long to = from + random.nextLong(now / 2);
            long held = kept.stream()
                    .mapToLong(slice -> Math.max(0, Math.min(to, slice[1]) - Math.max(from, slice[0])))
                    .sum();
            assertThat(history.heldNanos(from, to)).as("%d to %d", from, to).isEqualTo(held);
        }
    }
}
