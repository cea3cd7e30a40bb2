package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.RequestShape;
import io.sluice.simulator.Scenario.Group;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SimulationTest {
    private static final SimulationPolicy HELIX = SimulationPolicies.byName("helix");
    private static final double COPY = SmallCluster.COPY_SECONDS_PER_TOKEN;

    static List<SimulationPolicy> policies() {
        return SimulationPolicies.all();
    }

    private static Scenario given(Topology topology, SimulationPolicy policy, double[] times, RequestShape... shapes) {
        Load load = new Load.Given(times, List.of(shapes));
        List<Group> groups = List.of(new Group("all", topology, load));
        return new Scenario("test", groups, policy, List.of(), Scenario.Draw.RANDOM, 1, 0, 1000, true);
    }

    @Test
    void shouldTakeExactlyTheTimesOfLinksAndLayersForOneRequestOnOneNode() {
        Topology topology = SmallCluster.of(2, 1000, false, new int[] {0, 2});

        SimulationResult result = Simulation.run(given(topology, HELIX, new double[] {3}, new RequestShape(10, 2)));

        // 20 bytes there, two layers of 10 tokens, 20 bytes back; latency both ways.
        double prompt = 0.02 + 0.5 + 2 * 0.1 + 10 * COPY + 0.02 + 0.5;
        // A lone decode step takes twice its time.
        double decode = 0.002 + 0.5 + 2 * 0.2 + COPY + 0.002 + 0.5;
        assertThat(result.prompt().mean()).isCloseTo(prompt, within(1e-12));
        assertThat(result.decode().count()).isEqualTo(2);
        assertThat(result.decode().p5()).isCloseTo(decode, within(1e-12));
        assertThat(result.decode().p99()).isCloseTo(decode, within(1e-12));
        assertThat(result.decodeParts().computeSeconds()).isCloseTo(0.4 + COPY, within(1e-12));
        assertThat(result.decodeParts().nodeWaitSeconds()).isCloseTo(0, within(1e-12));
        assertThat(result.decodeParts().transferSeconds()).isCloseTo(0.004, within(1e-12));
        assertThat(result.decodeParts().latencySeconds()).isEqualTo(1);
        assertThat(result.nodes().getFirst().busyFraction())
                .isCloseTo((0.2 + 10 * COPY + 2 * (0.4 + COPY)) / 1000, within(1e-12));
    }

    @Test
    void shouldSendActivationsBetweenNodesAndOneMessageAfterTheOther() {
        Topology topology = SmallCluster.of(2, 1000, false, new int[] {0, 1}, new int[] {1, 2});

        SimulationResult result = Simulation.run(
                given(topology, HELIX, new double[] {0, 0}, new RequestShape(10, 1), new RequestShape(10, 1)));

        // Both prompts leave the first node 0.02 s apart: the second one waits at the door for the first one's batch.
        double first = 0.02 + 0.5 + (0.1 + 10 * COPY) + (1 + 0.5) + (0.1 + 10 * COPY) + 0.02 + 0.5;
        assertThat(result.prompt().p5()).isCloseTo(first, within(1e-9));
        double leftFirstNode = 0.02 + 0.5 + 2 * (0.1 + 10 * COPY);
        double linkFree = 0.02 + 0.5 + (0.1 + 10 * COPY) + 1;
        double second = linkFree + (1 + 0.5) + (0.1 + 10 * COPY) + 0.02 + 0.5;
        assertThat(linkFree).isGreaterThan(leftFirstNode);
        assertThat(result.prompt().p99()).isCloseTo(second, within(1e-9));
        assertThat(result.promptParts().linkWaitSeconds())
                .isCloseTo((linkFree - leftFirstNode + 0.02) / 2, within(1e-9));
    }

    @Test
    void shouldRunOnlyTheMissingLayersWithPartialInference() {
        Topology topology = SmallCluster.of(3, 1000, true, new int[] {0, 2}, new int[] {1, 3});

        SimulationResult result = Simulation.run(given(topology, HELIX, new double[] {0}, new RequestShape(10, 1)));

        // Three layers in all: the second node enters at its second layer, where nothing is copied.
        assertThat(result.promptParts().computeSeconds()).isCloseTo(0.3 + 10 * COPY, within(1e-12));
        assertThat(result.promptParts().hops()).isEqualTo(2);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void shouldExplainTheWholeLatencyByItsParts(SimulationPolicy policy) {
        SimulationResult result = Simulation.run(busy(policy, 5));

        assertThat(sum(result.decodeParts())).isCloseTo(result.decode().mean(), within(1e-9));
    }

    private static double sum(DelayParts parts) {
        return parts.computeSeconds()
                + parts.nodeWaitSeconds()
                + parts.linkWaitSeconds()
                + parts.transferSeconds()
                + parts.latencySeconds();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void shouldGiveTheSameResultForTheSameSeed(SimulationPolicy policy) {
        assertThat(Simulation.run(busy(policy, 7))).isEqualTo(Simulation.run(busy(policy, 7)));
        assertThat(Simulation.run(busy(policy, 7))).isNotEqualTo(Simulation.run(busy(policy, 8)));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void shouldEndEveryRequestOnceAndLeaveTheKvCacheEmpty(SimulationPolicy policy) {
        for (int seed = 0; seed < 20; seed++) {
            Scenario scenario = busy(policy, seed);
            Engine engine = new Engine(scenario, scenario.groups().getFirst());

            SimulationResult result = GroupRun.sum(scenario, List.of(engine.run()));

            assertThat(result.requestsArrived()).as("seed %s", seed).isGreaterThan(20);
            assertThat(result.requestsFinished() + result.requestsRejected()).isEqualTo(result.requestsArrived());
            assertThat(result.requestsOpen()).isZero();
            assertThat(engine.inFlight()).isZero();
            Topology topology = scenario.groups().getFirst().topology();
            for (int node = 0; node < topology.nodes(); node++) {
                assertThat(engine.kvUsedTokenLayers(node)).isZero();
            }
            assertThat(result.nodes()).allSatisfy(node -> {
                assertThat(node.busyFraction()).isBetween(0.0, 1.0);
                assertThat(node.kvPeakFraction()).isGreaterThanOrEqualTo(node.kvMeanFraction());
            });
            assertThat(result.links())
                    .allSatisfy(link -> assertThat(link.busyFraction()).isBetween(0.0, 1.0));
            assertThat(result.decodeParts().hops()).isBetween(2.0, 4.0);
        }
    }

    /** Seven nodes with routes of three and four hops; arrivals, then a drain. */
    private static Scenario busy(SimulationPolicy policy, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Topology topology = SmallCluster.of(
                4,
                2000,
                false,
                new int[] {0, 1},
                new int[] {0, 1},
                new int[] {1, 3},
                new int[] {1, 3},
                new int[] {1, 2},
                new int[] {2, 3},
                new int[] {3, 4});
        List<RequestShape> shapes = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            shapes.add(new RequestShape(1 + random.nextInt(90), 1 + random.nextInt(6)));
        }
        Load load = new Load.Rate(40, 50, 3, new int[] {1, 0, 3, 2});
        return new Scenario(
                "busy",
                List.of(new Group("all", topology, load)),
                policy,
                shapes,
                Scenario.Draw.RANDOM,
                seed,
                10,
                200,
                true);
    }

    @Test
    void shouldSumRatesAndPoolLatenciesOverGroups() {
        Topology topology = SmallCluster.of(2, 1000, false, new int[] {0, 2});
        Load quick = new Load.Given(new double[] {0}, List.of(new RequestShape(10, 3)));
        Load slow = new Load.Given(new double[] {0}, List.of(new RequestShape(100, 1)));
        Scenario both = new Scenario(
                "groups",
                List.of(new Group("a", topology, quick), new Group("b", topology, slow)),
                HELIX,
                List.of(),
                Scenario.Draw.RANDOM,
                1,
                0,
                100,
                false);

        SimulationResult result = Simulation.run(both);

        assertThat(result.decodeTokens()).isEqualTo(4);
        assertThat(result.decodeTokensPerSecond()).isEqualTo(0.04);
        assertThat(result.promptTokensPerSecond()).isEqualTo(1.1);
        assertThat(result.groups())
                .extracting(SimulationResult.GroupRates::decodeTokensPerSecond)
                .containsExactly(0.03, 0.01);
        double first = Simulation.run(both.withGroups(List.of(both.groups().get(0))))
                .prompt()
                .mean();
        double second = Simulation.run(both.withGroups(List.of(both.groups().get(1))))
                .prompt()
                .mean();
        assertThat(result.prompt().mean()).isCloseTo((first + second) / 2, within(1e-12));
    }

    @Test
    void shouldKeepAConstantNumberInFlight() {
        Topology topology = SmallCluster.of(2, 100_000, false, new int[] {0, 1}, new int[] {1, 2});
        Scenario scenario = new Scenario(
                "constant",
                List.of(new Group("all", topology, new Load.Constant(7))),
                SimulationPolicies.byName("swarm"),
                List.of(new RequestShape(10, 4)),
                Scenario.Draw.RANDOM,
                1,
                10,
                300,
                false);

        assertThat(Simulation.run(scenario).meanInFlight()).isBetween(6.5, 7.0);
    }

    @Test
    void shouldFillUpToTheKvMarkAndNoFurther() {
        Topology topology = SmallCluster.of(1, 20_000, false, new int[] {0, 1});
        Scenario scenario = new Scenario(
                "fill",
                List.of(new Group("all", topology, Load.Fill.HELIX)),
                HELIX,
                List.of(new RequestShape(10, 100)),
                Scenario.Draw.RANDOM,
                1,
                100,
                500,
                false);

        SimulationResult result = Simulation.run(scenario);

        // 250 tokens are set aside per request: 0.8 of the cache is 64 of them, 0.85 is 68.
        assertThat(result.meanInFlight()).isBetween(60.0, 68.0);
        assertThat(result.meanKvExpectation()).isBetween(0.75, 0.85);
    }

    @Test
    void shouldWaitOnlineAndRejectOfflineWhenNoRouteHasRoom() {
        Topology topology = SmallCluster.of(1, 300, false, new int[] {0, 1});
        RequestShape shape = new RequestShape(50, 5);
        Scenario online = given(topology, HELIX, new double[] {0, 0}, shape, shape);
        Scenario offline = new Scenario(
                "offline",
                List.of(new Group("all", topology, new Load.Fill(2, 0.8))),
                HELIX,
                List.of(shape),
                Scenario.Draw.RANDOM,
                1,
                0,
                5,
                false);

        // Room for one: the second starts when the first has ended.
        SimulationResult waited = Simulation.run(online);
        assertThat(waited.requestsRejected()).isZero();
        assertThat(waited.requestsFinished()).isEqualTo(2);
        assertThat(waited.prompt().p99())
                .isGreaterThan(waited.prompt().p5() + 5 * waited.decode().p5() - 1e-9);
        assertThat(Simulation.run(offline).requestsRejected()).isPositive();
    }
}
