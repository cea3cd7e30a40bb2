package io.sluice.router;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import io.sluice.messaging.AllocationCodec;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Allocations that the verifier accepts. */
final class TestAllocations {
    static final String MODEL = "psalm";

    private TestAllocations() {}

    /** One worker holds everything. */
    static Allocation single(long epoch, String worker, long kvTokens) {
        return new Allocation(
                MODEL,
                epoch,
                1,
                4,
                List.of(new WorkerFlow(new WorkerId(worker), new LayerRange(0, 4), "eu", 10, 10, kvTokens)),
                Stream.of(new EdgeFlow(worker, "sink", 1000, 10), new EdgeFlow("source", worker, 1000, 10))
                        .sorted(Comparator.comparing(EdgeFlow::from))
                        .toList(),
                10,
                10,
                List.of(worker));
    }

    /** Two halves of the layers on two workers each: a and c (region eu) carry 30, b and d (region us) carry 10. */
    static Allocation diamond(long epoch, long kvTokens) {
        return new Allocation(
                MODEL,
                epoch,
                1,
                4,
                List.of(
                        worker("a", 0, 30, "eu", kvTokens),
                        worker("b", 0, 10, "us", kvTokens),
                        worker("c", 2, 30, "eu", kvTokens),
                        worker("d", 2, 10, "us", kvTokens)),
                List.of(
                        new EdgeFlow("a", "c", 1000, 30),
                        new EdgeFlow("a", "d", 1000, 0),
                        new EdgeFlow("b", "c", 1000, 0),
                        new EdgeFlow("b", "d", 1000, 10),
                        new EdgeFlow("c", "sink", 1000, 30),
                        new EdgeFlow("d", "sink", 1000, 10),
                        new EdgeFlow("source", "a", 1000, 30),
                        new EdgeFlow("source", "b", 1000, 10)),
                40,
                40,
                List.of("a", "b"));
    }

    /** No worker at all: valid, and carries nothing. */
    static Allocation empty(long epoch) {
        return new Allocation(MODEL, epoch, 1, 4, List.of(), List.of(), 0, 0, List.of("source"));
    }

    /** Says that more flows through its worker than it can carry. */
    static Allocation invalid(long epoch) {
        Allocation good = single(epoch, "a", 1000);
        return new Allocation(
                MODEL,
                epoch,
                1,
                4,
                List.of(new WorkerFlow(new WorkerId("a"), new LayerRange(0, 4), "eu", 5, 10, 1000)),
                good.edges(),
                10,
                10,
                good.bottleneck());
    }

    static io.sluice.records.Allocation wire(Allocation allocation) {
        return AllocationCodec.encode(allocation, "test", 1, 1);
    }

    private static WorkerFlow worker(String id, int first, double flow, String region, long kvTokens) {
        return new WorkerFlow(new WorkerId(id), new LayerRange(first, first + 2), region, flow, flow, kvTokens);
    }
}
