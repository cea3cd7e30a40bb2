package io.sluice.planner;

import io.sluice.core.sharing.LimitPlanner;
import io.sluice.core.sharing.LimitPolicy;
import io.sluice.core.sharing.LimitState;
import io.sluice.core.sharing.SliceBounds;
import io.sluice.records.WorkerStatus;
import java.util.Objects;

/**
 * What the job keeps of one worker to limit its best-effort work. Immutable.
 *
 * @param state of the planner of limits
 * @param device as announced
 * @param layerNanos announced time of a decode step through one layer; 0: not announced
 */
record WorkerLimits(LimitState state, String device, double layerNanos) {
    private static final double NANOS_PER_MICRO = 1_000;

    WorkerLimits {
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(device, "device");
    }

    /** Of a worker of which nothing is known, as the first version of a value that Flink may want. */
    static WorkerLimits unknown() {
        LimitPlanner planner = planner(SharingPolicy.DEFAULT, "", 0);
        return new WorkerLimits(planner.announced(null, 0), "", 0);
    }

    WorkerLimits with(LimitState newState) {
        return new WorkerLimits(newState, device, layerNanos);
    }

    /** Its planner; cheap to make. */
    LimitPlanner planner(SharingPolicy sharing) {
        return planner(sharing, device, layerNanos);
    }

    /** After a worker has announced itself; {@code before} may be null. */
    static WorkerLimits announced(WorkerLimits before, WorkerStatus status, SharingPolicy sharing) {
        double micros = status.getBatchUs() + status.getDecodeUsPerToken();
        // A spare announces the cost of one layer.
        int layers = Math.max(1, status.getEndLayer() - status.getFirstLayer());
        double layerNanos = micros > 0 && micros < Double.MAX_VALUE ? micros / layers * NANOS_PER_MICRO : 0;
        String device = PlannerCodec.name(status.getDevice(), "device");
        LimitPlanner planner = planner(sharing, device, layerNanos);
        LimitState state = planner.announced(before == null ? null : before.state(), status.getIncarnation());
        return new WorkerLimits(state, device, layerNanos);
    }

    private static LimitPlanner planner(SharingPolicy sharing, String device, double layerNanos) {
        return new LimitPlanner(LimitPolicy.live(
                sharing.slowdown(), sharing.target(), sharing.lease().toNanos(), SliceBounds.of(device, layerNanos)));
    }
}
