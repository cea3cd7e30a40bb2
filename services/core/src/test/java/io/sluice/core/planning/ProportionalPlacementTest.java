package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.ProportionalPlacement.Candidate;
import io.sluice.core.planning.ProportionalPlacement.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ProportionalPlacementTest {
    private static final long GIB = 1L << 30;

    private static Model model(int layers, long layerBytes) {
        return new Model("psalm", layers, 64, 2, layerBytes);
    }

    private static Candidate worker(String id, long gib, double speed) {
        return new Candidate(new WorkerId(id), gib * GIB, speed);
    }

    private static List<String> shown(PlacementPlan plan) {
        return plan.stages().stream().map(Object::toString).toList();
    }

    @Test
    void shouldGiveLayersInProportionToMemory() {
        PlacementPlan plan = ProportionalPlacement.plan(
                model(12, 0),
                1,
                List.of(worker("a", 40, 5), worker("b", 16, 1), worker("c", 16, 1), worker("d", 24, 2)),
                0);
        assertThat(shown(plan)).containsExactly("a[0, 5)", "b[5, 7)", "c[7, 9)", "d[9, 12)");
        assertThat(plan.uncoveredLayers()).isEmpty();
    }

    @Test
    void shouldPairWorkersSoThatStageSpeedsBalance() {
        PlacementPlan plan = ProportionalPlacement.plan(
                model(4, 0),
                1,
                List.of(worker("a", 16, 8), worker("b", 16, 6), worker("c", 16, 2), worker("d", 16, 4)),
                2);
        assertThat(shown(plan)).containsExactly("a[0, 2)", "c[0, 2)", "b[2, 4)", "d[2, 4)");
    }

    @Test
    void shouldCoverEveryLayerOnRandomClusters() {
        for (long seed = 0; seed < 300; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int count = random.nextInt(1, 15);
            List<Candidate> workers = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                workers.add(worker("w" + i, random.nextInt(1, 80), 1 + random.nextDouble(99)));
            }
            int layers = random.nextInt(count, 80);
            int stages = random.nextInt(1, count + 1);
            PlacementPlan plan = ProportionalPlacement.plan(model(layers, 0), 1, workers, stages);
            assertThat(plan.uncoveredLayers()).as("seed %d", seed).isEmpty();
            assertThat(plan.stages()).as("seed %d", seed).hasSize(count);
            assertThat(plan.stages().stream().map(s -> s.layers()).distinct())
                    .as("seed %d", seed)
                    .hasSize(stages);
        }
    }

    @Test
    void shouldRespectTheSizeOfALayer() {
        PlacementPlan plan =
                ProportionalPlacement.plan(model(10, GIB), 1, List.of(worker("a", 8, 1), worker("b", 2, 9)), 0);
        assertThat(shown(plan)).containsExactly("a[0, 8)", "b[8, 10)");
    }

    @Test
    void shouldSayWhyItIsNotPossible() {
        List<Candidate> two = List.of(worker("a", 4, 1), worker("b", 4, 1));
        assertThatThrownBy(() -> ProportionalPlacement.plan(model(4, 0), 1, two, 3))
                .hasMessageContaining("cannot make 3 stages of 2 workers");
        assertThatThrownBy(() -> ProportionalPlacement.plan(model(1, 0), 1, two, 2))
                .hasMessageContaining("at most 1 stages");
        assertThatThrownBy(() -> ProportionalPlacement.plan(model(9, GIB), 1, two, 2))
                .hasMessageContaining("the 2 workers hold 8 layers");
        assertThatThrownBy(() -> ProportionalPlacement.plan(model(4, 0), 1, List.of(), 0))
                .hasMessageContaining("no worker");
        assertThatThrownBy(() ->
                        ProportionalPlacement.plan(model(4, 0), 1, List.of(worker("a", 4, 1), worker("a", 4, 1)), 2))
                .hasMessageContaining("twice");
        assertThatThrownBy(() -> worker("a", 1, Double.NaN)).hasMessageContaining("NaN");
    }

    @Test
    void canPlaceFewerLayersThanWorkersAsReplicas() {
        PlacementPlan plan = ProportionalPlacement.plan(
                model(2, 0), 1, List.of(worker("a", 4, 1), worker("b", 4, 1), worker("c", 4, 1)), 0);
        assertThat(plan.uncoveredLayers()).isEmpty();
        assertThat(plan.stages()).hasSize(3);
    }
}
