package io.sluice.messaging;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.records.EdgeFlow;
import io.sluice.records.WorkerFlow;
import java.util.List;

/**
 * Allocations between wire and domain. Decoding throws {@link IllegalArgumentException} that names field and value;
 * whether the flow is feasible is the verifier's business. Stateless.
 */
public final class AllocationCodec {
    private AllocationCodec() {}

    /**
     * @param reason what made the planner solve again
     * @param solveMicros time of the solver, microseconds
     * @param atMillis when, milliseconds since the Unix epoch
     */
    public static io.sluice.records.Allocation encode(
            Allocation allocation, String reason, long solveMicros, long atMillis) {
        return io.sluice.records.Allocation.newBuilder()
                .setModel(allocation.model())
                .setEpoch(allocation.epoch())
                .setPlacementEpoch(allocation.placementEpoch())
                .setLayerCount(allocation.layerCount())
                .setWorkers(allocation.workers().stream()
                        .map(AllocationCodec::encode)
                        .toList())
                .setEdges(allocation.edges().stream()
                        .map(e -> new EdgeFlow(e.from(), e.to(), e.capacity(), e.flow()))
                        .toList())
                .setMaxFlowTokensPerS(allocation.maxFlow())
                .setBoundTokensPerS(allocation.bound())
                .setBottleneck(allocation.bottleneck())
                .setReason(reason)
                .setSolveUs(solveMicros)
                .setAtMs(atMillis)
                .build();
    }

    public static Allocation decode(io.sluice.records.Allocation record) {
        String what = "allocation of " + record.getModel() + " epoch " + record.getEpoch() + ": ";
        List<Allocation.WorkerFlow> workers =
                record.getWorkers().stream().map(w -> decode(what, w)).toList();
        List<Allocation.EdgeFlow> edges =
                record.getEdges().stream().map(e -> decode(what, e)).toList();
        return new Allocation(
                record.getModel(),
                record.getEpoch(),
                record.getPlacementEpoch(),
                record.getLayerCount(),
                workers,
                edges,
                rate(what, "max_flow_tokens_per_s", record.getMaxFlowTokensPerS()),
                rate(what, "bound_tokens_per_s", record.getBoundTokensPerS()),
                record.getBottleneck());
    }

    private static WorkerFlow encode(Allocation.WorkerFlow flow) {
        return new WorkerFlow(
                flow.worker().value(),
                flow.layers().first(),
                flow.layers().end(),
                flow.region(),
                flow.capacity(),
                flow.flow(),
                flow.kvCapacityTokens());
    }

    private static Allocation.WorkerFlow decode(String what, WorkerFlow flow) {
        String where = what + "worker " + flow.getWorker() + ": ";
        if (flow.getKvCapacityTokens() < 0) {
            throw new IllegalArgumentException(
                    where + "kv_capacity_tokens " + flow.getKvCapacityTokens() + " must not be negative");
        }
        try {
            return new Allocation.WorkerFlow(
                    new WorkerId(flow.getWorker()),
                    StageCodec.layers(flow.getFirstLayer(), flow.getEndLayer()),
                    flow.getRegion(),
                    rate(where, "capacity_tokens_per_s", flow.getCapacityTokensPerS()),
                    rate(where, "flow_tokens_per_s", flow.getFlowTokensPerS()),
                    flow.getKvCapacityTokens());
        } catch (IllegalArgumentException e) {
            throw e.getMessage().startsWith(where) ? e : new IllegalArgumentException(where + e.getMessage(), e);
        }
    }

    private static Allocation.EdgeFlow decode(String what, EdgeFlow edge) {
        String where = what + "edge " + edge.getFrom() + ">" + edge.getTo() + ": ";
        return new Allocation.EdgeFlow(
                edge.getFrom(),
                edge.getTo(),
                rate(where, "capacity_tokens_per_s", edge.getCapacityTokensPerS()),
                rate(where, "flow_tokens_per_s", edge.getFlowTokensPerS()));
    }

    private static double rate(String where, String field, double value) {
        if (!Double.isFinite(value) || value < 0) {
            throw new IllegalArgumentException(where + field + " " + value + " must be finite and not negative");
        }
        return value;
    }
}
