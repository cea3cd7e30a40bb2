package io.sluice.planner;

import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.live.LiveObjective;
import io.sluice.core.planning.live.PlacementPolicy;
import java.nio.ByteBuffer;

/** The numbers of two policies as bytes, to travel with the job graph. Stateless. */
final class PolicyBytes {
    private static final int NUMBERS = 22;

    private PolicyBytes() {}

    static byte[] of(PlacementPolicy p, PlannerPolicy m) {
        return ByteBuffer.allocate(NUMBERS * Long.BYTES)
                .putLong(p.objective().ordinal())
                .putDouble(p.threshold())
                .putDouble(p.floorShare())
                .putLong(p.minIntervalMillis())
                .putLong(p.settleMillis())
                .putDouble(p.driftThreshold())
                .putLong(p.driftMillis())
                .putLong(p.stableMixMillis())
                .putLong(p.uncoveredMillis())
                .putLong(p.stallMillis())
                .putLong(p.tickMillis())
                .putDouble(p.searchSeconds())
                .putDouble(p.horizonSeconds())
                .putDouble(p.layerLoadSeconds())
                .putDouble(p.drainSeconds())
                .putLong(p.steadyMillis())
                .putLong(m.leaseMillis())
                .putLong(m.futureMillis())
                .putDouble(m.threshold())
                .putLong(m.minIntervalMillis())
                .putLong(m.tickMillis())
                .putLong(m.settleMillis())
                .array();
    }

    static PlacementPolicy placement(byte[] bytes) {
        return placement(ByteBuffer.wrap(bytes));
    }

    private static PlacementPolicy placement(ByteBuffer in) {
        return new PlacementPolicy(
                LiveObjective.values()[(int) in.getLong()],
                in.getDouble(),
                in.getDouble(),
                in.getLong(),
                in.getLong(),
                in.getDouble(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getDouble(),
                in.getDouble(),
                in.getDouble(),
                in.getDouble(),
                in.getLong());
    }

    static PlannerPolicy members(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        placement(in);
        return new PlannerPolicy(in.getLong(), in.getLong(), in.getDouble(), in.getLong(), in.getLong(), in.getLong());
    }
}
