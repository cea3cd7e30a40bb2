package io.sluice.core.planning.live;

import java.util.Objects;
import java.util.function.Consumer;

/**
 * When the placement planner acts. Immutable.
 *
 * @param objective what layouts are searched and compared by; the floor is one of flow in any case
 * @param threshold relative gain by that objective that a move must bring at least, for example 0.15
 * @param floorShare part of the present flow that a transition keeps, 0 to 1
 * @param minIntervalMillis least time between two decisions, unless a layer is uncovered; four times that between two
 *     searches of the same workers at about the same speeds and demand
 * @param settleMillis wait after an event, so that events that come together are one
 * @param driftThreshold relative move of a worker's speed, or absolute move of the share of prompt tokens, that counts
 * @param driftMillis for how long it must have moved
 * @param stableMixMillis for how long, counting time with traffic only, the demand must have stayed before it counts
 * @param uncoveredMillis for how long a layer must be uncovered before that alone is an event
 * @param stallMillis a step not carried out for so long is given up
 * @param tickMillis how often things are looked at
 * @param searchSeconds most time of a search
 * @param horizonSeconds time within which the gain of a move must have brought in what the move costs ({@link MoveCost})
 * @param layerLoadSeconds time to load one layer, as the cost of a move counts it
 * @param drainSeconds time until the sessions on layers given up have ended, as the cost of a move counts it
 * @param steadyMillis half-life of the penalty for going ({@link Steadiness}); 0: coming and going is not damped
 */
public record PlacementPolicy(
        LiveObjective objective,
        double threshold,
        double floorShare,
        long minIntervalMillis,
        long settleMillis,
        double driftThreshold,
        long driftMillis,
        long stableMixMillis,
        long uncoveredMillis,
        long stallMillis,
        long tickMillis,
        double searchSeconds,
        double horizonSeconds,
        double layerLoadSeconds,
        double drainSeconds,
        long steadyMillis) {
    /**
     * Predicted serving, gain 15 %, floor 80 %, a decision every 30 s at most, drift of a quarter for 10 s, of demand for
     * 30 s, searches of 2 s, moves that pay back within 10 minutes, workers that come and go damped by 2 minutes.
     */
    public static final PlacementPolicy DEFAULT = new PlacementPolicy(
            LiveObjective.SERVING,
            0.15,
            0.8,
            30_000,
            500,
            0.25,
            10_000,
            30_000,
            10_000,
            120_000,
            250,
            2,
            600,
            1,
            10,
            120_000);

    /** Least time between two searches of the same situation, in least times between two decisions. */
    private static final int REPEAT_INTERVALS = 4;

    public PlacementPolicy {
        Objects.requireNonNull(objective, "objective");
        if (!(threshold >= 0) || threshold > 10) {
            throw new IllegalArgumentException(
                    "placement threshold " + threshold + " must be 0 to 10 (1: twice as much)");
        }
        if (!(floorShare >= 0) || floorShare > 1) {
            throw new IllegalArgumentException("placement floor " + floorShare + " must be a share of 0 to 1");
        }
        if (!(searchSeconds > 0) || searchSeconds > 3_600) {
            throw new IllegalArgumentException(
                    "placement time limit of " + searchSeconds + " s must be more than 0 and at most an hour");
        }
        if (minIntervalMillis < 0
                || settleMillis < 0
                || driftMillis < 0
                || stableMixMillis < 0
                || uncoveredMillis < 0
                || steadyMillis < 0
                || stallMillis < 1
                || tickMillis < 1) {
            throw new IllegalArgumentException("placement policy: least interval " + minIntervalMillis
                    + " ms, settling time " + settleMillis + " ms, drift time " + driftMillis + " ms, stable time "
                    + stableMixMillis
                    + " ms and uncovered time "
                    + uncoveredMillis + " ms and half-life " + steadyMillis + " ms must not be negative, stall "
                    + stallMillis + " ms and tick " + tickMillis
                    + " ms be positive");
        }
        if (!(driftThreshold > 0) || !(horizonSeconds > 0) || !(layerLoadSeconds >= 0) || !(drainSeconds >= 0)) {
            throw new IllegalArgumentException("placement policy: drift " + driftThreshold + " and horizon "
                    + horizonSeconds + " s must be positive, load time " + layerLoadSeconds + " s and drain time "
                    + drainSeconds + " s not negative");
        }
    }

    /** Least time between two searches of the same situation. */
    long repeatMillis() {
        return REPEAT_INTERVALS * minIntervalMillis;
    }

    /** The same policy with what people set. */
    public PlacementPolicy with(double gainThreshold, double floor, double timeLimitSeconds) {
        return changed(c -> {
            c.threshold = gainThreshold;
            c.floorShare = floor;
            c.searchSeconds = timeLimitSeconds;
        });
    }

    /** The same policy with another objective. */
    public PlacementPolicy withObjective(LiveObjective other) {
        return changed(c -> c.objective = other);
    }

    /** The same policy, in which a change of speed or demand must have lasted for so long. */
    public PlacementPolicy withDriftMillis(long millis) {
        return changed(c -> c.driftMillis = millis);
    }

    /** The same policy with another least time between two decisions. */
    public PlacementPolicy withMinIntervalMillis(long millis) {
        return changed(c -> c.minIntervalMillis = millis);
    }

    /** The same policy, in which a move must pay back within so long. */
    public PlacementPolicy withHorizonSeconds(double seconds) {
        return changed(c -> c.horizonSeconds = seconds);
    }

    /** The same policy with another half-life of the penalty for workers that go; 0: none is held still. */
    public PlacementPolicy withSteadyMillis(long millis) {
        return changed(c -> c.steadyMillis = millis);
    }

    private PlacementPolicy changed(Consumer<Changes> change) {
        Changes changes = new Changes(this);
        change.accept(changes);
        return changes.policy(this);
    }

    /** What differs from another policy. */
    private static final class Changes {
        private LiveObjective objective;
        private double threshold;
        private double floorShare;
        private long minIntervalMillis;
        private long driftMillis;
        private double searchSeconds;
        private double horizonSeconds;
        private long steadyMillis;

        Changes(PlacementPolicy p) {
            objective = p.objective;
            threshold = p.threshold;
            floorShare = p.floorShare;
            minIntervalMillis = p.minIntervalMillis;
            driftMillis = p.driftMillis;
            searchSeconds = p.searchSeconds;
            horizonSeconds = p.horizonSeconds;
            steadyMillis = p.steadyMillis;
        }

        PlacementPolicy policy(PlacementPolicy p) {
            return new PlacementPolicy(
                    objective,
                    threshold,
                    floorShare,
                    minIntervalMillis,
                    p.settleMillis,
                    p.driftThreshold,
                    driftMillis,
                    p.stableMixMillis,
                    p.uncoveredMillis,
                    p.stallMillis,
                    p.tickMillis,
                    searchSeconds,
                    horizonSeconds,
                    p.layerLoadSeconds,
                    p.drainSeconds,
                    steadyMillis);
        }
    }
}
