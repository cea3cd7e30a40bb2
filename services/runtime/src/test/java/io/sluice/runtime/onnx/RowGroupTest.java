package io.sluice.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.weights.SyntheticModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class RowGroupTest {
    private final KvCache cache = new KvCache(OnnxEngine.get(2, false), SyntheticModel.tiny(), TinyStages.KV_BYTES, 0);
    private final List<CacheSlot> slots = new ArrayList<>();

    RowGroupTest() {
        for (int i = 0; i < 24; i++) {
            slots.add(cache.reserve(64, StageRunner.ONE_LAYER).orElseThrow());
        }
    }

    @AfterEach
    void close() {
        cache.close();
    }

    @Test
    void shouldRunNeighboursTogetherInOrderOfTheirRows() {
        List<RowGroup> groups = RowGroup.of(List.of(input(5, 0), input(3, 0), input(4, 0)), i -> true);
        assertThat(groups).hasSize(1);
        assertThat(groups.getFirst().firstRow()).isEqualTo(3);
        assertThat(groups.getFirst().inputs()).containsExactly(1, 2, 0);
    }

    @Test
    void shouldBridgeSmallGapsWithIdleRowsAndSplitAtLargeOnes() {
        List<RowGroup> groups = RowGroup.of(List.of(input(0, 0), input(9, 0), input(19, 0)), i -> true);
        assertThat(groups).hasSize(2);
        assertThat(groups.get(0).inputs()).containsExactly(0, -1, -1, -1, -1, -1, -1, -1, -1, 1);
        assertThat(groups.get(1).firstRow()).isEqualTo(19);
        assertThat(groups.get(1).inputs()).containsExactly(2);
    }

    @Test
    void shouldKeepLayersAndSlotLengthsApartAndLeavePrefillOut() {
        CacheSlot large = cache.reserve(128, StageRunner.ONE_LAYER).orElseThrow();
        List<RowGroup> groups = RowGroup.of(
                List.of(
                        input(0, 1),
                        input(1, 0),
                        new StageInput(large, 0, 1, new int[1], null, 0, false),
                        new StageInput(slots.get(2), 0, 5, new int[5], null, 0, false)),
                i -> true);
        assertThat(groups).hasSize(3);
        assertThat(groups).extracting(RowGroup::enterLayer).containsExactly(0, 0, 1);
        assertThat(groups).extracting(group -> group.inputs()[0]).containsExactly(1, 2, 0);
    }

    @Test
    void shouldNeverComputeBestEffortRowsIdlyBetweenOthers() {
        List<CacheSlot> critical = new ArrayList<>();
        List<CacheSlot> bestEffort = new ArrayList<>();
        try (KvCache fresh = new KvCache(OnnxEngine.get(2, false), SyntheticModel.tiny(), TinyStages.KV_BYTES, 0)) {
            for (int i = 0; i < 4; i++) {
                critical.add(fresh.reserve(64, StageRunner.ONE_LAYER).orElseThrow());
                bestEffort.add(fresh.reserve(64, StageRunner.ONE_LAYER, true).orElseThrow());
            }
            for (List<CacheSlot> one : List.of(critical, bestEffort)) {
                List<RowGroup> groups = RowGroup.of(
                        one.stream()
                                .map(slot -> new StageInput(slot, 0, 1, new int[1], null, 0, false))
                                .toList(),
                        i -> true);
                assertThat(groups).hasSize(1);
                assertThat(groups.getFirst().inputs()).containsExactly(0, 1, 2, 3);
            }
            fresh.release(bestEffort.getFirst());
            assertThat(fresh.reserve(64, StageRunner.ONE_LAYER, true)
                            .orElseThrow()
                            .row())
                    .isZero();
            assertThat(fresh.reserve(64, StageRunner.ONE_LAYER).orElseThrow().row())
                    .isEqualTo(4);
        }
    }

    private StageInput input(int row, int enterLayer) {
        return new StageInput(slots.get(row), 0, 1, new int[1], null, enterLayer, false);
    }
}
