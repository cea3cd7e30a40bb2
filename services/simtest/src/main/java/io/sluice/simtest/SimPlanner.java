package io.sluice.simtest;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.membership.MemberView;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.CheapestPaths;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerEvent;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PlannerState;
import io.sluice.core.planning.Presence;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** The planner of flows around the core: members and telemetry in, allocations out. */
final class SimPlanner extends Actor {
    private static final long ATTEND_MICROS = 100_000;
    private static final PlannerPolicy POLICY = new PlannerPolicy(3_000, 60_000, 0.15, 300, 400, 50);

    private final PlacementPlan placement;
    private final FlowPlanner planner = new FlowPlanner(new CheapestPaths(), POLICY);
    private PlannerState state;
    private Reader<MemberStatus> statuses;
    private Reader<DeviceSample> telemetry;
    private Reader<Beat> beats;
    private LeaseTable leases;
    private final Map<WorkerId, Presence> told = new TreeMap<>();
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
        leases = new LeaseTable(SimWorker.LEASE_MILLIS, clockMillis());
        told.clear();
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
        beats = new Reader<>(this, world.beats, world.beats.end(), (offset, beat) -> attend(beat));
        every(ATTEND_MICROS, () -> tell(leases.tick(clockMillis())));
        telemetry = new Reader<>(
                this, world.telemetry, world.telemetry.end(), (offset, s) -> take(new PlannerCommand.MeasureDevice(s)));
    }

    void kill() {
        died();
        beats.close();
        statuses.close();
        telemetry.close();
    }

    private void attend(Beat beat) {
        long now = clockMillis();
        leases.echo(now);
        if (!beat.reporter().equals(MemberView.ROUTER)) {
            tell(leases.beat(beat, now));
        }
    }

    /** Passes on how workers stand, as far as that is news. */
    private void tell(List<MemberEvent> events) {
        for (MemberEvent event : events) {
            WorkerId worker = event.worker();
            Presence.State stands = !leases.isAlive(worker)
                    ? Presence.State.GONE
                    : leases.drainDeadlineMs(worker).isPresent() ? Presence.State.DRAINING : Presence.State.ALIVE;
            Presence presence = new Presence(worker, leases.incarnation(worker), stands, event.toString());
            Presence before = told.put(worker, presence);
            if (before == null || before.state() != stands || before.incarnation() != presence.incarnation()) {
                take(new PlannerCommand.Attend(World.MODEL, presence));
            }
        }
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
