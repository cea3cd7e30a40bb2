package io.sluice.core.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.MachineType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SearchTest {
    private static final PlacementConstraints NONE = PlacementConstraints.NONE;
    private static final SearchControl CONTROL = SearchControl.of(1, 3600, () -> 0);

    private static double best(PlacementProblem problem, PlacementObjective objective) {
        PlacementOutcome outcome = new BruteForce().place(problem, objective, CONTROL);
        return outcome instanceof PlacementOutcome.Optimal optimal ? optimal.value() : 0;
    }

    @Test
    void shouldReachTheTruthOfBruteForceOnMostSmallClustersAndNeverPassIt() {
        int solved = 0;
        int reached = 0;
        for (long seed = 0; seed < 120; seed++) {
            PlacementProblem problem = RandomProblems.problem(seed, 3, 4, NONE.withPartialInference(seed % 2 == 0));
            double truth = best(problem, Objectives.flow());
            PlacementOutcome found = new LocalSearch(4_000).place(problem, Objectives.flow(), CONTROL);
            if (truth > 0) {
                solved++;
                double value = found.found()
                        .map(layout -> Objectives.flow().value(problem, layout))
                        .orElse(0.0);
                assertThat(value).as("seed %s", seed).isLessThanOrEqualTo(truth * (1 + 1e-9));
                reached += value >= truth * (1 - 1e-9) ? 1 : 0;
            } else {
                assertThat(found.found()).as("seed %s", seed).isEmpty();
            }
        }
        System.out.println("local search: optimum of " + reached + " of " + solved + " small clusters");
        assertThat(solved).isGreaterThan(60);
        assertThat(reached).isGreaterThanOrEqualTo(solved * 95 / 100);
    }

    @Test
    void shouldKeepEveryConstraint() {
        PlacementConstraints strict = new PlacementConstraints(
                false,
                Set.of("a", "b"),
                Set.of(new WorkerId("small-3")),
                Map.of(new WorkerId("small-2"), new LayerRange(0, 2)),
                4,
                2,
                20);
        PlacementProblem problem = SmallCluster.problem(strict);
        List<Double> heard = new ArrayList<>();
        Layout layout = new LocalSearch(30_000)
                .place(problem, Objectives.flow(), CONTROL.withListener(p -> {
                    assertThat(PlacementVerifier.verify(problem, p.best().orElseThrow()))
                            .isEmpty();
                    heard.add(p.value());
                }))
                .found()
                .orElseThrow();
        assertThat(PlacementVerifier.verify(problem, layout)).isEmpty();
        assertThat(heard).isNotEmpty().isSorted();
    }

    @Test
    void shouldGiveTheSameLayoutForTheSameSeed() {
        PlacementProblem problem = RandomProblems.problem(5, 8, 10, NONE);
        PlacementOutcome once = new LocalSearch(5_000).place(problem, Objectives.byName("serving"), CONTROL);
        assertThat(new LocalSearch(5_000).place(problem, Objectives.byName("serving"), CONTROL))
                .isEqualTo(once);
    }

    @Test
    void shouldNotReturnLessThanAGivenStart() {
        PlacementProblem problem = SmallCluster.problem(NONE);
        Layout start = SmallCluster.twice();
        PlacementOutcome outcome =
                new LocalSearch(0).place(problem, Objectives.flow(), CONTROL.withStarts(List.of(start)));
        assertThat(Objectives.flow().value(problem, outcome.found().orElseThrow()))
                .isGreaterThanOrEqualTo(Objectives.flow().value(problem, start));
    }

    @Test
    void shouldNeverExceedItsBoundWhateverTheObjective() {
        for (String name : List.of("flow", "flow-per-cost", "flow-per-watt", "flow-within-latency:0.1")) {
            PlacementObjective objective = Objectives.byName(name);
            for (long seed = 0; seed < 100; seed++) {
                PlacementProblem problem = RandomProblems.problem(seed, 6, 6, NONE);
                Layout layout = RandomProblems.layout(problem, seed);
                assertThat(objective.value(problem, layout))
                        .as("%s, seed %s", name, seed)
                        .isBetween(0.0, objective.upperBound(problem) * (1 + 1e-9));
                int[] first = new int[problem.nodes()];
                int[] end = new int[problem.nodes()];
                for (int i = 0; i < first.length; i++) {
                    first[i] = layout.first(i);
                    end[i] = layout.end(i);
                }
                assertThat(objective.on(problem).of(first, end)).isEqualTo(objective.value(problem, layout));
            }
        }
    }

    @Test
    void shouldBoundLatencyByLeavingSlowPipelinesOut() {
        PlacementProblem problem = SmallCluster.problem(NONE);
        Layout layout = SmallCluster.twice();
        double all = Objectives.flow().value(problem, layout);
        assertThat(Objectives.flowWithinLatency(10).value(problem, layout)).isCloseTo(all, within(1e-6));
        // Eight layers of 2 ms and 40 ms to the coordinator and back are in every pipeline.
        assertThat(Objectives.flowWithinLatency(0.05).value(problem, layout)).isZero();
        // Two big ones in a row need less than 65 ms; a change of region costs 20 ms more.
        double near = Objectives.flowWithinLatency(0.065).value(problem, layout);
        assertThat(near).isPositive().isLessThanOrEqualTo(all);
    }

    @Test
    void shouldNameObjectivesThatDoNotExistAndPricesThatAreMissing() {
        assertThatThrownBy(() -> Objectives.byName("speed"))
                .hasMessageContaining("no objective 'speed'; choose one of");
        assertThatThrownBy(() -> Objectives.byName("flow-within-latency:soon"))
                .hasMessageContaining("a number of seconds is needed");
        List<MachineType> free = List.of(SmallCluster.type("big", 0), SmallCluster.type("small", 0));
        PlacementProblem problem = RandomProblems.of(
                free,
                SmallCluster.nodes(),
                SmallCluster.links(SmallCluster.FAST),
                Map.of("big", SmallCluster.profile(6, 1200)),
                SmallCluster.LAYERS,
                NONE);
        assertThatThrownBy(() -> Objectives.byName("flow-per-cost").upperBound(problem))
                .hasMessageContaining("needs the price per hour of machine type big");
    }

    @Test
    void shouldExplainEveryNode() {
        PlacementProblem problem = SmallCluster.problem(NONE);
        Layout layout = SmallCluster.layout(0, 4, 4, 8, 0, 3, 0, 0, 0, 0, 0, 0);
        PlacementReasons reasons = PlacementReasons.of(problem, Objectives.flow(), layout);
        assertThat(reasons.value()).isCloseTo(300, within(1e-6));
        assertThat(reasons.flow()).isCloseTo(300, within(1e-6));
        assertThat(reasons.bottleneck()).contains("big-");
        PlacementReasons.NodeReason first = reasons.nodes().get(0);
        assertThat(first.without()).isZero();
        assertThat(first.utilisation()).isCloseTo(1, within(1e-6));
        assertThat(first.inMinimumCut()).isTrue();
        assertThat(first.leastReplicas()).isEqualTo(1);
        PlacementReasons.NodeReason idle = reasons.nodes().get(2);
        assertThat(idle.without()).isCloseTo(300, within(1e-6));
        assertThat(idle.utilisation()).isZero();
        assertThat(reasons.nodes().get(3).oneMore()).isNaN();
    }

    @Test
    void shouldSayWhatOneMoreMachineAdds() {
        PlacementProblem problem = SmallCluster.problem(NONE);
        Layout layout = new LocalSearch(5_000)
                .place(problem, Objectives.flow(), CONTROL)
                .found()
                .orElseThrow();
        List<PlacementReasons.TypeGain> gains =
                PlacementReasons.marginalGains(problem, Objectives.flow(), layout, CONTROL, 5_000);
        assertThat(gains).extracting(PlacementReasons.TypeGain::type).containsExactly("big", "small", "none");
        assertThat(gains.get(0).gain())
                .isPositive()
                .isGreaterThanOrEqualTo(gains.get(1).gain());
        assertThat(gains.get(1).gain()).isNotNegative();
        assertThat(gains.get(2).gain()).as("a type without a profile").isZero();
        assertThat(gains).allSatisfy(g -> assertThat(g.region()).isEqualTo("b"));
    }
}
