package io.sluice.messaging;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition;
import io.sluice.records.Placement;
import io.sluice.records.TransitionStep;
import java.util.Optional;

/**
 * Placements between wire and domain. Decoding throws {@link IllegalArgumentException} that names field and value.
 * Stateless.
 */
public final class PlacementCodec {
    private PlacementCodec() {}

    /**
     * Stages that are their own target.
     *
     * @param method how the placement was made, for people
     * @param atMillis when, milliseconds since the Unix epoch
     */
    public static Placement encode(PlacementPlan plan, String method, long atMillis) {
        return encode(PublishedPlacement.of(plan, method), atMillis);
    }

    /** @param atMillis when, milliseconds since the Unix epoch */
    public static Placement encode(PublishedPlacement placement, long atMillis) {
        PlacementPlan plan = placement.plan();
        Transition transition = placement.transition();
        return Placement.newBuilder()
                .setModel(plan.model())
                .setEpoch(plan.epoch())
                .setLayerCount(plan.layerCount())
                .setHiddenSize(plan.hiddenSize())
                .setActivationBytes(plan.activationBytes())
                .setStages(StageCodec.encode(plan.stages()))
                .setMethod(placement.method())
                .setAtMs(atMillis)
                .setTarget(StageCodec.encode(transition.target()))
                .setSteps(
                        transition.steps().stream().map(PlacementCodec::encode).toList())
                .setFloorTokensPerS(transition.floorTokensPerSecond())
                .setReason(placement.reason())
                .build();
    }

    private static TransitionStep encode(Transition.Step step) {
        return new TransitionStep(
                step.phase(),
                step.worker().value(),
                step.layers().map(LayerRange::first).orElse(0),
                step.layers().map(LayerRange::end).orElse(0),
                step.flowTokensPerSecond());
    }

    /** The stages that hold from now on. */
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
            throw unreadable(record, e);
        }
    }

    /** The stages that hold from now on, and where they lead. */
    public static PublishedPlacement decodePublished(Placement record) {
        PlacementPlan plan = decode(record);
        try {
            Transition transition = new Transition(
                    StageCodec.decode(record.getTarget()),
                    record.getSteps().stream().map(PlacementCodec::decode).toList(),
                    record.getFloorTokensPerS());
            return new PublishedPlacement(plan, transition, record.getMethod(), record.getReason());
        } catch (IllegalArgumentException e) {
            throw unreadable(record, e);
        }
    }

    private static Transition.Step decode(TransitionStep step) {
        boolean none = step.getFirstLayer() == step.getEndLayer();
        return new Transition.Step(
                step.getPhase(),
                new WorkerId(step.getWorker()),
                none ? Optional.empty() : Optional.of(StageCodec.layers(step.getFirstLayer(), step.getEndLayer())),
                step.getFlowTokensPerS());
    }

    private static IllegalArgumentException unreadable(Placement record, IllegalArgumentException e) {
        return new IllegalArgumentException(
                "placement of " + record.getModel() + " epoch " + record.getEpoch() + ": " + e.getMessage(), e);
    }
}
