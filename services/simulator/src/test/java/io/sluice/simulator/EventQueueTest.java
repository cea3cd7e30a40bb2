package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class EventQueueTest {
    private record Planned(double time, int target) {}

    @Test
    void shouldRunEventsByTimeThenByOrderOfAdding() {
        for (int seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            EventQueue queue = new EventQueue();
            List<Planned> planned = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                double time = random.nextInt(200);
                planned.add(new Planned(time, i));
                queue.add(time, i % 5, i, "p" + i);
            }
            planned.sort(Comparator.comparingDouble(Planned::time)); // stable
            for (Planned expected : planned) {
                queue.remove();
                assertThat(queue.time).isEqualTo(expected.time());
                assertThat(queue.target).isEqualTo(expected.target());
                assertThat(queue.kind).isEqualTo(expected.target() % 5);
                assertThat(queue.payload).isEqualTo("p" + expected.target());
            }
            assertThat(queue.nextTime()).isInfinite();
        }
    }

    @Test
    void shouldKeepOrderWhileEventsAddEvents() {
        SplittableRandom random = new SplittableRandom(3);
        EventQueue queue = new EventQueue();
        queue.add(0, 0, -1, null);
        double last = 0;
        for (int i = 0; i < 10_000; i++) {
            queue.remove();
            assertThat(queue.time).isGreaterThanOrEqualTo(last);
            last = queue.time;
            queue.add(last + random.nextInt(3), 1, i, null);
            if (i < 500) {
                queue.add(last, 2, i, null);
            }
        }
        assertThat(queue.added()).isEqualTo(10_501);
    }

    @Test
    void shouldRejectAnEventBeforeThePresent() {
        EventQueue queue = new EventQueue();
        queue.add(5, 0, 0, null);
        queue.remove();

        assertThatThrownBy(() -> queue.add(4, 0, 0, null)).hasMessageContaining("before the present");
    }
}
