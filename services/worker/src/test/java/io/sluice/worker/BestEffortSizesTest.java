package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.runtime.StageRunner.StageInput;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How long slices are and how large their batches, by what layers were measured to take. */
final class BestEffortSizesTest extends OnBestEffortCluster {
    @Test
    void shouldEndATurnInTimeOnceTheLengthOfALayerIsKnown() {
        stages(1);
        allow(3 * LAYER);
        Member worker = cluster.first();
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(2 * layers * LAYER);
        warmUp();
        worker.deliver(prompt("r", "t", ids(2, 200), 6));
        long longest = 0;
        while (true) {
            long before = cluster.clock.get();
            if (!worker.loop.step()) {
                break;
            }
            longest = Math.max(longest, cluster.clock.get() - before);
        }
        assertThat(longest).as("four layers").isEqualTo(8 * LAYER);
        assertThat(cluster.generated("r")).isEqualTo(FakeStageRunner.expected(ids(2, 200), 6));
    }

    @Test
    void shouldTakeSmallerBatchesWhereALayerOfALargeOneDoesNotFit() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>();
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        // A layer takes as long as it has positions; the bound is that of 8.
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER / 4 * sizes.getLast());
        allow(2 * LAYER);
        for (int i = 0; i < 20; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 30));
        }
        settle();

        for (int i = 0; i < 20; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 30));
        }
        assertThat(sizes).allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(8));
        assertThat(sizes).contains(8, 4, 2, 1);
    }

    @Test
    void shouldBeginABatchAnewInSmallerOnesWhenALayerOfItNoLongerFits() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>(List.of(0));
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(layers * LAYER / 4 * sizes.getLast());
        allow(4 * LAYER);
        for (int i = 0; i < 20; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 40));
        }
        while (sizes.getLast() < 16) {
            assertThat(worker.loop.step(() -> true)).isTrue();
        }
        worker.loop.step(() -> true);
        sizes.clear();
        allow(LAYER);
        settle();

        assertThat(sizes).isNotEmpty().allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(4));
        for (int i = 0; i < 20; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 40));
        }
    }

    @Test
    void shouldNotStaySmallForEverAfterAnAccidentOfTheMachine() {
        stages(1);
        Member worker = cluster.first();
        List<Integer> sizes = new ArrayList<>();
        int[] accidents = {4};
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        worker.fake().onLayers = layers -> {
            boolean accident = sizes.getLast() == 2 && accidents[0] > 0;
            accidents[0] -= accident ? 1 : 0;
            cluster.clock.addAndGet(layers * LAYER * (accident ? 50 : 1));
        };
        allow(10 * LAYER);
        for (int i = 0; i < 16; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 100));
        }
        settle();

        assertThat(accidents[0]).isZero();
        assertThat(sizes.subList(sizes.size() - 50, sizes.size())).contains(16);
        for (int i = 0; i < 16; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 100));
        }
    }

    /** All that a tenant can say of its work is a weight, and all that makes a layer long is its sessions. */
    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1, 1e6})
    void shouldSizeSlicesByWhatWasMeasuredWhateverATenantDeclares(double weight) {
        stages(1);
        Member worker = cluster.first();
        long bound = 4 * LAYER;
        long[] layers = {0, 0, 0};
        // A layer takes longer the more positions it has, and the longer the sessions are.
        worker.fake().onLayers = count -> {
            int positions =
                    worker.fake().atWork.stream().mapToInt(StageInput::count).sum();
            int longest = worker.fake().atWork.stream()
                    .mapToInt(input -> input.position() + input.count())
                    .max()
                    .orElseThrow();
            long took = LAYER / 32 * positions * (100 + longest) / 100;
            layers[0]++;
            layers[1] = Math.max(layers[1], took);
            layers[2] += took > bound ? 1 : 0;
            cluster.clock.addAndGet(count * took);
        };
        allow(bound);
        for (int i = 0; i < 12; i++) {
            worker.deliver(prompt("greedy" + i, "greedy", weight, ids(i, 400), 40));
        }
        worker.deliver(prompt("honest", "honest", 1, ids(50, 8), 40));
        int slices = 0;
        long most = 0;
        while (cluster.generated("honest").size() < 40
                || cluster.generated("greedy11").size() < 40) {
            long before = cluster.clock.get();
            if (worker.loop.step()) {
                long took = cluster.clock.get() - before;
                slices++;
                most = Math.max(most, took);
            } else {
                cluster.clock.addAndGet(Math.max(1, worker.loop.untilReadyNanos()));
            }
        }
        assertThat(slices).isGreaterThan(500);
        assertThat(layers[1]).as("a layer can be nearly as long as the bound").isGreaterThan(bound / 3);
        assertThat(layers[1]).as("a slice stops after a layer").isLessThanOrEqualTo(2 * bound);
        assertThat(most)
                .as("longest of %d slices, in turns of 8 layers", slices)
                .isLessThanOrEqualTo(2 * 8 * LAYER);
        assertThat((double) layers[2] / layers[0])
                .as("layers beyond the bound, because sessions grow while their lengths are learnt")
                .isLessThan(0.05);
    }

    @Test
    void shouldMakeBatchesLargeThoughTheMachineDisturbsOneLayerInFour() {
        stages(1);
        Member worker = cluster.first();
        SplittableRandom random = new SplittableRandom(1);
        List<Integer> sizes = new ArrayList<>();
        worker.fake().onBegun =
                batch -> sizes.add(batch.stream().mapToInt(StageInput::count).sum());
        // Most of a layer is reading its weights: one of 16 rows takes twice as long as one of one row.
        worker.fake().onLayers = layers -> cluster.clock.addAndGet(
                layers * (random.nextInt(4) == 0 ? 6 * LAYER : LAYER + LAYER / 16 * sizes.getLast()));
        allow(LAYER + LAYER * 3 / 4);
        for (int i = 0; i < 16; i++) {
            worker.deliver(prompt("r" + i, "t", ids(i, 10), 60));
        }
        settle();

        assertThat(sizes.subList(sizes.size() / 2, sizes.size())).contains(8).doesNotContain(16);
        for (int i = 0; i < 16; i++) {
            assertThat(cluster.generated("r" + i)).isEqualTo(FakeStageRunner.expected(ids(i, 10), 60));
        }
    }
}
