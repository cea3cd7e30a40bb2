package io.sluice.core.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class EventHeapTest {
    private record Event(long key, long number) {}

    @Test
    void shouldGiveEventsByKeyThenByOrderOfAddingWhileOthersAreAdded() {
        for (int seed = 0; seed < 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            EventHeap heap = new EventHeap();
            List<Event> there = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                long key = random.nextInt(-50, 50);
                heap.add(key, i, "p" + i);
                there.add(new Event(key, i));
                if (random.nextInt(3) == 0) {
                    Event first = there.stream()
                            .min(Comparator.comparingLong(Event::key).thenComparingLong(Event::number))
                            .orElseThrow();
                    there.remove(first);
                    assertThat(heap.nextKey()).isEqualTo(first.key());
                    heap.remove();
                    assertThat(heap.key()).isEqualTo(first.key());
                    assertThat(heap.label()).isEqualTo(first.number());
                    assertThat(heap.payload()).isEqualTo("p" + first.number());
                }
            }
            assertThat(heap.added()).isEqualTo(2_000);
        }
    }

    @Test
    void shouldSayThatItIsEmpty() {
        EventHeap heap = new EventHeap();
        assertThat(heap.isEmpty()).isTrue();
        assertThat(heap.nextKey()).isEqualTo(Long.MAX_VALUE);
        assertThatThrownBy(heap::remove).hasMessageContaining("no event");
    }
}
