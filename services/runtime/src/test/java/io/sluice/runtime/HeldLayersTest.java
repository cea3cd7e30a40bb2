package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import org.junit.jupiter.api.Test;

final class HeldLayersTest {
    private static final LayerRange FRONT = new LayerRange(0, 3);
    private static final LayerRange BACK = new LayerRange(4, 6);

    @Test
    void shouldJoinRangesThatTouchAndKeepOthersApart() {
        assertThat(HeldLayers.of(BACK, FRONT).ranges()).containsExactly(FRONT, BACK);
        assertThat(HeldLayers.of(FRONT, new LayerRange(2, 4), BACK).ranges()).containsExactly(new LayerRange(0, 6));
        assertThat(HeldLayers.of(FRONT, BACK))
                .hasToString("[0, 3) and [4, 6)")
                .hasSameHashCodeAs(HeldLayers.of(BACK, FRONT));
        assertThat(HeldLayers.NONE).hasToString("none").isEqualTo(HeldLayers.of());
    }

    @Test
    void shouldAddAndTakeAway() {
        HeldLayers all = HeldLayers.of(FRONT).plus(HeldLayers.of(BACK));
        assertThat(all.size()).isEqualTo(5);
        assertThat(all.minus(HeldLayers.of(new LayerRange(1, 5))))
                .isEqualTo(HeldLayers.of(new LayerRange(0, 1), new LayerRange(5, 6)));
        assertThat(all.minus(all).isEmpty()).isTrue();
    }

    @Test
    void shouldContainARangeOnlyWithAllItsLayers() {
        HeldLayers all = HeldLayers.of(FRONT, BACK);
        assertThat(all.contains(BACK)).isTrue();
        assertThat(all.contains(new LayerRange(2, 5))).isFalse();
        assertThat(all.contains(5)).isTrue();
        assertThat(all.contains(3)).isFalse();
        assertThat(all.contains(-1)).isFalse();
    }
}
