package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.planning.PublishedPlacement;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Replays worker states as a planner heard them: w3 comes for some seconds and goes, dozens of times in five minutes. */
class FlappingTest {
    private static final PlacementPolicy EAGER =
            PlacementPolicy.DEFAULT.withObjective(LiveObjective.FLOW).withMinIntervalMillis(2_000);

    private record Change(long atMillis, String worker, boolean joins, double speed, int fits) {}

    private static List<Change> recording() throws IOException {
        try (InputStream in = FlappingTest.class.getResourceAsStream("comes-and-goes.csv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> Character.isDigit(line.charAt(0)))
                    .map(line -> line.split(",", -1))
                    .map(f -> new Change(
                            Long.parseLong(f[0]),
                            f[1],
                            f[2].equals("JOINED"),
                            Double.parseDouble(f[3]),
                            Integer.parseInt(f[4])))
                    .toList();
        }
    }

    private static LiveWorld replay(PlacementPolicy policy) throws IOException {
        LiveWorld world = new LiveWorld(policy);
        world.workers.kvTokens(100_000);
        long began = world.now();
        world.startThree();
        for (Change change : recording()) {
            world.run(began + change.atMillis() - world.now());
            if (change.joins()) {
                world.workers.start(change.worker(), change.speed(), change.fits());
            } else {
                world.kill(change.worker());
            }
        }
        return world;
    }

    /** How often a worker other than w3 was told to serve other layers. */
    private static int changesOfTheSteady(LiveWorld world) {
        int changes = 0;
        Map<String, LayerRange> before = new TreeMap<>();
        for (PlacementEvent event : world.events) {
            PublishedPlacement placement =
                    switch (event) {
                        case PlacementEvent.Begun e -> e.first();
                        case PlacementEvent.Stepped e -> e.placement();
                        case PlacementEvent.Adopted e -> e.placement();
                        case PlacementEvent.Abandoned e -> e.placement().orElse(null);
                        default -> null;
                    };
            for (Stage stage :
                    placement == null ? List.<Stage>of() : placement.plan().stages()) {
                String id = stage.worker().value();
                LayerRange was = before.put(id, stage.layers());
                changes += was != null && !id.equals("w3") && !was.equals(stage.layers()) ? 1 : 0;
            }
        }
        return changes;
    }

    @Test
    void shouldNotMoveLayersAfterAWorkerThatComesAndGoes() throws IOException {
        LiveWorld damped = replay(EAGER);
        LiveWorld eager = replay(EAGER.withSteadyMillis(0));
        System.out.printf(
                "a worker that comes and goes %d times: %d placements and %d changes of other workers, undamped %d and %d%n",
                recording().size() / 2,
                damped.of(PlacementEvent.Begun.class).size(),
                changesOfTheSteady(damped),
                eager.of(PlacementEvent.Begun.class).size(),
                changesOfTheSteady(eager));
        assertThat(damped.of(PlacementEvent.Begun.class)).hasSizeLessThanOrEqualTo(4);
        assertThat(changesOfTheSteady(damped)).isLessThanOrEqualTo(12);
        assertThat(eager.of(PlacementEvent.Begun.class).size())
                .as("what damping saves")
                .isGreaterThan(10 * damped.of(PlacementEvent.Begun.class).size());
    }

    @Test
    void shouldTakeTheWorkerInOnceItHasStayed() throws IOException {
        LiveWorld world = replay(EAGER);
        int before = world.of(PlacementEvent.Begun.class).size();
        world.run(200_000);
        assertThat(world.of(PlacementEvent.Begun.class)).as("on probation").hasSize(before);
        world.run(150_000);
        PlacementEvent.Begun begun = world.of(PlacementEvent.Begun.class).getLast();
        assertThat(begun.first().reason()).startsWith("worker w3 has stayed: move ");
        assertThat(world.state().placement().orElseThrow().plan().stages())
                .extracting(stage -> stage.worker().value())
                .contains("w3");
    }

    @Test
    void shouldTakeAnyWorkerWhereLayersAreLeftWithoutOne() throws IOException {
        LiveWorld world = replay(EAGER);
        List.of("w0", "w1", "w2").forEach(world::kill);
        world.workers.start("w4", 120, 3);
        world.run(20_000);
        assertThat(world.state().placement().orElseThrow().plan().uncoveredLayers())
                .isEmpty();
        assertThat(world.state().placement().orElseThrow().plan().stages())
                .extracting(stage -> stage.worker().value())
                .contains("w3", "w4");
    }
}
