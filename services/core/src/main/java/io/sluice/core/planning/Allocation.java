package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.List;
import java.util.Objects;

/**
 * An epoch-stamped flow solution: how many tokens per second each worker and each edge carries. Immutable.
 *
 * @param model served model
 * @param epoch grows with every allocation of the model, from 1
 * @param placementEpoch placement it belongs to
 * @param layerCount layers of the model
 * @param workers ordered by first layer, then worker id
 * @param edges ordered by from, then to
 * @param maxFlow value of the flow, tokens/s
 * @param bound capacity of the minimum cut, tokens/s
 * @param bottleneck workers and edges ({@code from>to}) of the minimum cut
 */
public record Allocation(
        String model,
        long epoch,
        long placementEpoch,
        int layerCount,
        List<WorkerFlow> workers,
        List<EdgeFlow> edges,
        double maxFlow,
        double bound,
        List<String> bottleneck) {

    /** Name of the graph's source in {@link EdgeFlow#from}. */
    public static final String SOURCE = "source";
    /** Name of the graph's sink in {@link EdgeFlow#to}. */
    public static final String SINK = "sink";

    public Allocation {
        Objects.requireNonNull(model, "model");
        workers = List.copyOf(workers);
        edges = List.copyOf(edges);
        bottleneck = List.copyOf(bottleneck);
        if (epoch < 1 || layerCount < 1) {
            throw new IllegalArgumentException("allocation of " + model + ": epoch " + epoch + " and layer count "
                    + layerCount + " must be at least 1");
        }
    }

    /**
     * Flow through one worker.
     *
     * @param capacity estimated capacity, tokens/s
     * @param flow flow, tokens/s, in [0, capacity]
     * @param kvCapacityTokens KV cache capacity over the layers held, tokens
     */
    public record WorkerFlow(
            WorkerId worker, LayerRange layers, String region, double capacity, double flow, long kvCapacityTokens) {
        public WorkerFlow {
            Objects.requireNonNull(worker, "worker");
            Objects.requireNonNull(layers, "layers");
            Objects.requireNonNull(region, "region");
        }
    }

    /**
     * Flow over one edge; {@code from} is a worker id or {@link #SOURCE}, {@code to} a worker id or {@link #SINK}.
     *
     * @param capacity tokens/s
     * @param flow tokens/s, in [0, capacity]
     */
    public record EdgeFlow(String from, String to, double capacity, double flow) {
        public EdgeFlow {
            Objects.requireNonNull(from, "from");
            Objects.requireNonNull(to, "to");
        }
    }
}
