package io.sluice.clusters;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.List;
import java.util.Objects;

/**
 * A placement as a file. Immutable.
 *
 * @param method how it was made
 * @param stages in any order; a worker is named once
 */
public record PlacementFile(String cluster, String model, String method, List<PlacedStage> stages) {
    public PlacementFile {
        Objects.requireNonNull(cluster, "cluster");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(method, "method");
        stages = List.copyOf(stages);
    }

    /**
     * A layer range on a worker.
     *
     * @param group stages of different groups are never in one pipeline (independent sub-clusters); empty: one group
     * @param kvTokensPerLayer KV cache where the profile's does not hold, tokens in every layer; 0: the profile's
     */
    public record PlacedStage(WorkerId worker, LayerRange layers, String group, long kvTokensPerLayer) {
        public PlacedStage {
            Objects.requireNonNull(worker, "worker");
            Objects.requireNonNull(layers, "layers");
            Objects.requireNonNull(group, "group");
            if (kvTokensPerLayer < 0) {
                throw new IllegalArgumentException(
                        "worker " + worker + ": KV cache of " + kvTokensPerLayer + " tokens must not be negative");
            }
        }
    }
}
