package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FlowSolverTest {
    private final FlowSolver solver = new FlowSolver(new CheapestPaths());

    private static double flowOf(Allocation allocation, String worker) {
        return allocation.workers().stream()
                .filter(w -> w.worker().value().equals(worker))
                .findFirst()
                .orElseThrow()
                .flow();
    }

    @Test
    void shouldReachTheMinimumCutOnRandomGraphs() {
        int positive = 0;
        for (long seed = 0; seed < 1_000; seed++) {
            Allocation allocation = solver.solve(Graphs.random(seed), 1);
            assertThat(AllocationVerifier.verify(allocation))
                    .as("seed %d", seed)
                    .isEmpty();
            assertThat(allocation.maxFlow())
                    .as("seed %d", seed)
                    .isCloseTo(allocation.bound(), within(1e-6 * allocation.bound() + 1e-12));
            positive += allocation.maxFlow() > 0 ? 1 : 0;
        }
        assertThat(positive).as("graphs that carry something").isGreaterThan(300);
    }

    @Test
    void shouldSplitInProportionToCapacityWithinAStage() {
        Allocation allocation = solver.solve(
                Graphs.graph(
                        4,
                        Graphs.vertex("fast", 0, 2, 300),
                        Graphs.vertex("slow", 0, 2, 100),
                        Graphs.vertex("tail", 2, 4, 200)),
                7);
        assertThat(allocation.epoch()).isEqualTo(7);
        assertThat(allocation.maxFlow()).isEqualTo(200);
        assertThat(flowOf(allocation, "fast")).isEqualTo(150);
        assertThat(flowOf(allocation, "slow")).isEqualTo(50);
        assertThat(allocation.bottleneck()).containsExactly("tail");
    }

    @Test
    void shouldNameASlowLinkAsTheBottleneck() {
        Vertex a = Graphs.vertex("a", 0, 2, 300);
        Vertex b = Graphs.vertex("b", 2, 4, 300);
        WorkerGraph.Bandwidth slow = (from, to, declared) -> from.equals("a") ? 64 * 2 * 50.0 : declared;
        Allocation allocation = solver.solve(WorkerGraph.build(Graphs.plan(4, List.of(a, b)), List.of(a, b), slow), 1);
        assertThat(allocation.maxFlow()).isCloseTo(50, within(1e-6));
        assertThat(allocation.bottleneck()).containsExactly("a>b");
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
    }

    @Test
    void shouldBalanceReplicasWhenRangesOverlap() {
        // b and c are alike, and the partial range of d keeps the closed form away.
        Allocation allocation = solver.solve(
                Graphs.graph(
                        6,
                        Graphs.vertex("a", 0, 2, 100),
                        Graphs.vertex("b", 2, 4, 100),
                        Graphs.vertex("c", 2, 4, 100),
                        Graphs.vertex("d", 3, 6, 1000)),
                1);
        assertThat(allocation.maxFlow()).isCloseTo(100, within(1e-6));
        assertThat(flowOf(allocation, "b")).isCloseTo(50, within(100.0 / FlowCost.WORKER_STEPS));
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
    }

    @Test
    void shouldNotDependOnTheOrderOfTheWorkers() {
        for (long seed = 0; seed < 200; seed++) {
            WorkerGraph graph = Graphs.random(seed);
            List<Vertex> shuffled = new ArrayList<>(graph.vertices());
            SplittableRandom random = new SplittableRandom(seed);
            for (int i = shuffled.size() - 1; i > 0; i--) {
                shuffled.add(shuffled.remove(random.nextInt(i + 1)));
            }
            Allocation again = solver.solve(Graphs.graph(graph.layerCount(), shuffled), 1);
            assertThat(again).as("seed %d", seed).isEqualTo(solver.solve(graph, 1));
        }
    }

    @Test
    void shouldNameTheLayersNobodyHolds() {
        Allocation allocation =
                solver.solve(Graphs.graph(8, Graphs.vertex("a", 0, 2, 100), Graphs.vertex("b", 4, 7, 100)), 3);
        assertThat(allocation.maxFlow()).isZero();
        assertThat(allocation.bound()).isZero();
        assertThat(allocation.bottleneck())
                .containsExactly("no worker holds layers [2, 4)", "no worker holds layers [7, 8)");
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
    }

    @Test
    void shouldCarryNothingThroughAStageWithoutSpeed() {
        Allocation allocation =
                solver.solve(Graphs.graph(2, Graphs.vertex("a", 0, 1, 100), Graphs.vertex("b", 1, 2, 0)), 1);
        assertThat(allocation.maxFlow()).isZero();
        assertThat(allocation.bottleneck()).containsExactly("b");
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
    }

    @Test
    void canSolveWithoutAnyWorker() {
        Allocation allocation = solver.solve(Graphs.graph(2), 1);
        assertThat(allocation.maxFlow()).isZero();
        assertThat(allocation.bottleneck()).containsExactly("no worker holds layers [0, 2)");
    }
}
