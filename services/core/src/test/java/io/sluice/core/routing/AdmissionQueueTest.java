package io.sluice.core.routing;

import static io.sluice.core.ServiceClass.BEST_EFFORT;
import static io.sluice.core.ServiceClass.LATENCY_CRITICAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdmissionQueueTest {

    @Test
    void shouldKeepTheOrderOfArrivalAndItsBound() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(2);
        assertThat(queue.offer(new SessionId("b"), LATENCY_CRITICAL, 100, "b")).isTrue();
        assertThat(queue.offer(new SessionId("a"), LATENCY_CRITICAL, 100, "a")).isTrue();
        assertThat(queue.offer(new SessionId("c"), LATENCY_CRITICAL, 100, "c")).isFalse();
        List<String> seen = new ArrayList<>();
        queue.drain(item -> {
            seen.add(item);
            return item.equals("b");
        });
        assertThat(seen).containsExactly("b", "a");
        assertThat(queue.size()).isEqualTo(1);
        assertThat(queue.contains(new SessionId("b"))).isFalse();
        assertThat(queue.takeExpired(1000, 10)).containsExactly("a");
    }

    @Test
    void shouldGiveUpExactlyWhatHasPassedItsDeadlineAndNoMoreThanAsked() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(10);
        queue.offer(new SessionId("late"), LATENCY_CRITICAL, 300, "late");
        queue.offer(new SessionId("soon"), LATENCY_CRITICAL, 100, "soon");
        queue.offer(new SessionId("next"), LATENCY_CRITICAL, 200, "next");
        assertThat(queue.takeExpired(100, 10))
                .as("a deadline is the last good instant")
                .isEmpty();
        assertThat(queue.takeExpired(250, 1)).containsExactly("soon");
        assertThat(queue.takeExpired(250, 10)).containsExactly("next");
        assertThat(queue.size()).isEqualTo(1);
    }

    @Test
    void shouldRemoveOneOnce() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(2);
        queue.offer(new SessionId("a"), LATENCY_CRITICAL, 100, "a");
        queue.offer(new SessionId("b"), LATENCY_CRITICAL, 100, "b");
        assertThat(queue.remove(new SessionId("a"))).contains("a");
        assertThat(queue.remove(new SessionId("a"))).isEmpty();
        assertThat(queue.takeExpired(1000, 10)).containsExactly("b");
    }

    @Test
    void shouldRestoreBeyondItsBound() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(1);
        queue.restore(new SessionId("a"), LATENCY_CRITICAL, 1, "a");
        queue.restore(new SessionId("b"), LATENCY_CRITICAL, 1, "b");
        assertThat(queue.isFull(LATENCY_CRITICAL)).isTrue();
        assertThatThrownBy(() -> queue.restore(new SessionId("a"), LATENCY_CRITICAL, 1, "a"))
                .hasMessageContaining("waits already");
        assertThatThrownBy(() -> new AdmissionQueue<String>(0)).hasMessageContaining("queue limit 0");
    }

    @Test
    void shouldOfferLatencyCriticalRequestsFirstAndBoundEachClassByItself() {
        AdmissionQueue<String> queue = new AdmissionQueue<>(2);
        queue.offer(new SessionId("b1"), BEST_EFFORT, Long.MAX_VALUE, "b1");
        queue.offer(new SessionId("b2"), BEST_EFFORT, Long.MAX_VALUE, "b2");
        assertThat(queue.offer(new SessionId("b3"), BEST_EFFORT, Long.MAX_VALUE, "b3"))
                .isFalse();
        assertThat(queue.offer(new SessionId("i1"), LATENCY_CRITICAL, 100, "i1"))
                .as("batches do not fill the line of interactive requests")
                .isTrue();
        List<String> seen = new ArrayList<>();
        queue.drain(item -> {
            seen.add(item);
            return false;
        });
        assertThat(seen).containsExactly("i1", "b1", "b2");
        assertThat(queue.takeExpired(1_000_000, 10)).containsExactly("i1");
        assertThat(queue.size(BEST_EFFORT)).isEqualTo(2);
    }
}
