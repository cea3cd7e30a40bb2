package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** What passes while a transition is carried out, against the floor that was promised. */
class StepGateTest {
    private final LiveWorld world = new LiveWorld(
            PlacementPolicy.DEFAULT.withObjective(LiveObjective.FLOW).withMinIntervalMillis(2_000));

    @Test
    void shouldMirrorALayoutRatherThanTurnEveryWorkerInsideOut() {
        // A live run: after the loss three workers were to become 0-4, 0-4 and 4-6, for which every one of them had to
        // give up what it served: five phases, in which less passed than may. 0-2, 2-6 and 2-6 are worth the same.
        world.workers.start("w0", 5_770, 5);
        world.workers.start("w1", 5_770, 5);
        world.workers.start("w2", 5_770, 5);
        world.workers.start("w3", 5_770, 5);
        world.place(3, 6, 3, 6);
        world.run(2_000);
        world.workers.kill("w0");
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 80; i++) {
            world.run(250);
            least = Math.min(least, world.servedFlow());
        }
        PlacementEvent.Begun begun = world.of(PlacementEvent.Begun.class).getFirst();
        assertThat(begun.floorNote()).as("why the floor is lowered").isEmpty();
        assertThat(begun.first().transition().floorTokensPerSecond()).isCloseTo(0.8 * 5_770 / 3, within(1.0));
        assertThat(begun.first().reason()).containsAnyOf("costs 1.0 s of loading", "costs 2.0 s of loading");
        assertThat(least).as("least flow").isCloseTo(5_770 / 3.0, within(1.0));
        assertThat(world.servedFlow()).isCloseTo(5_770 / 2.0, within(1.0));
        assertThat(world.state().moving()).isFalse();
    }

    /** w2 is to take w0's layers over, so that w0 can help w1, which is slow. */
    private void takeOver() {
        world.workers.start("w0", 60, 3);
        world.workers.start("w1", 30, 3);
        world.place(3, 6);
        world.run(2_000);
        world.search(new LayoutTarget("3-6 3-6 0-3"));
        world.workers.start("w2", 60, 3);
        for (int i = 0; world.of(PlacementEvent.Begun.class).isEmpty() && i < 40; i++) {
            world.run(250);
        }
        PlacementEvent.Begun begun = world.of(PlacementEvent.Begun.class).getFirst();
        assertThat(begun.first().transition().floorTokensPerSecond()).isCloseTo(8, within(0.1));
        assertThat(begun.first().transition().underWay()).isTrue();
    }

    @Test
    void shouldNotTakeTheStepThatBreaksTheFloorByWhatIsMeasuredByThen() {
        takeOver();
        world.workers.speed("w2", 15);
        world.search(LiveWorld.LOCAL_SEARCH);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 120; i++) {
            world.run(250);
            least = Math.min(least, world.servedFlow());
        }
        assertThat(world.of(PlacementEvent.Held.class).getFirst().reason())
                .isEqualTo("the next step would pass 5.0 tokens/s by the speeds measured now, the floor is 8.0");
        PlacementEvent.Abandoned abandoned =
                world.of(PlacementEvent.Abandoned.class).getFirst();
        assertThat(abandoned.reason()).contains("would pass 5.0 tokens/s", "the floor is 8.0");
        assertThat(abandoned.stalled()).isEmpty();
        assertThat(abandoned.atMillis()
                        - world.of(PlacementEvent.Held.class).getFirst().atMillis())
                .isEqualTo(StepGate.FLOOR_MILLIS);
        assertThat(least).isGreaterThanOrEqualTo(8);
        assertThat(world.of(PlacementEvent.SearchRequested.class)
                        .getLast()
                        .trigger()
                        .reason())
                .as("planned anew from there")
                .contains("the floor is 8.0");
        assertThat(world.state().moving()).isFalse();
    }

    @Test
    void shouldGoOnWhenTheSpeedIsBackInTime() {
        takeOver();
        world.workers.speed("w2", 15);
        world.run(3_000);
        assertThat(world.of(PlacementEvent.Held.class)).hasSize(1);
        assertThat(world.of(PlacementEvent.Stepped.class)).isEmpty();
        world.workers.speed("w2", 60);
        world.run(10_000);
        assertThat(world.of(PlacementEvent.Abandoned.class)).isEmpty();
        assertThat(world.of(PlacementEvent.Held.class)).hasSize(1);
        assertThat(world.servedFlow()).isCloseTo(20, within(0.1));
    }

    @Test
    void shouldMeasureAWorkerOverItsNewLayersBeforeOthersGiveThemUp() {
        takeOver();
        world.workers.idle(true);
        world.run(1_000);
        PlacementEvent.Held held = world.of(PlacementEvent.Held.class).getFirst();
        assertThat(held.reason()).isEqualTo("worker w2 was not yet measured over layers [0, 3)");
        assertThat(world.of(PlacementEvent.Stepped.class)).isEmpty();
        world.run(StepGate.MEASURE_MILLIS);
        assertThat(world.of(PlacementEvent.Stepped.class).getFirst().atMillis() - held.atMillis())
                .as("nothing passes that could be measured")
                .isEqualTo(StepGate.MEASURE_MILLIS);
    }
}
