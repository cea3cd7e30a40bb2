package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelProblem.Demand;
import io.sluice.core.placement.MultiModelSolution;
import io.sluice.core.placement.MultiModelVerifier;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.solver.MultiModelFlow.Goal;
import io.sluice.solver.MultiModelFlow.Result;
import java.util.List;
import org.junit.jupiter.api.Test;

class MultiModelFlowTest {
    private static Layout layout(int... ranges) {
        int[] first = new int[ranges.length / 2];
        int[] end = new int[ranges.length / 2];
        for (int i = 0; i < first.length; i++) {
            first[i] = ranges[2 * i];
            end[i] = ranges[2 * i + 1];
        }
        return Layout.of(first, end);
    }

    /** Both on node 0, alto in one layer (100 tokens/s), bass in two (50 tokens/s). */
    private static MultiModelProblem onOneNode(double bytesPerSecond) {
        Cluster cluster = TwoModels.equal(1, bytesPerSecond);
        return TwoModels.both(
                TwoModels.model(cluster, "alto", 1, 4, PlacementConstraints.NONE),
                1,
                TwoModels.model(cluster, "bass", 2, 4, PlacementConstraints.NONE),
                1);
    }

    @Test
    void shouldShareTheTimeOfANode() {
        MultiModelProblem problem = onOneNode(1e9);
        Result result = MultiModelFlow.solve(problem, List.of(layout(0, 1), layout(0, 2)), Goal.CONCURRENT);
        // f / 100 + f / 50 = 1
        assertThat(result.solution().lambda()).isCloseTo(100.0 / 3, within(1e-4));
        assertThat(MultiModelVerifier.verify(problem, result.solution())).isEmpty();
        assertThat(result.bottleneck(problem)).isEqualTo("node n-0 (33 % alto, 67 % bass)");
    }

    @Test
    void shouldShareTheBytesOfALink() {
        // Token ids of 2 bytes: 20 tokens/s for both together.
        MultiModelProblem problem = onOneNode(40);
        Result result = MultiModelFlow.solve(problem, List.of(layout(0, 1), layout(0, 2)), Goal.CONCURRENT);
        assertThat(result.solution().lambda()).isCloseTo(10, within(1e-5));
        assertThat(MultiModelVerifier.verify(problem, result.solution())).isEmpty();
        assertThat(result.bottleneck(problem))
                .contains(" (50 % alto, 50 % bass)")
                .contains("link ");
    }

    @Test
    void shouldGiveAllToTheCheaperModelWhenTheSumCounts() {
        MultiModelProblem problem = onOneNode(1e9);
        MultiModelSolution sum = MultiModelFlow.solve(problem, List.of(layout(0, 1), layout(0, 2)), Goal.WEIGHTED_SUM)
                .solution();
        assertThat(sum.models().get(0).flow()).isCloseTo(100, within(1e-3));
        assertThat(sum.models().get(1).flow()).isCloseTo(0, within(1e-3));
        assertThat(MultiModelVerifier.verify(problem, sum)).isEmpty();
    }

    @Test
    void shouldGiveWhatIsLeftToTheModelThatCanUseIt() {
        Cluster cluster = TwoModels.equal(3, 1e9);
        MultiModelProblem problem = TwoModels.both(
                TwoModels.model(cluster, "alto", 1, 2, PlacementConstraints.NONE),
                1,
                TwoModels.model(cluster, "bass", 1, 2, PlacementConstraints.NONE),
                1);
        // Node 0 is shared; only bass has nodes 1 and 2. The least is 100, and bass gets 200.
        Result result = MultiModelFlow.solve(
                problem, List.of(layout(0, 1, 0, 0, 0, 0), layout(0, 1, 0, 1, 0, 1)), Goal.CONCURRENT);
        assertThat(result.solution().lambda()).isCloseTo(100, within(1e-3));
        assertThat(result.solution().models().get(1).flow()).isCloseTo(200, within(1e-3));
        assertThat(result.bottleneck(problem)).endsWith("bass can carry 100.0 % more than its share");
    }

    @Test
    void shouldEqualTheMaximumFlowOfOneModel() {
        int flowing = 0;
        for (long seed = 0; seed < 150; seed++) {
            var one = SmallClusters.any(seed);
            MultiModelProblem problem = new MultiModelProblem(List.of(new Demand(one, 2)));
            Layout layout = TwoModels.layouts(problem, seed).get(0);
            double flow = new LayoutFlow(one).value(layout);
            MultiModelSolution solution = MultiModelFlow.solve(problem, List.of(layout), Goal.CONCURRENT)
                    .solution();
            assertThat(solution.models().get(0).flow()).as("seed %d", seed).isCloseTo(flow, within(1e-6 * flow + 1e-9));
            assertThat(solution.lambda()).as("seed %d", seed).isCloseTo(flow / 2, within(1e-6 * flow + 1e-9));
            flowing += flow > 0 ? 1 : 0;
        }
        assertThat(flowing).isGreaterThan(30);
    }

    @Test
    void shouldBeAcceptedByTheVerifierWhenModelsShareNodesAndLinks() {
        int served = 0;
        for (long seed = 0; seed < 600; seed++) {
            MultiModelProblem problem = TwoModels.any(seed);
            List<Layout> layouts = TwoModels.layouts(problem, seed);
            if (!MultiModelVerifier.verify(problem, layouts).isEmpty()) {
                continue;
            }
            for (Goal goal : Goal.values()) {
                MultiModelSolution solution =
                        MultiModelFlow.solve(problem, layouts, goal).solution();
                assertThat(MultiModelVerifier.verify(problem, solution))
                        .as("seed %d, %s", seed, goal)
                        .isEmpty();
            }
            served++;
        }
        assertThat(served).isGreaterThan(10);
    }
}
