package io.sluice.core.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.placement.heuristics.Heuristics;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FeasibilityTest {
    private static final PlacementConstraints NONE = PlacementConstraints.NONE;

    private static PlacementProblem asked(
            Set<String> regions,
            Set<WorkerId> empty,
            Map<WorkerId, LayerRange> pinned,
            int hops,
            int replicas,
            double price) {
        return SmallCluster.problem(new PlacementConstraints(false, regions, empty, pinned, hops, replicas, price));
    }

    private static PlacementProblem profiles(Map<String, LayerProfile> profiles) {
        return RandomProblems.of(
                List.of(SmallCluster.type("big", 6), SmallCluster.type("small", 1)),
                SmallCluster.nodes(),
                SmallCluster.links(SmallCluster.FAST),
                profiles,
                SmallCluster.LAYERS,
                NONE);
    }

    private static Links islands() {
        Links.Builder links = Links.builder(6);
        for (int i = 0; i < 6; i++) {
            links.setBoth(Links.COORDINATOR, i, 1e9, 0.001);
        }
        // Big ones are apart, and three small ones together hold nine layers, but one of them is not linked.
        return links.setBoth(2, 3, 1e9, 0.001).build();
    }

    static Stream<Arguments> absurd() {
        Set<WorkerId> all = Set.of(
                new WorkerId("big-0"),
                new WorkerId("big-1"),
                new WorkerId("small-2"),
                new WorkerId("small-3"),
                new WorkerId("small-4"),
                new WorkerId("small-5"));
        return Stream.of(
                Arguments.of(
                        asked(Set.of("c"), Set.of(), Map.of(), 0, 1, 0),
                        "none of the allowed regions [c] has a machine"),
                Arguments.of(asked(Set.of(), all, Map.of(), 0, 1, 0), "every node of cluster test is to be left empty"),
                Arguments.of(profiles(Map.of()), "no node that may hold psalm fits a layer of it"),
                Arguments.of(
                        asked(Set.of("a"), Set.of(), Map.of(new WorkerId("small-2"), new LayerRange(0, 2)), 0, 1, 0),
                        "node small-2 is pinned to layers [0, 2), but it may not hold psalm"),
                Arguments.of(profiles(Map.of("small", SmallCluster.profile(1, 500))), "fit 4 of its 8 layers together"),
                Arguments.of(profiles(Map.of("big", SmallCluster.profile(6, 0))), "no node has any throughput"),
                Arguments.of(asked(Set.of(), Set.of(), Map.of(), 0, 4, 0), "4 replicas of 8 layers are asked for"),
                Arguments.of(
                        SmallCluster.problem(NONE, Links.builder(6).build()),
                        "the coordinator has no link to any node"),
                Arguments.of(
                        SmallCluster.problem(NONE, islands()), "no group of machines that links connect holds all 8"),
                Arguments.of(asked(Set.of(), Set.of(), Map.of(), 1, 1, 0), "the 1 largest nodes fit 6 of 8 layers"),
                Arguments.of(asked(Set.of(), Set.of(), Map.of(), 0, 1, 2), "cost at least 2.66"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("absurd")
    void shouldSayInOneSentenceWhyNothingCanServe(PlacementProblem problem, String words) {
        String reason = Feasibility.explain(problem).orElseThrow();
        assertThat(reason).contains(words).doesNotContain("\n");
        SearchControl control = SearchControl.of(1, 1, () -> 0);
        for (PlacementMethod rule : Heuristics.all()) {
            assertThat(rule.place(problem, Objectives.flow(), control))
                    .isEqualTo(new PlacementOutcome.Infeasible(reason));
        }
        assertThat(new LocalSearch(10).place(problem, Objectives.flow(), control))
                .isEqualTo(new PlacementOutcome.Infeasible(reason));
        assertThat(new BruteForce().place(problem, Objectives.flow(), control))
                .isEqualTo(new PlacementOutcome.Infeasible(reason));
    }

    @Test
    void shouldFindNothingWrongWhereSomethingServes() {
        assertThat(Feasibility.explain(SmallCluster.problem(NONE))).isEmpty();
        int solved = 0;
        for (long seed = 0; seed < 150; seed++) {
            PlacementProblem problem = RandomProblems.problem(seed, 3, 5, NONE);
            PlacementOutcome outcome =
                    new BruteForce().place(problem, Objectives.flow(), SearchControl.of(1, 60, () -> 0));
            if (outcome instanceof PlacementOutcome.Optimal) {
                assertThat(Feasibility.explain(problem)).as("seed %s", seed).isEmpty();
                solved++;
            }
        }
        assertThat(solved).isGreaterThan(50);
    }
}
