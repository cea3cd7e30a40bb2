package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFolder;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelVerifier;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.solver.MultiModelFlow.Goal;
import io.sluice.solver.MultiModelOutcome.Found;
import io.sluice.solver.MultiModelOutcome.Infeasible;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MultiModelPlacementTest {
    private static final PlacementConstraints NONE = PlacementConstraints.NONE;

    /** No clock: it ends when splits and changes are spent. */
    private static MultiModelOutcome place(MultiModelProblem problem, long changes, long splits) {
        SearchControl control =
                new SearchControl(7, Long.MAX_VALUE / 4, 0, () -> 0, () -> false, 0, List.of(), p -> {});
        return new MultiModelPlacement(new LocalSearch(changes), changes, splits)
                .place(problem, Objectives.flow(), control);
    }

    private static PlacementConstraints regions(String region) {
        return new PlacementConstraints(false, Set.of(region), Set.of(), Map.of(), 0, 1, 0);
    }

    @Test
    void shouldFindTheKnownOptimumOfSixNodes() {
        Cluster cluster = TwoModels.equal(6, 1e9);
        PlacementProblem alto = TwoModels.model(cluster, "alto", 2, 1, NONE);
        PlacementProblem bass = TwoModels.model(cluster, "bass", 1, 1, NONE);
        // A node does 100 layers/s. Alto passes two nodes: 4 + 2 nodes are 200 and 200, and 2 + 4 are 100 and 400.
        Found even = (Found) place(TwoModels.both(alto, 1, bass, 1), 500, 200);
        assertThat(even.level()).isCloseTo(200, within(1e-6));
        assertThat(even.gap()).isLessThan(1e-5);
        Found uneven = (Found) place(TwoModels.both(alto, 1, bass, 4), 500, 200);
        assertThat(uneven.values().get(0)).isCloseTo(100, within(1e-6));
        assertThat(uneven.values().get(1)).isCloseTo(400, within(1e-6));
        MultiModelProblem problem = TwoModels.both(alto, 1, bass, 1);
        assertThat(MultiModelFlow.solve(problem, even.layouts(), Goal.CONCURRENT)
                        .solution()
                        .lambda())
                .isCloseTo(200, within(1e-3));
    }

    @Test
    void shouldEqualBruteForceOverAllSplits() {
        int solved = 0;
        for (long seed = 0; seed < 50; seed++) {
            MultiModelProblem problem = TwoModels.any(seed);
            double most = bestOfAllSplits(problem);
            MultiModelOutcome outcome = place(problem, 6_000, 1_000);
            if (most <= 0) {
                assertThat(outcome).as("seed %d", seed).isNotInstanceOf(Found.class);
                continue;
            }
            Found found = (Found) outcome;
            assertThat(found.level()).as("seed %d", seed).isCloseTo(most, within(1e-6 * most));
            assertThat(found.bound()).as("seed %d", seed).isGreaterThanOrEqualTo(most * (1 - 1e-6));
            var solution = MultiModelFlow.solve(problem, found.layouts(), Goal.CONCURRENT)
                    .solution();
            assertThat(MultiModelVerifier.verify(problem, solution))
                    .as("seed %d", seed)
                    .isEmpty();
            assertThat(solution.lambda()).as("seed %d", seed).isCloseTo(found.level(), within(1e-6 * most));
            solved++;
        }
        assertThat(solved).isGreaterThan(15);
    }

    private static double bestOfAllSplits(MultiModelProblem problem) {
        int nodes = problem.cluster().nodes().size();
        double[][] flow = new double[2][1 << nodes];
        for (int m = 0; m < 2; m++) {
            everyLayout(problem.problem(m), new int[nodes], new int[nodes], 0, 0, flow[m]);
            for (int set = 0; set < flow[m].length; set++) {
                for (int i = 0; i < nodes; i++) {
                    flow[m][set | 1 << i] = Math.max(flow[m][set | 1 << i], flow[m][set]);
                }
            }
        }
        double most = 0;
        int all = (1 << nodes) - 1;
        for (int set = 0; set <= all; set++) {
            most = Math.max(most, Math.min(flow[0][set] / problem.weight(0), flow[1][all & ~set] / problem.weight(1)));
        }
        return most;
    }

    private static void everyLayout(PlacementProblem one, int[] first, int[] end, int node, int set, double[] flow) {
        if (node == first.length) {
            flow[set] = Math.max(flow[set], new LayoutFlow(one).value(Layout.of(first, end)));
            return;
        }
        everyLayout(one, first, end, node + 1, set, flow);
        for (int begin = 0; begin < one.layers(); begin++) {
            for (int stop = begin + 1; stop <= Math.min(one.layers(), begin + one.maxLayers(node)); stop++) {
                first[node] = begin;
                end[node] = stop;
                everyLayout(one, first, end, node + 1, set | 1 << node, flow);
            }
        }
        first[node] = 0;
        end[node] = 0;
    }

    @Test
    void shouldFindTheSameTwiceAndWalkWhereSplitsAreMany() {
        Cluster cluster = TwoModels.equal(12, 1e9);
        MultiModelProblem problem = TwoModels.both(
                TwoModels.model(cluster, "alto", 4, 2, NONE), 1, TwoModels.model(cluster, "bass", 2, 2, NONE), 2);
        Found once = (Found) place(problem, 400, 60);
        Found again = (Found) place(problem, 400, 60);
        assertThat(once.layouts()).isEqualTo(again.layouts());
        // 1200 layers/s for 4 + 2 * 2 layers.
        assertThat(once.bound()).isCloseTo(150, within(0.01));
        assertThat(once.level()).isCloseTo(150, within(0.01));
    }

    @Test
    void shouldKeepEveryModelInItsRegionAndOnItsPins() {
        Cluster cluster = TwoModels.equal(6, 1e9);
        PlacementConstraints pinned = new PlacementConstraints(
                false, Set.of(), Set.of(), Map.of(new WorkerId("n-5"), LayerRange.parse("0-1")), 0, 1, 0);
        MultiModelProblem problem = TwoModels.both(
                TwoModels.model(cluster, "alto", 1, 1, regions("east")),
                5,
                TwoModels.model(cluster, "bass", 1, 1, pinned),
                1);
        Found found = (Found) place(problem, 300, 200);
        assertThat(found.layouts().get(0).holds(1) || found.layouts().get(0).holds(3))
                .isFalse();
        assertThat(found.layouts().get(1).holds(5)).isTrue();
        assertThat(found.values().get(0)).isCloseTo(300, within(1e-6));
    }

    @Test
    void shouldSayWhichModelCannotBeHeld() {
        Cluster cluster = TwoModels.equal(4, 1e9);
        PlacementProblem alto = TwoModels.model(cluster, "alto", 3, 1, NONE);
        assertThat(((Infeasible) place(
                                TwoModels.both(alto, 1, TwoModels.model(cluster, "bass", 5, 1, NONE), 1), 100, 10))
                        .reason())
                .startsWith("model bass cannot be held: ");
        assertThat(((Infeasible) place(
                                TwoModels.both(alto, 1, TwoModels.model(cluster, "bass", 2, 1, NONE), 1), 100, 10))
                        .reason())
                .isEqualTo("model alto cannot be held beside bass: the nodes that may hold them fit 80 % of all their"
                        + " layers together; add machines or memory, or drop a model");
        PlacementConstraints pinned = new PlacementConstraints(
                false, Set.of(), Set.of(), Map.of(new WorkerId("n-1"), LayerRange.parse("0-1")), 0, 1, 0);
        assertThat(((Infeasible) place(
                                TwoModels.both(
                                        TwoModels.model(cluster, "alto", 2, 1, pinned),
                                        1,
                                        TwoModels.model(cluster, "bass", 2, 1, pinned),
                                        1),
                                100,
                                10))
                        .reason())
                .startsWith("node n-1 is pinned for alto and for bass");
    }

    @Test
    void shouldPlaceBothPublishedModelsOnSingle24() {
        MultiModelProblem problem = single24();
        SearchControl control = SearchControl.of(1, 600, System::nanoTime);
        Found found = (Found)
                new MultiModelPlacement(new LocalSearch(3_000), 1_500, 25).place(problem, Objectives.flow(), control);
        var result = MultiModelFlow.solve(problem, found.layouts(), Goal.CONCURRENT);
        assertThat(MultiModelVerifier.verify(problem, result.solution())).isEmpty();
        assertThat(result.solution().lambda()).isCloseTo(found.level(), within(1e-4 * found.level()));
        assertThat(found.gap()).isLessThan(0.5);
        assertThat(result.bindings()).isNotEmpty();
    }

    private static MultiModelProblem single24() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("examples/helix"))) {
            folder = folder.getParent();
        }
        ClusterDescription read =
                HelixFolder.open(folder.resolve("examples/helix")).cluster("single24");
        return TwoModels.both(read.problem("llama1_30b"), 0.7, read.problem("llama2_70b"), 0.3);
    }
}
