package io.sluice.core.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Links;
import io.sluice.core.planning.PlacementPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PlacementVerifierTest {
    private static final PlacementConstraints NONE = PlacementConstraints.NONE;
    private static final WorkerId BIG = new WorkerId("big-0");
    private static final Layout GOOD = SmallCluster.layout(0, 4, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);

    private static PlacementConstraints asked(
            Set<String> regions,
            Set<WorkerId> empty,
            Map<WorkerId, LayerRange> pinned,
            int hops,
            int replicas,
            double price) {
        return new PlacementConstraints(false, regions, empty, pinned, hops, replicas, price);
    }

    private static Links without(int from, int to) {
        Links all = SmallCluster.links(SmallCluster.FAST);
        Links.Builder links = Links.builder(all.nodes());
        for (int u = Links.COORDINATOR; u < all.nodes(); u++) {
            for (int v = Links.COORDINATOR; v < all.nodes(); v++) {
                if (u != v) {
                    links.set(u, v, u == from && v == to ? 0 : all.bytesPerSecond(u, v), 0.001);
                }
            }
        }
        return links.build();
    }

    @Test
    void shouldPassLayoutsThatServeAsAsked() {
        assertThat(PlacementVerifier.verify(SmallCluster.problem(NONE), GOOD)).isEmpty();
        PlacementConstraints strict = asked(Set.of("a", "b"), Set.of(), Map.of(BIG, new LayerRange(0, 4)), 4, 2, 16);
        assertThat(PlacementVerifier.verify(SmallCluster.problem(strict), SmallCluster.twice()))
                .isEmpty();
    }

    static Stream<Arguments> corrupted() {
        PlacementProblem plain = SmallCluster.problem(NONE);
        PlacementConstraints partial = NONE.withPartialInference(true);
        return Stream.of(
                Arguments.of("too few nodes", plain, SmallCluster.layout(0, 4, 4, 8), "is for 2 nodes"),
                Arguments.of("nothing placed", plain, Layout.empty(6), "no node holds layers [0, 8)"),
                Arguments.of("first layer missing", plain, GOOD.with(0, 1, 4), "no node holds layers [0, 1)"),
                Arguments.of("last layer missing", plain, GOOD.with(1, 4, 7), "no node holds layers [7, 8)"),
                Arguments.of("hole in the middle", plain, GOOD.with(0, 0, 3), "no node holds layers [3, 4)"),
                Arguments.of(
                        "beyond the model", plain, GOOD.with(1, 4, 9), "holds layers [4, 9) of a model of 8 layers"),
                Arguments.of(
                        "more than fits", plain, GOOD.with(2, 0, 4), "4 layers, but only 3 fit machine type small"),
                Arguments.of("ranges overlap", plain, GOOD.with(0, 0, 5), "no pipeline passes every layer"),
                Arguments.of(
                        "behind the predecessor, though partial inference is on",
                        SmallCluster.problem(partial, without(0, 1)),
                        GOOD,
                        "no pipeline passes every layer"),
                Arguments.of(
                        "link missing",
                        SmallCluster.problem(NONE, without(0, 1)),
                        GOOD,
                        "no pipeline passes every layer"),
                Arguments.of(
                        "no way in",
                        SmallCluster.problem(NONE, without(-1, 0)),
                        GOOD,
                        "no pipeline passes every layer"),
                Arguments.of(
                        "no way out",
                        SmallCluster.problem(NONE, without(1, -1)),
                        GOOD,
                        "no pipeline passes every layer"),
                Arguments.of(
                        "pinned node moved",
                        SmallCluster.problem(asked(Set.of(), Set.of(), Map.of(BIG, new LayerRange(4, 8)), 0, 1, 0)),
                        GOOD,
                        "node big-0 is pinned to layers [4, 8), but holds layers [0, 4)"),
                Arguments.of(
                        "pinned node emptied",
                        SmallCluster.problem(asked(
                                Set.of(), Set.of(), Map.of(new WorkerId("small-2"), new LayerRange(0, 2)), 0, 1, 0)),
                        GOOD,
                        "but holds nothing"),
                Arguments.of(
                        "empty node used",
                        SmallCluster.problem(asked(Set.of(), Set.of(BIG), Map.of(), 0, 1, 0)),
                        GOOD,
                        "node big-0 was to be left empty"),
                Arguments.of(
                        "region forbidden",
                        SmallCluster.problem(asked(Set.of("b"), Set.of(), Map.of(), 0, 1, 0)),
                        GOOD,
                        "in region a, but only [b] may hold psalm"),
                Arguments.of(
                        "too few replicas",
                        SmallCluster.problem(asked(Set.of(), Set.of(), Map.of(), 0, 2, 0)),
                        GOOD,
                        "layers [0, 8) are on 1 nodes, but 2 replicas"),
                Arguments.of(
                        "replicas that do not meet",
                        SmallCluster.problem(asked(Set.of(), Set.of(), Map.of(), 0, 2, 0)),
                        SmallCluster.layout(0, 4, 4, 8, 0, 2, 2, 3, 3, 6, 5, 8),
                        "without node big-0 no pipeline passes every layer"),
                Arguments.of(
                        "too many hops",
                        SmallCluster.problem(asked(Set.of(), Set.of(), Map.of(), 3, 1, 0)),
                        SmallCluster.twice(),
                        "a pipeline can have 4 stages, but at most 3"),
                Arguments.of(
                        "too dear",
                        SmallCluster.problem(asked(Set.of(), Set.of(), Map.of(), 0, 1, 12)),
                        SmallCluster.twice(),
                        "cost 16.0 per hour, the ceiling is 12.0"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("corrupted")
    void shouldReject(String what, PlacementProblem problem, Layout layout, String words) {
        assertThat(PlacementVerifier.verify(problem, layout)).as(what).anySatisfy(v -> assertThat(v)
                .contains(words));
    }

    private static PlacementPlan plan(String model, int layers, int hidden, String worker) {
        List<Stage> stages = new ArrayList<>();
        stages.add(new Stage(BIG, new LayerRange(0, 4)));
        stages.add(new Stage(new WorkerId(worker), new LayerRange(4, 8)));
        return new PlacementPlan(model, 1, layers, hidden, 2, stages);
    }

    static Stream<Arguments> corruptedPlans() {
        return Stream.of(
                Arguments.of("another model", plan("hymn", 8, 64, "big-1"), "the plan is for model hymn"),
                Arguments.of("more layers", plan("psalm", 9, 64, "big-1"), "the plan counts 9 layers"),
                Arguments.of("another hidden size", plan("psalm", 8, 128, "big-1"), "sends 256 bytes per token"),
                Arguments.of("an unknown worker", plan("psalm", 8, 64, "big-7"), "big-7, which is not in cluster test"),
                Arguments.of("more than fits", plan("psalm", 8, 64, "small-2"), "only 3 fit"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("corruptedPlans")
    void shouldRejectThePlan(String what, PlacementPlan plan, String words) {
        assertThat(PlacementVerifier.verify(SmallCluster.problem(NONE), plan))
                .as(what)
                .anySatisfy(v -> assertThat(v).contains(words));
    }

    @Test
    void shouldPassAGoodPlan() {
        assertThat(PlacementVerifier.verify(SmallCluster.problem(NONE), plan("psalm", 8, 64, "big-1")))
                .isEmpty();
    }

    @Test
    void shouldAgreeWithTheFlowOnWhetherALayoutServes() {
        int serving = 0;
        for (long seed = 0; seed < 500; seed++) {
            PlacementProblem problem = RandomProblems.problem(
                    seed, 2 + (int) (seed % 7), 2 + (int) (seed % 9), NONE.withPartialInference(seed % 2 == 0));
            Layout layout = RandomProblems.layout(problem, seed + 9);
            boolean flows = new LayoutFlow(problem).value(layout) > 0;
            assertThat(PlacementVerifier.verify(problem, layout).isEmpty())
                    .as("seed %s: %s", seed, layout)
                    .isEqualTo(flows);
            serving += flows ? 1 : 0;
        }
        assertThat(serving).isBetween(50, 450);
    }
}
