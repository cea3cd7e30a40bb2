package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.WorkerId;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementProblem;
import org.junit.jupiter.api.Test;

class LiveObjectiveTest {
    private final LiveWorld world = new LiveWorld(PlacementPolicy.DEFAULT.withMinIntervalMillis(2_000));

    @Test
    void shouldSearchAndCompareByPredictedServing() {
        world.workers.kvTokens(100_000);
        world.startThree();
        world.workers.prompts(0.8);
        world.run(5_000);
        world.workers.start("w3", 120, 6);
        world.run(10_000);
        PlacementTask task = world.tasks.getFirst();
        assertThat(task.objective()).isEqualTo(LiveObjective.SERVING);
        assertThat(task.cluster().problem().workload().meanPromptTokens())
                .as("eight tenths of 1,000 tokens, but for the even prior")
                .isCloseTo(800, within(40.0));
        assertThat(world.of(PlacementEvent.Declined.class)).isEmpty();
        PlacementEvent.Begun begun = world.of(PlacementEvent.Begun.class).getFirst();
        assertThat(begun.first().reason())
                .matches(
                        "spare w3 joined: move \\d workers?, [\\d.]+ to [\\d.]+ predicted decode tokens/s"
                                + " \\(\\+\\d+ %, threshold 15 %\\), costs [\\d.]+ s of loading and 0 sessions; pays back in"
                                + " \\d+ s, if a layer loads in 1.0 s and a session lasts 10 s, which are assumed; \\d phases?, flow never below [\\d.]+.*");
        assertThat(begun.gain()).isGreaterThan(0.15);
        assertThat(begun.first().transition().floorTokensPerSecond())
                .as("four fifths of the flow of 30 tokens/s")
                .isCloseTo(24, within(0.1));
    }

    @Test
    void shouldGoByFlowAndSayWhyWhenNoKvCacheIsAnnounced() {
        world.workers.kvTokens(0);
        world.startThree();
        world.workers.start("w3", 60, 6);
        world.run(10_000);
        assertThat(world.of(PlacementEvent.Begun.class).getFirst().first().reason())
                .matches(
                        "spare w3 joined: move \\d workers?, 30.0 to 40.0 tokens/s of flow, because worker w0 announces"
                                + " no KV cache, \\(\\+33 %, .*");
    }

    @Test
    void shouldGoByFlowAndSayWhyWhenNoCostOfABatchIsAnnounced() {
        world.workers.costs(false);
        world.startThree();
        world.workers.start("w3", 60, 6);
        world.run(10_000);
        assertThat(world.of(PlacementEvent.Begun.class).getFirst().first().reason())
                .contains("tokens/s of flow, because worker w0 announces no cost of a batch, (+33 %");
    }

    @Test
    void shouldReadItsNames() {
        assertThat(LiveObjective.parse("serving")).isEqualTo(LiveObjective.SERVING);
        assertThat(LiveObjective.parse(LiveObjective.FLOW.toString())).isEqualTo(LiveObjective.FLOW);
        assertThatThrownBy(() -> LiveObjective.parse("speed"))
                .hasMessage("placement objective 'speed' must be serving or flow");
    }

    @Test
    void shouldGiveAJoiningWorkerTheLayersThatHelpTheWholeMost() {
        for (int fits = 1; fits <= 6; fits++) {
            LiveWorld world = new LiveWorld(PlacementPolicy.DEFAULT.with(0.02, 0.8, 2));
            world.workers.kvTokens(100_000);
            world.startThree();
            world.workers.speed("w1", 40);
            world.run(60_000);
            int searches = world.tasks.size();
            world.workers.start("w3", 120, fits);
            world.run(10_000);
            PlacementTask task = world.tasks.get(searches);
            PlacementProblem problem = task.cluster().problem();
            PlacementObjective serving = task.objective().objective();
            Layout current = task.cluster().current();
            int spare = task.cluster().indexOf(new WorkerId("w3"));
            double most = 0;
            for (int first = 0; first < 6; first++) {
                for (int end = first + 1; end <= Math.min(6, first + fits); end++) {
                    most = Math.max(most, serving.value(problem, current.with(spare, first, end)));
                }
            }
            PlacementEvent.Begun begun = world.of(PlacementEvent.Begun.class).getLast();
            assertThat(begun.first().reason()).startsWith("spare w3 joined");
            double got = serving.value(
                    problem, Layout.of(problem, begun.first().transition().target()));
            assertThat(got).as("w3 holds up to %d layers", fits).isGreaterThanOrEqualTo(0.98 * most);
        }
    }
}
