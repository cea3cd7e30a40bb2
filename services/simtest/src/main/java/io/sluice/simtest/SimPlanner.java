package io.sluice.simtest;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerEvent;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PlannerState;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** The planner of flows around the core: members and telemetry in, allocations out. */
final class SimPlanner extends Actor {
    private static final PlannerPolicy POLICY = new PlannerPolicy(3_000, 60_000, 0.15, 300, 400, 50);

    private final PlacementPlan placement;
    private final FlowPlanner planner = new FlowPlanner(new CheapestPaths(), POLICY);
    private PlannerState state;
    private Reader<MemberStatus> statuses;
    private Reader<DeviceSample> telemetry;
    private Sender<Allocation> out;
    private long tickAtMicros;

    SimPlanner(World world, PlacementPlan placement, long skew, double drift) {
        super(world, "planner", skew, drift);
        this.placement = placement;
    }

    /** Starts after the newest epoch there is; members come from the compacted topic. */
    void start() {
        born();
        long epoch = 0;
        for (long at = world.allocations.start(); at < world.allocations.end(); at++) {
            epoch = Math.max(epoch, world.allocations.get(at).epoch());
        }
        state = new PlannerState(World.MODEL, epoch);
        out = new Sender<>(this, world.allocations, true, SimWorker.DELIVERY_MICROS);
        tickAtMicros = Long.MAX_VALUE;
        Map<WorkerId, MemberStatus> newest = new TreeMap<>();
        for (long at = world.statuses.start(); at < world.statuses.end(); at++) {
            newest.put(world.statuses.get(at).worker(), world.statuses.get(at));
        }
        take(new PlannerCommand.Place(placement));
        newest.values().forEach(status -> take(new PlannerCommand.Announce(status)));
        statuses = new Reader<>(
                this, world.statuses, world.statuses.end(), (offset, s) -> take(new PlannerCommand.Announce(s)));
        telemetry = new Reader<>(
                this, world.telemetry, world.telemetry.end(), (offset, s) -> take(new PlannerCommand.MeasureDevice(s)));
    }

    void kill() {
        died();
        statuses.close();
        telemetry.close();
    }

    private void take(PlannerCommand command) {
        long now = clockMillis();
        for (PlannerEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            if (event instanceof PlannerEvent.Published published) {
                world.judge().published(published.allocation());
                out.send(published.allocation(), null);
                world.trace(
                        null,
                        () -> "planner publishes epoch "
                                + published.allocation().epoch() + ": " + published.reason());
            } else if (event instanceof PlannerEvent.Unsound unsound) {
                world.judge()
                        .violation(
                                "4 sound allocations",
                                null,
                                unsound.violations().getFirst());
            }
        }
        OptionalLong next = planner.nextTick(state, now);
        if (next.isPresent()) {
            long at = world.nowMicros() + 1_000 * Math.max(1, next.getAsLong() - now);
            if (at < tickAtMicros || tickAtMicros <= world.nowMicros()) {
                tickAtMicros = at;
                after(at - world.nowMicros(), this::tick);
            }
        }
    }

    private void tick() {
        if (world.nowMicros() >= tickAtMicros) {
            tickAtMicros = Long.MAX_VALUE;
            take(new PlannerCommand.Tick(World.MODEL));
        }
    }

    @Override
    void check() {
        // Allocations are judged as they are published.
    }
}
