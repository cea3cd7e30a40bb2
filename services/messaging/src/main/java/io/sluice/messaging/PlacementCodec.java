package io.sluice.messaging;

import io.sluice.core.planning.PlacementPlan;
import io.sluice.records.Placement;

/**
 * Placements between wire and domain. Decoding throws {@link IllegalArgumentException} that names field and value.
 * Stateless.
 */
public final class PlacementCodec {
    private PlacementCodec() {}

    /**
     * @param method how the placement was made, for people
     * @param atMillis when, milliseconds since the Unix epoch
     */
    public static Placement encode(PlacementPlan plan, String method, long atMillis) {
        return Placement.newBuilder()
                .setModel(plan.model())
                .setEpoch(plan.epoch())
                .setLayerCount(plan.layerCount())
                .setHiddenSize(plan.hiddenSize())
                .setActivationBytes(plan.activationBytes())
                .setStages(StageCodec.encode(plan.stages()))
                .setMethod(method)
                .setAtMs(atMillis)
                .build();
    }

    public static PlacementPlan decode(Placement record) {
        try {
            return new PlacementPlan(
                    record.getModel(),
                    record.getEpoch(),
                    record.getLayerCount(),
                    record.getHiddenSize(),
                    record.getActivationBytes(),
                    StageCodec.decode(record.getStages()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "placement of " + record.getModel() + " epoch " + record.getEpoch() + ": " + e.getMessage(), e);
        }
    }
}
