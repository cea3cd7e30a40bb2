package io.sluice.core.routing;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * Puts other workers in the place of some stages of a pipeline and leaves the others as they are, so that these keep
 * their KV cache. The layers of a lost stage go to one worker where one serves them all, else to as few as possible;
 * among equals to the least loaded. Stateless.
 */
final class StageReplacement {
    private StageReplacement() {}

    /**
     * @param avoid workers that must not be in the new pipeline
     * @param usable workers that may take a session now
     * @param load how busy a worker is, in any unit; less is better
     * @return empty when some of the layers have nobody; a worker is in a pipeline once only
     */
    static Optional<Pipeline> replace(
            Allocation allocation,
            Pipeline pipeline,
            Set<WorkerId> avoid,
            Predicate<WorkerFlow> usable,
            ToDoubleFunction<WorkerFlow> load) {
        Set<WorkerId> used = new HashSet<>();
        for (Stage stage : pipeline.stages()) {
            if (!avoid.contains(stage.worker())) {
                used.add(stage.worker());
            }
        }
        List<Stage> stages = new ArrayList<>();
        for (Stage stage : pipeline.stages()) {
            if (!avoid.contains(stage.worker())) {
                stages.add(stage);
                continue;
            }
            int layer = stage.layers().first();
            int end = stage.layers().end();
            while (layer < end) {
                int from = layer;
                Optional<WorkerFlow> next = allocation.workers().stream()
                        .filter(worker -> worker.layers().contains(from))
                        .filter(worker -> !avoid.contains(worker.worker()) && !used.contains(worker.worker()))
                        .filter(usable)
                        .min(Comparator.comparingInt((WorkerFlow worker) ->
                                        -Math.min(worker.layers().end(), end))
                                .thenComparingDouble(load)
                                .thenComparing(worker -> worker.worker().value()));
                if (next.isEmpty()) {
                    return Optional.empty();
                }
                WorkerFlow worker = next.get();
                int reach = Math.min(worker.layers().end(), end);
                stages.add(new Stage(worker.worker(), new LayerRange(layer, reach)));
                used.add(worker.worker());
                layer = reach;
            }
        }
        return Optional.of(new Pipeline(stages));
    }
}
