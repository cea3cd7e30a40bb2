package io.sluice.core.routing;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.Arrays;
import java.util.List;

/** Allocations in few words for tests: workers {@code "a:0-4"}, edges {@code "source>a=30"}. */
final class Allocations {
    private Allocations() {}

    static Allocation of(long epoch, int layers, List<String> workers, String... edges) {
        return new Allocation(
                "psalm",
                epoch,
                1,
                layers,
                workers.stream().map(Allocations::worker).toList(),
                Arrays.stream(edges).map(Allocations::edge).toList(),
                0,
                0,
                List.of());
    }

    /** {@code id:first-end[@region][#kvTokens]}. */
    private static WorkerFlow worker(String text) {
        String[] kv = text.split("#");
        String[] region = kv[0].split("@");
        String[] parts = region[0].split(":");
        return new WorkerFlow(
                new WorkerId(parts[0]),
                LayerRange.parse(parts[1]),
                region.length > 1 ? region[1] : "here",
                1000,
                0,
                kv.length > 1 ? Long.parseLong(kv[1]) : 1_000_000);
    }

    private static EdgeFlow edge(String text) {
        String[] parts = text.split("[>=]");
        return new EdgeFlow(parts[0], parts[1], 1000, Double.parseDouble(parts[2]));
    }
}
