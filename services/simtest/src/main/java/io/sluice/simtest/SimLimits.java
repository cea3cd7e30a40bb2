package io.sluice.simtest;

import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Publishes what best-effort work may use of each worker, one short lease after the other: everything or, now and then,
 * nothing; at times no limits come for longer than a lease. Once faults are over everything is allowed.
 */
final class SimLimits extends Actor {
    private static final long EVERY_MICROS = 500_000;
    private static final long LEASE_MILLIS = 2_000;
    /** By more than any clock is wrong: everything must come to an end. */
    private static final long QUIET_LEASE_MILLIS = 60_000;

    private static final int SILENT_ONE_IN = 25;
    private static final long MOST_SILENT_MICROS = 8_000_000;
    private static final int NOTHING_ONE_IN = 4;

    private final Map<WorkerId, Long> incarnations = new TreeMap<>();
    private Sender<Wire.Limits> out;
    private long silentUntilMicros;
    private long epoch;

    SimLimits(World world, long skew, double drift) {
        super(world, "limits", skew, drift);
    }

    void start() {
        born();
        out = new Sender<>(this, world.limits, true, SimWorker.DELIVERY_MICROS);
        new Reader<>(
                this,
                world.statuses,
                0,
                (offset, status) -> incarnations.merge(status.worker(), status.incarnation(), Math::max));
        every(EVERY_MICROS, this::publish);
    }

    private void publish() {
        SplittableRandom random = world.sharing();
        boolean over = world.faults().isOver();
        if (!over && world.nowMicros() >= silentUntilMicros && random.nextInt(SILENT_ONE_IN) == 0) {
            silentUntilMicros = world.nowMicros() + random.nextLong(MOST_SILENT_MICROS);
            world.faults().count(FaultKind.LIMITS_STOP);
        }
        if (!over && world.nowMicros() < silentUntilMicros) {
            return;
        }
        List<Wire.Limit> limits = new ArrayList<>();
        incarnations.forEach((worker, incarnation) -> {
            boolean nothing = !over && random.nextInt(NOTHING_ONE_IN) == 0;
            limits.add(new Wire.Limit(worker, incarnation, nothing ? 0 : 1));
        });
        long now = clockMillis();
        out.send(
                new Wire.Limits(++epoch, List.copyOf(limits), now, now + (over ? QUIET_LEASE_MILLIS : LEASE_MILLIS)),
                null);
    }

    @Override
    void check() {
        // Limits are judged by what workers do under them.
    }
}
