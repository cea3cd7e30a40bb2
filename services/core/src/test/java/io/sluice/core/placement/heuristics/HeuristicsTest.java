package io.sluice.core.placement.heuristics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.RandomProblems;
import io.sluice.core.placement.SearchControl;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class HeuristicsTest {
    private static final SearchControl CONTROL = SearchControl.of(3, 3600, () -> 0);

    @Test
    void shouldGiveLayoutsThatServeOrSayWhyNot() {
        Map<String, Integer> served = new TreeMap<>();
        for (long seed = 0; seed < 200; seed++) {
            PlacementProblem problem = RandomProblems.problem(
                    seed, 4 + (int) (seed % 9), 6, PlacementConstraints.NONE.withPartialInference(seed % 2 == 0));
            for (PlacementMethod rule : Heuristics.all()) {
                PlacementOutcome outcome = rule.place(problem, Objectives.flow(), CONTROL);
                if (outcome instanceof PlacementOutcome.Feasible feasible) {
                    assertThat(PlacementVerifier.verify(problem, feasible.layout()))
                            .as("%s, seed %s", rule.name(), seed)
                            .isEmpty();
                    assertThat(feasible.value()).isEqualTo(new LayoutFlow(problem).value(feasible.layout()));
                    assertThat(feasible.value()).isBetween(Double.MIN_VALUE, feasible.bound() * (1 + 1e-9));
                    served.merge(rule.name(), 1, Integer::sum);
                } else {
                    assertThat(((PlacementOutcome.Infeasible) outcome).reason())
                            .as("%s, seed %s", rule.name(), seed)
                            .doesNotContain("\n")
                            .hasSizeGreaterThan(20);
                }
            }
        }
        System.out.println("layouts that serve, of 200 problems: " + served);
        assertThat(served).hasSize(Heuristics.all().size());
        assertThat(served.values()).allSatisfy(count -> assertThat(count).isGreaterThan(20));
    }

    @Test
    void shouldKeepPinnedEmptyAndForeignNodesWhatTheyAre() {
        WorkerId pinned = new WorkerId("n-1");
        WorkerId empty = new WorkerId("n-2");
        int kept = 0;
        for (long seed = 0; seed < 100; seed++) {
            PlacementProblem free = RandomProblems.problem(seed, 10, 5, PlacementConstraints.NONE);
            String region = free.cluster().nodes().get(1).region();
            int size = Math.min(2, Math.max(1, free.maxLayers(1)));
            PlacementProblem problem = RandomProblems.problem(
                    seed,
                    10,
                    5,
                    new PlacementConstraints(
                            false,
                            new TreeSet<>(List.of(region, "r0")),
                            Set.of(empty),
                            Map.of(pinned, new LayerRange(0, size)),
                            0,
                            1,
                            0));
            for (PlacementMethod rule : Heuristics.all()) {
                Layout layout =
                        rule.place(problem, Objectives.flow(), CONTROL).found().orElse(null);
                if (layout != null) {
                    kept++;
                    assertThat(layout.end(1)).isEqualTo(size);
                    assertThat(layout.holds(2)).isFalse();
                }
            }
        }
        assertThat(kept).isGreaterThan(100);
    }

    @Test
    void shouldSayWhichConstraintARuleDoesNotLookAt() {
        PlacementProblem problem = RandomProblems.problem(
                4, 12, 5, new PlacementConstraints(false, Set.of(), Set.of(), Map.of(), 0, 1, 0.001));
        assertThat(((PlacementOutcome.Infeasible) Heuristics.byName("swarm").place(problem, Objectives.flow(), CONTROL))
                        .reason())
                .contains("the ceiling is 0.001");
    }

    @Test
    void shouldTakeEvenStagesWhereLayersDivide() {
        PlacementProblem problem = RandomProblems.problem(11, 12, 6, PlacementConstraints.NONE);
        Layout layout = Heuristics.byName("swarm")
                .place(problem, Objectives.flow(), CONTROL)
                .found()
                .orElseThrow();
        int size = 0;
        for (int i = 0; i < problem.nodes(); i++) {
            if (layout.holds(i)) {
                size = size == 0 ? layout.layers(i) : size;
                assertThat(layout.layers(i)).isEqualTo(size);
            }
        }
        assertThat(6 % size).isZero();
    }

    @Test
    void shouldNameTheRulesThereAre() {
        assertThatThrownBy(() -> Heuristics.byName("magic")).hasMessageContaining("no placement rule 'magic'; choose");
        assertThat(Heuristics.all()).allSatisfy(rule -> {
            assertThat(Heuristics.byName(rule.name())).isSameAs(rule);
            assertThat(rule.description()).isNotBlank();
        });
    }
}
