package io.sluice.core.routing;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import io.sluice.core.recovery.RecoveryCosts;
import java.util.HashMap;
import java.util.Map;

/**
 * What recomputing costs by an allocation: a worker's capacity is tokens per second over all layers it holds, so fewer
 * layers take their part of that time; inputs come over the best link into the worker. Immutable.
 */
public final class AllocationCosts implements RecoveryCosts {
    private final Map<WorkerId, WorkerFlow> workers = new HashMap<>();
    private final Map<String, Double> linkTokensPerSecond = new HashMap<>();

    public AllocationCosts(Allocation allocation) {
        allocation.workers().forEach(worker -> workers.put(worker.worker(), worker));
        for (EdgeFlow edge : allocation.edges()) {
            if (!edge.from().equals(Allocation.SOURCE)) {
                linkTokensPerSecond.merge(edge.to(), edge.capacity(), Math::max);
            }
        }
    }

    @Override
    public double computeSeconds(Stage stage, int tokens) {
        WorkerFlow worker = workers.get(stage.worker());
        if (worker == null || !(worker.capacity() > 0)) {
            return 0;
        }
        double part = (double) stage.layers().size() / worker.layers().size();
        return tokens * part / worker.capacity();
    }

    @Override
    public double transferSeconds(WorkerId to, int tokens) {
        double tokensPerSecond = linkTokensPerSecond.getOrDefault(to.value(), 0.0);
        return tokensPerSecond > 0 ? tokens / tokensPerSecond : 0;
    }
}
