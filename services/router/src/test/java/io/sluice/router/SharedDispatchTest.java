package io.sluice.router;

import static io.sluice.core.ServiceClass.BEST_EFFORT;
import static io.sluice.core.ServiceClass.LATENCY_CRITICAL;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.slo.Slo;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SharedDispatchTest {
    private final RouterConfig config =
            RouterHarness.config(new SimpleMeterRegistry()).withHighWater(1).withQueue(8, Duration.ofSeconds(1));
    private final SharedDispatch dispatch = new SharedDispatch(config, 4, worker -> true, RouterHarness.members());
    private static final Line LINE = new Line(TestAllocations.MODEL, LATENCY_CRITICAL);
    private int ids;

    private RoutedRequest request() {
        return request(LATENCY_CRITICAL);
    }

    private RoutedRequest request(ServiceClass serviceClass) {
        return new RoutedRequest(
                new SessionId("r" + ids++),
                TestAllocations.MODEL,
                "t",
                new int[] {1},
                4,
                64,
                0,
                0,
                1,
                0,
                false,
                serviceClass,
                1,
                Slo.NONE,
                List.of(),
                0,
                0,
                0);
    }

    private Route route(int partition) {
        return dispatch.route(partition, request(), 0, 0);
    }

    @Test
    void shouldSplitOverAllPartitionsTogether() {
        for (int partition = 0; partition < 4; partition++) {
            dispatch.join(partition);
        }
        dispatch.accept(TestAllocations.diamond(1, 1_000_000));
        Map<String, Integer> used = new HashMap<>();
        for (int i = 0; i < 8; i++) {
            Routed routed = (Routed) route(i % 4);
            used.merge(routed.pipeline().first().worker().value(), 1, Integer::sum);
        }
        assertThat(used)
                .as("30 to 10, although no partition routed more than two")
                .containsExactlyInAnyOrderEntriesOf(Map.of("a", 6, "b", 2));
    }

    @Test
    void shouldUseThePartOfTheCacheThatItsPartitionsAre() {
        dispatch.join(0);
        dispatch.accept(TestAllocations.single(1, "a", 512));
        assertThat(route(0)).isInstanceOf(Routed.class);
        assertThat(route(0)).as("a quarter of 512 is two sessions").isInstanceOf(Routed.class);
        assertThat(route(0)).isInstanceOf(Blocked.class);
        dispatch.join(1);
        assertThat(route(1)).isInstanceOf(Routed.class);
    }

    @Test
    void shouldFreeWhatALostPartitionHeld() {
        dispatch.join(0);
        dispatch.join(1);
        dispatch.accept(TestAllocations.single(1, "a", 128));
        assertThat(route(0)).isInstanceOf(Routed.class);
        assertThat(route(1)).isInstanceOf(Blocked.class);
        dispatch.waiting(0, Map.of(LATENCY_CRITICAL, 3), Map.of(LINE, -1_000L));
        dispatch.leave(0);
        assertThat(dispatch.active()).isZero();
        assertThat(dispatch.queued()).isZero();
        assertThat(route(1)).isInstanceOf(Routed.class);
    }

    @Test
    void shouldNotOvertakeAnotherPartitionsOldRequestByMuch() {
        dispatch.join(0);
        dispatch.join(1);
        dispatch.accept(TestAllocations.single(1, "a", 10_000));
        dispatch.waiting(0, Map.of(LATENCY_CRITICAL, 1), Map.of(LINE, 1_000L));
        assertThat(dispatch.route(1, request(), 1_200, 1_200)).isInstanceOf(Routed.class);
        assertThat(dispatch.route(1, request(), 1_300, 1_300)).isInstanceOf(Blocked.class);
        assertThat(dispatch.route(0, request(), 1_300, 1_300)).isInstanceOf(Routed.class);
        dispatch.waiting(0, Map.of(), Map.of());
        assertThat(dispatch.route(1, request(), 1_300, 1_300)).isInstanceOf(Routed.class);
    }

    @Test
    void shouldBoundTheQueueByItsShareOfThePartitions() {
        dispatch.join(0);
        dispatch.waiting(0, Map.of(LATENCY_CRITICAL, 1), Map.of());
        assertThat(dispatch.mayWait(LATENCY_CRITICAL)).isTrue();
        dispatch.waiting(0, Map.of(LATENCY_CRITICAL, 2), Map.of());
        assertThat(dispatch.mayWait(LATENCY_CRITICAL)).as("a quarter of 8").isFalse();
        dispatch.join(1);
        assertThat(dispatch.mayWait(LATENCY_CRITICAL)).isTrue();
    }

    @Test
    void shouldNotLetABestEffortRequestOvertakeAnInteractiveOneOfAnotherPartition() {
        dispatch.join(0);
        dispatch.join(1);
        dispatch.accept(TestAllocations.single(1, "a", 10_000));
        dispatch.waiting(0, Map.of(LATENCY_CRITICAL, 1), Map.of(LINE, 1_000L));
        assertThat(dispatch.route(1, request(BEST_EFFORT), 1_000, 1_001)).isInstanceOf(Blocked.class);
        dispatch.waiting(0, Map.of(BEST_EFFORT, 1), Map.of(new Line(TestAllocations.MODEL, BEST_EFFORT), 1_000L));
        assertThat(dispatch.route(1, request(LATENCY_CRITICAL), 9_000, 9_000)).isInstanceOf(Routed.class);
        assertThat(dispatch.route(1, request(BEST_EFFORT), 9_000, 9_000)).isInstanceOf(Blocked.class);
        assertThat(dispatch.queued(BEST_EFFORT)).isEqualTo(1);
        assertThat(dispatch.queued(LATENCY_CRITICAL)).isZero();
    }
}
