package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.planning.FlowCost;
import io.sluice.core.planning.FlowSolver;
import io.sluice.core.planning.WorkerGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LeastCostTest {
    /** What {@link FlowSolver} leaves open per edge where like workers are taken together. */
    private static final double SLACK = 6;

    private final OrToolsMaxFlow library = new OrToolsMaxFlow();
    private final FlowSolver inTime = new FlowSolver(library);
    private final FlowSolver exact = FlowSolver.exact(library);

    private static double perToken(Allocation allocation) {
        return FlowCost.of(allocation).total() / allocation.maxFlow();
    }

    @ParameterizedTest
    @CsvSource({"60, 1", "60, 2", "100, 3", "100, 4", "150, 5", "200, 6", "300, 7", "1000, 8"})
    void shouldLeaveNoCheaperWayAtAnySize(int workers, long seed) {
        Allocation allocation = exact.solve(SyntheticClusters.graph(workers, seed, 0), 1);
        assertThat(AllocationVerifier.verify(allocation)).isEmpty();
        assertThat(CheaperWay.exists(allocation, SLACK)).isFalse();
    }

    @Test
    void shouldLeaveNoCheaperWayOnSmallRandomGraphs() {
        for (long seed = 0; seed < 400; seed++) {
            Allocation allocation = exact.solve(RandomWorkers.graph(seed), 1);
            assertThat(CheaperWay.exists(allocation, SLACK)).as("seed %d", seed).isFalse();
        }
    }

    @Test
    void shouldBeTheSameInTimeAndWithoutLimitWhereBothCostLeast() {
        for (long seed = 0; seed < 20; seed++) {
            WorkerGraph graph = SyntheticClusters.graph(50 + 7 * (int) seed, seed, 0);
            assertThat(inTime.solve(graph, 1)).as("seed %d", seed).isEqualTo(exact.solve(graph, 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"600, 1", "1000, 2"})
    void shouldCarryTheSameInTimeForATenthMoreAtMost(int workers, long seed) {
        WorkerGraph graph = SyntheticClusters.graph(workers, seed, 0);
        Allocation quick = inTime.solve(graph, 1);
        Allocation least = exact.solve(graph, 1);
        assertThat(AllocationVerifier.verify(quick)).isEmpty();
        assertThat(quick.maxFlow()).isCloseTo(least.maxFlow(), within(1e-6 * least.maxFlow()));
        assertThat(perToken(quick)).isBetween(perToken(least), 1.1 * perToken(least));
        assertThat(CheaperWay.exists(quick, SLACK))
                .as("what the check would not let pass")
                .isTrue();
    }
}
