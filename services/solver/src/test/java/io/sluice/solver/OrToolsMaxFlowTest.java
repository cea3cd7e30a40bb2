package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.planning.FlowNetwork;
import io.sluice.core.planning.FlowSolver;
import io.sluice.core.planning.WorkerGraph;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OrToolsMaxFlowTest {
    private final OrToolsMaxFlow solver = new OrToolsMaxFlow();

    private static FlowNetwork random(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int vertices = random.nextInt(2, 30);
        FlowNetwork network = new FlowNetwork(vertices, 0, 1);
        int arcs = random.nextInt(1, 4 * vertices);
        for (int i = 0; i < arcs; i++) {
            double capacity = random.nextInt(8) == 0 ? 0 : Math.pow(10, random.nextDouble(-3, 6));
            network.addArc(random.nextInt(vertices), random.nextInt(vertices), capacity, random.nextInt(64));
        }
        return network;
    }

    private static double leaving(FlowNetwork network, double[] flow, int vertex) {
        double sum = 0;
        for (int arc = 0; arc < flow.length; arc++) {
            sum += network.tail(arc) == vertex ? flow[arc] : 0;
            sum -= network.head(arc) == vertex ? flow[arc] : 0;
        }
        return sum;
    }

    @Test
    void shouldEqualTheOracleOnRandomNetworks() {
        int positive = 0;
        for (long seed = 0; seed < 1_500; seed++) {
            FlowNetwork network = random(seed);
            double[] flow = solver.solve(network);
            double expected = MaxFlowOracle.maxFlow(network);
            double largest = 1;
            for (int arc = 0; arc < flow.length; arc++) {
                largest = Math.max(largest, network.capacity(arc));
                assertThat(flow[arc]).isBetween(0.0, network.capacity(arc));
            }
            double rounding = 1e-9 * largest;
            assertThat(leaving(network, flow, network.source()))
                    .as("seed %d", seed)
                    .isCloseTo(expected, within(rounding));
            for (int vertex = 2; vertex < network.vertexCount(); vertex++) {
                assertThat(leaving(network, flow, vertex)).as("seed %d", seed).isCloseTo(0, within(rounding));
            }
            positive += expected > 0 ? 1 : 0;
        }
        assertThat(positive).isGreaterThan(500);
    }

    @Test
    void shouldEqualTheOracleAndTheCutOnRandomWorkerGraphs() {
        FlowSolver flows = new FlowSolver(solver);
        for (long seed = 0; seed < 1_000; seed++) {
            WorkerGraph graph = RandomWorkers.graph(seed);
            Allocation allocation = flows.solve(graph, 1);
            assertThat(AllocationVerifier.verify(allocation))
                    .as("seed %d", seed)
                    .isEmpty();
            double expected = MaxFlowOracle.maxFlow(graph);
            assertThat(allocation.maxFlow()).as("seed %d", seed).isCloseTo(expected, within(1e-6 * expected + 1e-9));
            assertThat(flows.solve(graph, 1))
                    .as("the same graph, the same split")
                    .isEqualTo(allocation);
        }
    }

    @Test
    void shouldTakeTheCheaperOfEqualFlows() {
        FlowNetwork network = new FlowNetwork(4, 0, 1);
        network.addArc(0, 2, 10, 0);
        network.addArc(2, 1, 10, 5);
        int cheap = network.addArc(2, 3, 4, 1);
        network.addArc(3, 1, 4, 1);
        assertThat(solver.solve(network)[cheap]).isCloseTo(4, within(1e-9));
    }

    @Test
    void canSolveFromSeveralThreads() {
        FlowNetwork network = random(3);
        double[] expected = solver.solve(network);
        CompletableFuture<?>[] runs = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.runAsync(() -> {
                    for (int n = 0; n < 50; n++) {
                        assertThat(solver.solve(network)).isEqualTo(expected);
                    }
                }))
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(runs).join();
    }

    @Test
    void shouldCarryNothingWithoutCapacity() {
        FlowNetwork network = new FlowNetwork(2, 0, 1);
        network.addArc(0, 1, 0, 0);
        assertThat(solver.solve(network)).containsExactly(0.0);
        assertThat(solver.solve(new FlowNetwork(2, 0, 1))).isEmpty();
    }
}
