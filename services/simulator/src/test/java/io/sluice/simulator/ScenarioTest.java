package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.RequestShape;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScenarioTest {
    private static final SimulationPolicy HELIX = SimulationPolicies.byName("helix");
    private static final List<RequestShape> SHAPES = List.of(new RequestShape(1, 1));

    private final Topology topology = SmallCluster.of(1, 10_000, false, new int[] {0, 1});

    @Test
    void shouldNameThePoliciesThereAre() {
        assertThatThrownBy(() -> SimulationPolicies.byName("fifo"))
                .hasMessageContaining("'fifo'")
                .hasMessageContaining("swarm, random, shortest-queue");
    }

    @Test
    void shouldRejectWhatCannotBeRun() {
        assertThatThrownBy(() -> Scenario.offline("s", topology, HELIX, List.of(), 1))
                .hasMessageContaining("no request lengths");
        assertThatThrownBy(
                        () -> Scenario.offline("s", topology, HELIX, SHAPES, 1).withGroups(List.of()))
                .hasMessageContaining("at least one group");
        assertThatThrownBy(() -> new Load.Rate(0, 1, 3, new int[] {1})).hasMessageContaining("must all be positive");
        assertThatThrownBy(() -> new Load.Rate(1, 1, 3, new int[] {0})).hasMessageContaining("no arrivals");
        assertThatThrownBy(() -> new Load.Fill(0, 0.8)).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> new Load.Constant(0)).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> new Load.Given(new double[] {2, 1}, List.of(SHAPES.getFirst(), SHAPES.getFirst())))
                .hasMessageContaining("must not fall");
        assertThatThrownBy(() -> new Load.Given(new double[] {2}, List.of())).hasMessageContaining("1 arrival times");
    }

    @Test
    void shouldOfferTheRateAskedForWhateverTheTracesOwn() {
        int[] slots = {0, 1, 5, 2, 0, 7};
        Load load = new Load.Rate(2, 4, 3, slots);
        Scenario scenario = new Scenario(
                "rate",
                List.of(new Scenario.Group("all", topology, load)),
                HELIX,
                SHAPES,
                Scenario.Draw.RANDOM,
                3,
                0,
                3000,
                true);

        // 2 tokens/s at 4 tokens per request: a request every 2 s.
        assertThat((double) Simulation.run(scenario).requestsArrived()).isCloseTo(1500, within(100.0));
    }

    @Test
    void shouldGiveEveryPolicyTheSameArrivals() {
        Load load = new Load.Rate(2, 4, 3, new int[] {0, 1, 5});
        List<Long> arrived = SimulationPolicies.all().stream()
                .map(policy -> Simulation.run(new Scenario(
                                "rate",
                                List.of(new Scenario.Group("all", topology, load)),
                                policy,
                                SHAPES,
                                Scenario.Draw.RANDOM,
                                3,
                                0,
                                300,
                                true))
                        .requestsArrived())
                .distinct()
                .toList();

        assertThat(arrived).hasSize(1);
    }

    @Test
    void shouldReplayRequestsInOrder() {
        Scenario scenario = Scenario.offline("s", topology, HELIX, SHAPES, 1)
                .replaying(List.of(new RequestShape(10, 3), new RequestShape(20, 1)));

        assertThat(scenario.draw()).isEqualTo(Scenario.Draw.IN_ORDER);
        assertThat(scenario.drained().drain()).isTrue();
        assertThat(scenario.endSeconds()).isEqualTo(660);
    }
}
