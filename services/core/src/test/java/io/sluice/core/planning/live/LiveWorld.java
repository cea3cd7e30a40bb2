package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.Presence;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.TokenMix;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A placement planner with fake workers of six layers and time of its own; searches end in the step they began in. */
final class LiveWorld {
    static final String MODEL = "psalm";

    static final PlacementSearch LOCAL_SEARCH = (problem, current, objective, seconds) -> new LocalSearch(2_000)
            .place(problem, objective, SearchControl.of(1, 60, () -> 0L).withStarts(List.of(current)));

    final FakeWorkers workers = new FakeWorkers(MODEL);
    final List<PlacementEvent> events = new ArrayList<>();
    final List<PlacementTask> tasks = new ArrayList<>();
    private final PlacementPlanner planner;
    private final PlacementState state = new PlacementState(MODEL);
    private PlacementSearch search = LOCAL_SEARCH;
    /** Of {@link #tasks}. */
    private int answered;

    private long now = 1_800_000_000_000L;

    LiveWorld(PlacementPolicy policy) {
        FlowPlanner flows = new FlowPlanner(
                network -> {
                    throw new AssertionError("the placement planner solves no flow");
                },
                PlannerPolicy.DEFAULT);
        planner = new PlacementPlanner(policy, flows);
    }

    /** Three workers of 60 tokens/s a layer, two layers each. */
    void startThree() {
        for (int i = 0; i < 3; i++) {
            workers.start("w" + i, 60, 6);
        }
        place(2, 4, 6);
        run(2_000);
    }

    /** A placement by hand: w0, w1, … each from where the one before ends, again from layer 0 after the last one. */
    void place(int... ends) {
        List<Stage> stages = new ArrayList<>();
        int first = 0;
        for (int i = 0; i < ends.length; i++) {
            stages.add(new Stage(new WorkerId("w" + i), new LayerRange(first, ends[i])));
            first = ends[i] == 6 ? 0 : ends[i];
        }
        PublishedPlacement placement = PublishedPlacement.of(new PlacementPlan(MODEL, 1, 6, 64, 2, stages), "by hand");
        workers.see(placement);
        observe(new PlannerCommand.Place(placement));
    }

    /** Its process ends, which heartbeats tell at once. */
    void kill(String id) {
        workers.kill(id);
        Presence gone =
                new Presence(new WorkerId(id), workers.incarnation(id), Presence.State.GONE, "its process ended");
        observe(new PlannerCommand.Attend(MODEL, gone));
    }

    long now() {
        return now;
    }

    PlacementState state() {
        return state;
    }

    void run(long millis) {
        for (long t = 0; t < millis; t += 250) {
            now += 250;
            workers.statuses(now).forEach(s -> observe(new PlannerCommand.Announce(s)));
            workers.heartbeats(now).forEach(s -> observe(new PlannerCommand.MeasureDevice(s)));
            observe(new PlannerCommand.Tick(MODEL));
            List<PlacementTask> asked = List.copyOf(tasks.subList(answered, tasks.size()));
            answered = tasks.size();
            asked.forEach(task -> tell(new PlacementCommand.Finished(task.run(search, () -> 0L))));
        }
    }

    /** What searches find from now on. */
    void search(PlacementSearch other) {
        search = other;
    }

    /** Tokens per second that pass over what the living workers serve. */
    double servedFlow() {
        LiveCluster cluster = LiveCluster.of(
                state.seen(),
                state.placement().orElseThrow().plan(),
                List.copyOf(state.seen().members().values()).stream()
                        .filter(m -> workers.alive(m.status().worker()))
                        .toList(),
                Set.of(),
                TokenMix.EVEN);
        return new LayoutFlow(cluster.problem()).value(cluster.current());
    }

    <T extends PlacementEvent> List<T> of(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    private void observe(PlannerCommand command) {
        tell(new PlacementCommand.Observe(command));
    }

    private void tell(PlacementCommand command) {
        for (PlacementEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            events.add(event);
            switch (event) {
                case PlacementEvent.SearchRequested e -> tasks.add(e.task());
                case PlacementEvent.Begun e -> workers.see(e.first());
                case PlacementEvent.Stepped e -> workers.see(e.placement());
                case PlacementEvent.Abandoned e -> e.placement().ifPresent(workers::see);
                default -> {}
            }
        }
    }
}
