package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.records.ErrorReason;
import io.sluice.records.Session;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RouterAllocationTest {
    private final RouterHarness router = new RouterHarness();
    private int requests;

    @AfterEach
    void close() {
        router.close();
    }

    /** Worker and epoch that a request gets now. */
    private String routed() {
        router.send(RouterHarness.request("r" + requests++));
        Session session = router.sessions().getFirst();
        return session.getPipeline().isEmpty()
                ? session.getState().toString()
                : session.getPipeline().getFirst().getWorker() + session.getEpoch();
    }

    @Test
    void shouldUseTheNewestEpochOnly() {
        router.allocate(TestAllocations.single(5, "a", 10_000));
        assertThat(routed()).isEqualTo("a5");
        router.allocate(TestAllocations.single(4, "b", 10_000));
        assertThat(routed()).as("an older epoch that comes late").isEqualTo("a5");
        router.allocate(TestAllocations.single(5, "b", 10_000));
        assertThat(routed()).as("the same epoch again").isEqualTo("a5");
        router.allocate(TestAllocations.single(6, "b", 10_000));
        assertThat(routed()).isEqualTo("b6");
        assertThat(router.errors()).isEmpty();
        assertThat(router.gauge("sluice.router.allocation.epoch")).isEqualTo(6);
    }

    @Test
    void shouldKeepTheLastValidOneAndReportAnInvalidOneOnce() {
        router.allocate(TestAllocations.single(1, "a", 10_000));
        router.allocate(TestAllocations.invalid(2));
        for (int i = 0; i < 20; i++) {
            router.advance(Duration.ofMillis(100));
        }
        assertThat(routed()).isEqualTo("a1");
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.INVALID_ALLOCATION);
            assertThat(e.getMessage()).contains("epoch 2", "10.0 of 5.0");
            assertThat(e.getOriginTopic()).isEqualTo(Topics.ALLOCATIONS.name());
            assertThat(e.getOriginOffset()).isEqualTo(1);
        });
        router.allocate(TestAllocations.single(3, "b", 10_000));
        assertThat(routed()).isEqualTo("b3");
    }

    @Test
    void shouldRefuseAllocationsThatAreNone() {
        router.sendRaw(Topics.ALLOCATIONS, RouterHarness.MODEL, new byte[] {9});
        router.advance(Duration.ofMillis(50));
        router.allocate(RouterHarness.MODEL, renamed());
        router.sendRaw(Topics.ALLOCATIONS, RouterHarness.MODEL, null);
        router.sendRaw(Topics.ALLOCATIONS, null, new byte[] {9});
        router.advance(Duration.ofMillis(50));
        assertThat(router.errors())
                .extracting(e -> e.getReason())
                .containsExactly(ErrorReason.MALFORMED_RECORD, ErrorReason.INVALID_ALLOCATION);
    }

    private static io.sluice.core.planning.Allocation renamed() {
        var good = TestAllocations.single(1, "a", 1000);
        return new io.sluice.core.planning.Allocation(
                "hymn", 1, 1, 4, good.workers(), good.edges(), good.maxFlow(), good.bound(), good.bottleneck());
    }

    @Test
    void shouldIgnoreAllocationsOfModelsItDoesNotServe() {
        router.allocate("hymn", renamed());
        router.advance(Duration.ofMillis(50));
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldNotUseAWorkerWhoseTopicDoesNotExist() {
        router.missingTopics.add(new WorkerId("a"));
        router.allocate(TestAllocations.diamond(1, 10_000));
        for (int i = 0; i < 3; i++) {
            assertThat(routed()).isEqualTo("b1");
        }
        router.missingTopics.add(new WorkerId("b"));
        router.send(RouterHarness.request("late"));
        assertThat(router.sessions()).isEmpty();
        router.missingTopics.clear();
        router.advance(Duration.ofMillis(50));
        assertThat(router.sessions()).extracting(Session::getRequestId).isEqualTo(List.of("late"));
    }
}
