package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Which worker holds which layers of a model. Immutable; stages are ordered by first layer, then worker.
 *
 * <p>A plan may leave layers uncovered (a hand-written one can): {@link #uncoveredLayers()} names them.
 *
 * @param model served model
 * @param epoch grows with every placement of the model, from 1
 * @param layerCount layers of the model
 * @param hiddenSize hidden size, elements
 * @param activationBytes bytes per hidden element between stages, 1 to 8
 * @param stages at most one per worker
 */
public record PlacementPlan(
        String model, long epoch, int layerCount, int hiddenSize, int activationBytes, List<Stage> stages) {

    /** Bounds that keep one absurd record from taking the planner's memory. */
    private static final int MAX_LAYERS = 10_000;

    private static final int MAX_STAGES = 4_096;
    private static final Set<String> RESERVED = Set.of(Allocation.SOURCE, Allocation.SINK, "router");
    static final Comparator<Stage> ORDER =
            Comparator.comparing((Stage s) -> s.layers().first()).thenComparing(Stage::worker);

    public PlacementPlan {
        Objects.requireNonNull(model, "model");
        if (model.isBlank()) {
            throw new IllegalArgumentException("placement: model must not be blank");
        }
        if (epoch < 1 || layerCount < 1 || hiddenSize < 1 || activationBytes < 1 || activationBytes > 8) {
            throw new IllegalArgumentException("placement of " + model + ": epoch " + epoch + ", layer count "
                    + layerCount + " and hidden size " + hiddenSize
                    + " must be at least 1, and activation bytes " + activationBytes + " must be 1 to 8");
        }
        if (layerCount > MAX_LAYERS || stages.size() > MAX_STAGES) {
            throw new IllegalArgumentException("placement of " + model + ": " + layerCount + " layers on "
                    + stages.size() + " workers is beyond " + MAX_LAYERS + " layers and " + MAX_STAGES + " workers");
        }
        stages = stages.stream().sorted(ORDER).toList();
        Set<WorkerId> seen = new HashSet<>();
        for (Stage stage : stages) {
            if (stage.layers().end() > layerCount) {
                throw new IllegalArgumentException(
                        "placement of " + model + ": " + stage + " ends beyond the model's " + layerCount + " layers");
            }
            if (RESERVED.contains(stage.worker().value())) {
                throw new IllegalArgumentException("placement of " + model + ": a worker must not be called '"
                        + stage.worker() + "', a name of something else in flow and telemetry");
            }
            if (!seen.add(stage.worker())) {
                throw new IllegalArgumentException("placement of " + model + ": worker " + stage.worker()
                        + " is named twice; a worker holds one layer range");
            }
        }
    }

    /** Bytes one token's activation takes between two stages. */
    public long activationBytesPerToken() {
        return (long) hiddenSize * activationBytes;
    }

    /** The stage of {@code worker}, if the plan names it. */
    public Optional<Stage> stageOf(WorkerId worker) {
        return stages.stream().filter(s -> s.worker().equals(worker)).findFirst();
    }

    /** Layers that no stage holds, as maximal ranges in order; empty when every layer is covered. */
    public List<LayerRange> uncoveredLayers() {
        return uncovered(layerCount, stages.stream().map(Stage::layers).toList());
    }

    /** Maximal ranges of {@code [0, layerCount)} that none of {@code ranges} holds, in order. */
    static List<LayerRange> uncovered(int layerCount, List<LayerRange> ranges) {
        List<LayerRange> gaps = new ArrayList<>();
        int next = 0;
        for (LayerRange range : ranges.stream().sorted().toList()) {
            if (range.first() > next) {
                gaps.add(new LayerRange(next, range.first()));
            }
            next = Math.max(next, range.end());
        }
        if (next < layerCount) {
            gaps.add(new LayerRange(next, layerCount));
        }
        return List.copyOf(gaps);
    }
}
