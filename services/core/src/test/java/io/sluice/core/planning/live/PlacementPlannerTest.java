package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.planning.FlowNetwork;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.Presence;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PlacementPlannerTest {
    private static final String MODEL = "psalm";
    private static final PlacementSearch SEARCH = (problem, current, objective, seconds) -> new LocalSearch(4_000)
            .place(problem, objective, SearchControl.of(1, 60, () -> 0L).withStarts(List.of(current)));

    private final FakeWorkers workers = new FakeWorkers(MODEL);
    private PlacementPlanner planner =
            planner(PlacementPolicy.DEFAULT.withObjective(LiveObjective.FLOW).withMinIntervalMillis(2_000));
    private PlacementState state = new PlacementState(MODEL);
    private PlacementSearch search = SEARCH;
    private final List<PlacementEvent> events = new ArrayList<>();
    private final List<PlacementTask> tasks = new ArrayList<>();
    private long now = 1_800_000_000_000L;

    private static double[] never(FlowNetwork network) {
        throw new AssertionError("the placement planner solves no flow");
    }

    private static PlacementPlanner planner(PlacementPolicy policy) {
        return new PlacementPlanner(policy, new FlowPlanner(PlacementPlannerTest::never, PlannerPolicy.DEFAULT));
    }

    private void tell(PlacementCommand command) {
        for (PlacementEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            if (!(event instanceof PlacementEvent.Observed) && !(event instanceof PlacementEvent.Watched)) {
                events.add(event);
            }
            switch (event) {
                case PlacementEvent.SearchRequested e -> tasks.add(e.task());
                case PlacementEvent.Begun e -> workers.see(e.first());
                case PlacementEvent.Stepped e -> workers.see(e.placement());
                case PlacementEvent.Abandoned e -> e.placement().ifPresent(workers::see);
                default -> {}
            }
        }
    }

    private void observe(PlannerCommand command) {
        tell(new PlacementCommand.Observe(command));
    }

    private void place(int... ends) {
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

    /** Lets time pass in steps of 250 ms; searches end within the step they were asked for in. */
    private void run(long millis) {
        for (long t = 0; t < millis; t += 250) {
            now += 250;
            workers.statuses(now).forEach(s -> observe(new PlannerCommand.Announce(s)));
            workers.heartbeats(now).forEach(s -> observe(new PlannerCommand.MeasureDevice(s)));
            observe(new PlannerCommand.Tick(MODEL));
            List.copyOf(tasks).forEach(task -> {
                tasks.remove(task);
                tell(new PlacementCommand.Finished(task.run(search, () -> 0L)));
            });
        }
    }

    private <T extends PlacementEvent> List<T> of(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    private double servedFlow() {
        LiveCluster cluster = LiveCluster.of(
                state.seen(),
                state.placement().orElseThrow().plan(),
                List.copyOf(state.seen().members().values()).stream()
                        .filter(m -> workers.alive(m.status().worker()))
                        .toList(),
                java.util.Set.of(),
                io.sluice.core.planning.TokenMix.EVEN);
        return new LayoutFlow(cluster.problem()).value(cluster.current());
    }

    private void startThree() {
        workers.start("w0", 60, 6);
        workers.start("w1", 60, 6);
        workers.start("w2", 60, 6);
        place(2, 4, 6);
        run(2_000);
        assertThat(of(PlacementEvent.Arrived.class)).hasSize(1);
    }

    @Test
    void shouldPlaceAgainRightAfterALossThoughADecisionWasMadeAMomentAgo() {
        planner = planner(PlacementPolicy.DEFAULT.withObjective(LiveObjective.FLOW));
        workers.start("w0", 60, 6);
        workers.start("w1", 60, 6);
        workers.start("w2", 60, 6);
        workers.start("w3", 30, 6);
        place(2, 4, 6, 6);
        run(2_000);
        workers.start("w4", 60, 6);
        run(60_000);
        assertThat(of(PlacementEvent.Begun.class)).isNotEmpty();
        workers.speed("w4", 60);
        workers.start("w5", 60, 6);
        run(40_000);
        events.clear();
        long lost = now;
        workers.kill("w5");
        observe(new PlannerCommand.Attend(
                MODEL, new Presence(new WorkerId("w5"), 1, Presence.State.GONE, "its process ended")));

        run(5_000);

        assertThat(of(PlacementEvent.SearchRequested.class)).isNotEmpty();
        assertThat(of(PlacementEvent.SearchRequested.class).getFirst().atMillis() - lost)
                .isLessThanOrEqualTo(1_000);
    }

    @Test
    void shouldHoldStillWhileNothingHappens() {
        startThree();
        run(120_000);
        assertThat(of(PlacementEvent.SearchRequested.class)).isEmpty();
        assertThat(of(PlacementEvent.Begun.class)).isEmpty();
    }

    @Test
    void shouldGiveASpareLayersAndDriveTheTransitionToItsEnd() {
        startThree();
        assertThat(servedFlow()).isCloseTo(30, within(0.1));
        workers.start("w3", 60, 6);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 60; i++) {
            run(250);
            least = Math.min(least, servedFlow());
        }
        PlacementEvent.Begun begun = of(PlacementEvent.Begun.class).getFirst();
        assertThat(begun.first().reason())
                .contains(
                        "spare w3 joined: move ",
                        "30.0 to 40.0 tokens/s (+33 %, threshold 15 %), costs ",
                        " s of loading and" + " 0 sessions; pays back in ",
                        "; 1 phase, never below 24.0");
        assertThat(begun.first().transition().floorTokensPerSecond()).isCloseTo(24, within(0.1));
        assertThat(of(PlacementEvent.Arrived.class)).hasSize(2);
        assertThat(state.moving()).isFalse();
        assertThat(servedFlow()).isCloseTo(40, within(0.1));
        assertThat(least).isGreaterThanOrEqualTo(24 - 0.1);
    }

    @Test
    void shouldReplaceALostWorkerAtOnceWhenALayerIsUncovered() {
        startThree();
        workers.kill("w1");
        run(8_000);
        PlacementEvent.Begun begun = of(PlacementEvent.Begun.class).getFirst();
        assertThat(begun.first().reason()).contains("worker w1 left: move ", ", 0 to ");
        assertThat(begun.gain()).isInfinite();
        run(10_000);
        assertThat(servedFlow()).isPositive();
        assertThat(state.moving()).isFalse();
    }

    @Test
    void shouldNotMoveForASmallGain() {
        startThree();
        workers.start("w3", 4, 6);
        run(10_000);
        assertThat(of(PlacementEvent.Begun.class)).isEmpty();
        assertThat(of(PlacementEvent.Declined.class).getFirst().reason())
                .contains("spare w3 joined: ")
                .containsAnyOf("is below the threshold of 15 %", "the present placement is the best found");
    }

    @Test
    void shouldPlaceAgainWhenAWorkerStaysSlower() {
        startThree();
        run(5_000);
        workers.speed("w0", 15);
        run(6_000);
        assertThat(of(PlacementEvent.SearchRequested.class))
                .as("might be a moment's noise")
                .isEmpty();
        run(15_000);
        assertThat(of(PlacementEvent.Begun.class).getFirst().first().reason()).contains("worker w0 became slower");
    }

    @Test
    void shouldPlaceAgainFromThePresentStateWhenAWorkerDiesInMidTransition() {
        startFourOnHalves();
        workers.draining("w0", true);
        workers.start("w4", 600, 3);
        run(5_000);
        assertThat(state.moving()).as("w0 has to give up its layers first").isTrue();
        assertThat(state.placement().orElseThrow().transition().underWay()).isTrue();
        workers.kill("w4");
        search = SEARCH;
        run(6_000);
        PlacementEvent.Abandoned abandoned = of(PlacementEvent.Abandoned.class).getFirst();
        assertThat(abandoned.reason()).isEqualTo("worker w4 left during the transition");
        assertThat(abandoned.placement().orElseThrow().plan().stages())
                .extracting(Stage::worker)
                .extracting(WorkerId::value)
                .containsExactly("w2", "w1", "w3");
        workers.draining("w0", false);
        run(20_000);
        assertThat(servedFlow()).isGreaterThanOrEqualTo(40);
        assertThat(state.moving()).isFalse();
        assertThat(workers.overfull()).isEmpty();
    }

    /** Three layers fit; w0 is to go over to the other half as soon as a fifth worker comes, but must give up its own first. */
    private void startFourOnHalves() {
        for (int i = 0; i < 4; i++) {
            workers.start("w" + i, 60, 3);
        }
        place(3, 6, 3, 6);
        run(2_000);
        search = new LayoutTarget("3-6 3-6 0-3 3-6 0-3");
    }

    @Test
    void shouldGiveUpAStepThatAWorkerDoesNotCarryOut() {
        startThree();
        workers.start("w3", 60, 6);
        workers.hold("w3");
        run(150_000);
        PlacementEvent.Abandoned abandoned = of(PlacementEvent.Abandoned.class).getFirst();
        assertThat(abandoned.reason()).contains("worker w3 did not carry out placement");
        assertThat(abandoned.stalled()).contains(new WorkerId("w3"));
        assertThat(of(PlacementEvent.Begun.class)).as("not asked again soon").hasSize(1);
        assertThat(state.moving()).isFalse();
    }

    @Test
    void shouldWaitForSessionsThatStillNeedTheirLayers() {
        startFourOnHalves();
        workers.draining("w0", true);
        workers.start("w4", 600, 3);
        run(60_000);
        long steps = of(PlacementEvent.Stepped.class).size();
        assertThat(state.moving()).isTrue();
        workers.draining("w0", false);
        run(20_000);
        assertThat(of(PlacementEvent.Stepped.class).size()).isGreaterThan((int) steps);
        assertThat(state.moving()).isFalse();
        assertThat(workers.overfull()).isEmpty();
    }

    @Test
    void shouldFollowAPlacementMadeByHandInMidTransition() {
        startThree();
        workers.hold("w3");
        workers.start("w3", 60, 6);
        run(4_000);
        assertThat(state.moving()).isTrue();
        long epoch = state.placement().orElseThrow().plan().epoch();
        PublishedPlacement hand = PublishedPlacement.of(
                new PlacementPlan(
                        MODEL, epoch + 5, 6, 64, 2, List.of(new Stage(new WorkerId("w0"), new LayerRange(0, 6)))),
                "by hand");
        workers.see(hand);
        workers.release("w3");
        observe(new PlannerCommand.Place(hand));
        run(1_500);
        assertThat(state.placement()).contains(hand);
        assertThat(of(PlacementEvent.Adopted.class)).hasSize(2);
    }

    @Test
    void shouldGoOnWithATransitionThatTheTopicTellsOf() {
        workers.start("w0", 60, 6);
        workers.start("w1", 60, 6);
        PlacementPlan plan =
                new PlacementPlan(MODEL, 7, 6, 64, 2, List.of(new Stage(new WorkerId("w0"), new LayerRange(0, 6))));
        Transition.Step step = new Transition.Step(2, new WorkerId("w1"), Optional.of(new LayerRange(0, 6)), 10);
        Transition rest = new Transition(
                List.of(
                        new Stage(new WorkerId("w0"), new LayerRange(0, 6)),
                        new Stage(new WorkerId("w1"), new LayerRange(0, 6))),
                List.of(step),
                8);
        PublishedPlacement found = new PublishedPlacement(plan, rest, "test", "because");
        workers.see(found);
        observe(new PlannerCommand.Place(found));
        run(2_000);
        PublishedPlacement next = of(PlacementEvent.Stepped.class).getFirst().placement();
        assertThat(next.plan().epoch()).isEqualTo(8);
        assertThat(next.plan().stages()).isEqualTo(rest.target());
        assertThat(next.transition().underWay()).isFalse();
        assertThat(next.reason()).isEqualTo("because");
    }

    @Test
    void shouldAskAgainWhenASearchIsLostOrOutdated() {
        startThree();
        workers.start("w3", 60, 6);
        search = (problem, current, objective, seconds) -> {
            throw new IllegalStateException("broken");
        };
        run(3_000);
        assertThat(of(PlacementEvent.Declined.class).getFirst().reason())
                .contains("no placement was found: the search failed: java.lang.IllegalStateException: broken");
        workers.start("w4", 60, 6);
        now += 2_000;
        for (int i = 0; i < 20 && tasks.isEmpty(); i++) {
            now += 250;
            workers.statuses(now).forEach(s -> observe(new PlannerCommand.Announce(s)));
            workers.heartbeats(now).forEach(s -> observe(new PlannerCommand.MeasureDevice(s)));
            observe(new PlannerCommand.Tick(MODEL));
        }
        long id = tasks.removeFirst().id();
        tell(new PlacementCommand.Lost(id));
        search = SEARCH;
        run(12_000);
        assertThat(of(PlacementEvent.Outdated.class)).hasSize(1);
        assertThat(of(PlacementEvent.Begun.class).getFirst().first().reason()).contains("spare w4 joined");
    }

    @Test
    void shouldWantNoTickWhenNothingLives() {
        assertThat(planner.nextTick(state, now)).isEmpty();
        startThree();
        assertThat(planner.nextTick(state, now)).hasValue(now + 250);
        List.of("w0", "w1", "w2").forEach(workers::kill);
        run(30_000);
        assertThat(planner.nextTick(state, now)).isEmpty();
    }

    @Test
    void shouldReachAStandstillFromAnyOrderOfJoinsAndDeaths() {
        for (long seed = 0; seed < 15; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            PlacementPlannerTest world = new PlacementPlannerTest();
            world.startThree();
            int next = 3;
            for (int i = 0; i < 12; i++) {
                if (random.nextInt(3) > 0) {
                    world.workers.start("w" + next++, random.nextInt(20, 200), random.nextInt(2, 7));
                } else {
                    world.workers.killAny(random);
                }
                world.run(250L * random.nextInt(1, 40));
            }
            world.workers.start("last", 100, 6);
            world.run(60_000);
            assertThat(world.servedFlow()).as("seed %d: %s", seed, world.events).isPositive();
            assertThat(world.state.moving()).as("seed %d", seed).isFalse();
            assertThat(world.workers.overfull()).as("seed %d", seed).isEmpty();
        }
    }

    @Test
    void shouldTellTheSameStoryTwice() {
        List<String> stories = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            PlacementPlannerTest world = new PlacementPlannerTest();
            world.startThree();
            world.workers.start("w3", 90, 4);
            world.run(20_000);
            stories.add(world.of(PlacementEvent.Begun.class).toString());
        }
        assertThat(stories.get(0)).isEqualTo(stories.get(1)).isNotEqualTo("[]");
    }
}
