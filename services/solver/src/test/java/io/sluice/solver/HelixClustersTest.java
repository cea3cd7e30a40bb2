package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFolder;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.SearchProgress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HelixClustersTest {
    /** Far more than any method here needs; the tests ask for results, not times. */
    private static final double AMPLE_SECONDS = 600;

    static PlacementProblem problem(String cluster, String model, PlacementConstraints constraints) {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("examples/helix"))) {
            folder = folder.getParent();
        }
        ClusterDescription read =
                HelixFolder.open(folder.resolve("examples/helix")).cluster(cluster);
        return new PlacementProblem(read.cluster(), read.model(model), Workload.AZURE_CONVERSATION, constraints);
    }

    private static SearchControl ample() {
        return SearchControl.of(1, AMPLE_SECONDS, System::nanoTime);
    }

    @ParameterizedTest
    @CsvSource({
        "single24, llama2_70b, 2045.641",
        "single24, llama1_30b, 1517.737",
        "geo24, llama2_70b, 1754.382",
        "geo24, llama1_30b, 1517.737"
    })
    void shouldProveTheLargestFlowOfHelixClusters(String cluster, String model, double flow) {
        PlacementProblem problem = problem(cluster, model, PlacementConstraints.NONE);
        PlacementOutcome outcome = new BlockPlacement().place(problem, Objectives.byName("flow"), ample());
        assertThat(outcome).isInstanceOf(PlacementOutcome.Optimal.class);
        Layout layout = outcome.found().orElseThrow();
        assertThat(PlacementVerifier.verify(problem, layout)).isEmpty();
        assertThat(new LayoutFlow(problem).value(layout)).isCloseTo(flow, within(0.001));
    }

    @Test
    void shouldProveTheLargestFlowByCountsAndByDefault() {
        PlacementProblem problem = problem("single24", "llama2_70b", PlacementConstraints.NONE);
        for (PlacementMethod method : List.of(new CountMilpPlacement(), new SluicePlacement(), new LnsPlacement())) {
            assertThat(method.place(problem, Objectives.byName("flow"), ample()))
                    .as(method.name())
                    .isInstanceOf(PlacementOutcome.Optimal.class);
        }
    }

    @Test
    void shouldKeepHopsReplicasAndPrice() {
        PlacementConstraints hops = new PlacementConstraints(false, Set.of(), Set.of(), Map.of(), 14, 1, 0);
        PlacementConstraints replicas = new PlacementConstraints(false, Set.of(), Set.of(), Map.of(), 0, 2, 0);
        for (PlacementConstraints asked : List.of(hops, replicas)) {
            PlacementProblem problem = problem("single24", "llama1_30b", asked);
            SearchControl short1 = SearchControl.of(1, 20, System::nanoTime);
            Layout layout = new BlockPlacement()
                    .place(problem, Objectives.byName("flow"), short1)
                    .found()
                    .orElseThrow();
            assertThat(PlacementVerifier.verify(problem, layout)).isEmpty();
            assertThat(new LayoutFlow(problem).value(layout)).isPositive();
        }
    }

    @Test
    void shouldNeverReportLessThanItStartedFrom() {
        PlacementProblem problem = problem("geo24", "llama2_70b", PlacementConstraints.NONE);
        Layout start = PlacementCatalogue.byName("swarm")
                .place(problem, Objectives.byName("flow"), ample())
                .found()
                .orElseThrow();
        double flow = new LayoutFlow(problem).value(start);
        Layout improved = new LnsPlacement(3)
                .place(problem, Objectives.byName("flow"), ample().withStarts(List.of(start)))
                .found()
                .orElseThrow();
        assertThat(new LayoutFlow(problem).value(improved)).isGreaterThanOrEqualTo(flow);
    }

    @Test
    void shouldTellEveryImprovementWithAFallingBound() {
        PlacementProblem problem = problem("geo24", "llama2_70b", PlacementConstraints.NONE);
        List<SearchProgress> heard = new ArrayList<>();
        new BlockPlacement().place(problem, Objectives.byName("flow"), ample().withListener(heard::add));
        assertThat(heard).isNotEmpty();
        for (int i = 1; i < heard.size(); i++) {
            assertThat(heard.get(i).value())
                    .isGreaterThanOrEqualTo(heard.get(i - 1).value());
            assertThat(heard.get(i).bound())
                    .isLessThanOrEqualTo(heard.get(i - 1).bound());
        }
    }

    @Test
    void shouldReturnAtOnceWhenTheUserHasHadEnough() {
        PlacementProblem problem = problem("geo24", "llama2_70b", PlacementConstraints.NONE);
        SearchControl stopped =
                new SearchControl(1, Long.MAX_VALUE / 2, 0, () -> 0, () -> true, 0, List.of(), progress -> {});
        for (String name : List.of("milp", "milp-count", "blocks", "lns", "sluice")) {
            assertThat(PlacementCatalogue.byName(name).place(problem, Objectives.byName("flow"), stopped))
                    .as(name)
                    .isNotInstanceOf(PlacementOutcome.Optimal.class);
        }
    }
}
