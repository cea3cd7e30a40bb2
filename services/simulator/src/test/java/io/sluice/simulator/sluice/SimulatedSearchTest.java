package io.sluice.simulator.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.solver.OrToolsMaxFlow;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SimulatedSearchTest {
    private final HelixData data = new HelixData();
    private final PlacementProblem problem = data.problem("geo24");
    private final Layout helix = data.layout(problem, "helix");

    @Test
    void shouldNeverReturnLessThanItsBestStartAndTheSameForTheSameSeed() {
        SimulatedScore score = new SimulatedScore(
                new SluicePolicy(), data.conversations(), new OrToolsMaxFlow(), List.of(1001L), 20, 10, 10);
        SimulatedSearch search = new SimulatedSearch(score, 4, 1000);
        SearchControl control = SearchControl.of(3, 1000, () -> 0).withStarts(List.of(helix));

        PlacementOutcome first = search.place(problem, Objectives.byName("flow"), control);
        PlacementOutcome again = search.place(problem, Objectives.byName("flow"), control);

        assertThat(first).isEqualTo(again).isInstanceOf(PlacementOutcome.Feasible.class);
        PlacementOutcome.Feasible found = (PlacementOutcome.Feasible) first;
        assertThat(found.value()).isGreaterThanOrEqualTo(score.of(problem, helix));
        assertThat(found.value()).isEqualTo(score.of(problem, found.layout()));
        assertThat(PlacementVerifier.verify(problem, found.layout())).isEmpty();
    }

    @Test
    void shouldScoreALayoutThatCannotServeWithZero() {
        SimulatedScore score = new SimulatedScore(
                new SluicePolicy(), data.conversations(), new OrToolsMaxFlow(), List.of(1L), 1, 1, 10);

        assertThat(score.of(problem, Layout.empty(problem.nodes()))).isZero();
    }
}
