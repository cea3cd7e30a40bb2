package io.sluice.launcher.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.solver.SyntheticClusters;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlannerBenchTest {
    @Test
    void shouldRankAsSpearmanDoes() {
        assertThat(EstimatePart.spearman(List.of(1.0, 2.0, 3.0), List.of(10.0, 20.0, 90.0)))
                .isCloseTo(1, within(1e-12));
        assertThat(EstimatePart.spearman(List.of(1.0, 2.0, 3.0), List.of(9.0, 5.0, 1.0)))
                .isCloseTo(-1, within(1e-12));
        assertThat(EstimatePart.spearman(List.of(1.0, 2.0, 2.0, 4.0), List.of(1.0, 3.0, 2.0, 4.0)))
                .isCloseTo(0.9487, within(1e-4));
        assertThat(EstimatePart.spearman(List.of(1.0, 1.0), List.of(1.0, 2.0))).isZero();
    }

    @ParameterizedTest
    @CsvSource({"105,true", "95,true", "111,false", "89,false"})
    void shouldJudgeDistanceFromTheBaseline(double value, boolean met) {
        assertThat(new BenchReport.Row("r", "s", value, 100.0, "within 0.1").met())
                .isEqualTo(met);
    }

    @Test
    void shouldMakeGraphsOfTheSizeTheTargetSpeaksOf() {
        var graph = SyntheticClusters.graph(1000, 7, 0.1);
        assertThat(graph.vertices()).hasSize(1000);
        assertThat(graph.edges()).hasSizeBetween(18_000, 23_000);
        assertThat(graph.uncoveredLayers()).isEmpty();
    }
}
