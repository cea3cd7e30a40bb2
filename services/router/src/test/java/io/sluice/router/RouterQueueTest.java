package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A reservation is 64 tokens here, the least there is. */
class RouterQueueTest {
    private final RouterHarness router = new RouterHarness(
            config -> config.withQueue(3, Duration.ofSeconds(10)).withHighWater(1), 1);

    @AfterEach
    void close() {
        router.close();
    }

    private List<String> assigned() {
        return router.sessions().stream()
                .filter(s -> s.getState() == SessionState.ASSIGNED)
                .map(Session::getRequestId)
                .toList();
    }

    @Test
    void shouldWaitForTheFirstAllocation() {
        router.send(RouterHarness.request("r1"));
        router.send(RouterHarness.request("r2"));
        assertThat(router.gauge("sluice.router.queue.length")).isEqualTo(2);
        router.advance(Duration.ofSeconds(5));
        router.allocate(TestAllocations.empty(1));
        assertThat(assigned()).isEmpty();
        router.allocate(TestAllocations.single(2, "a", 1000));
        assertThat(assigned()).containsExactly("r1", "r2");
        assertThat(router.gauge("sluice.router.queue.length")).isZero();
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldAdmitTheNextAsSoonAsOneEnds() {
        router.allocate(TestAllocations.single(1, "a", 128));
        for (int i = 1; i <= 4; i++) {
            router.send(RouterHarness.request("r" + i));
        }
        assertThat(assigned()).containsExactly("r1", "r2");
        router.finish("r2");
        assertThat(assigned()).containsExactly("r3");
        router.finish("r1");
        assertThat(assigned()).containsExactly("r4");
    }

    @Test
    void shouldRejectWhenTheQueueIsFull() {
        router.allocate(TestAllocations.single(1, "a", 64));
        for (int i = 1; i <= 5; i++) {
            router.send(RouterHarness.request("r" + i));
        }
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.QUEUE_FULL);
            assertThat(e.getRequestId()).isEqualTo("r5");
            assertThat(e.getMessage()).contains("3 requests wait", "--queue 3");
        });
        assertThat(assigned()).containsExactly("r1");
    }

    @Test
    void shouldRejectAtTheDeadlineWithTheObstacle() {
        router.send(RouterHarness.request("default"));
        router.send(RouterHarness.request("own").setDeadlineMs(200L));
        router.advance(Duration.ofMillis(200));
        assertThat(router.errors()).isEmpty();
        router.advance(Duration.ofMillis(50));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.DEADLINE_PASSED);
            assertThat(e.getRequestId()).isEqualTo("own");
            assertThat(e.getMessage()).contains("within 200 ms", "no allocation of model psalm has arrived");
        });
        router.allocate(TestAllocations.single(1, "a", 32));
        router.advance(Duration.ofSeconds(10));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getRequestId()).isEqualTo("default");
            assertThat(e.getMessage()).contains("needs 64 tokens of KV cache");
        });
        assertThat(router.sessions())
                .extracting(Session::getState)
                .containsExactly(SessionState.REJECTED, SessionState.REJECTED);
        router.send(RouterHarness.request("own"));
        assertThat(router.errors()).as("the id is free again").isEmpty();
    }

    @Test
    void shouldRejectWhatArrivesAfterItsDeadline() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("old").setArrivalMs(router.nowMs() - 20_000));
        router.send(RouterHarness.request("ahead").setArrivalMs(router.nowMs() + 1_000_000));
        assertThat(router.errors())
                .extracting(ErrorRecord::getRequestId, ErrorRecord::getReason)
                .containsExactly(tuple("old", ErrorReason.DEADLINE_PASSED));
        assertThat(assigned()).containsExactly("ahead");
    }

    @Test
    void shouldNotLetAMisfitHoldBackTheOthers() {
        router.allocate(TestAllocations.diamond(1, 1000));
        router.send(RouterHarness.request("mars").setAllowedRegions(List.of("mars")));
        router.send(RouterHarness.request("r1"));
        assertThat(assigned()).containsExactly("r1");
        router.advance(Duration.ofSeconds(11));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getRequestId()).isEqualTo("mars");
            assertThat(e.getMessage()).contains("allowed regions [mars]");
        });
    }

    @Test
    void shouldNotLetSmallRequestsStarveALongOne() {
        // Two regions, so that a request of one could overtake one of the other; all wait for cache in order instead.
        router.allocate(TestAllocations.diamond(1, 64));
        router.send(RouterHarness.request("eu1").setAllowedRegions(List.of("eu")));
        router.send(RouterHarness.request("eu2").setAllowedRegions(List.of("eu")));
        router.send(RouterHarness.request("us1").setAllowedRegions(List.of("us")));
        assertThat(assigned()).containsExactly("eu1");
        router.finish("eu1");
        assertThat(assigned()).containsExactly("eu2", "us1");
    }
}
