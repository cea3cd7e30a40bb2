package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SyntheticClustersTest {
    private static final long AMPLE_NANOS = 600_000_000_000L;

    @ParameterizedTest
    @CsvSource({"50, 0.08", "100, 0.04", "200, 0.07"})
    void shouldComeThisCloseToTheBound(int nodes, double gap) {
        PlacementProblem mix = HelixClustersTest.problem("single24", "llama2_70b", PlacementConstraints.NONE);
        PlacementProblem problem = SyntheticClusters.of(mix, nodes, 7);
        SearchControl untilClose = new SearchControl(
                7, AMPLE_NANOS, System.nanoTime(), System::nanoTime, () -> false, gap, List.of(), progress -> {});
        PlacementOutcome outcome = new BlockPlacement().place(problem, Objectives.byName("flow"), untilClose);
        Layout layout = outcome.found().orElseThrow();
        assertThat(PlacementVerifier.verify(problem, layout)).isEmpty();
        double flow = Objectives.byName("flow").value(problem, layout);
        assertThat(new CoverBound(problem).flow(untilClose) / flow - 1).isLessThanOrEqualTo(gap);
    }
}
