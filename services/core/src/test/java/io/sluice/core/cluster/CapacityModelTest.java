package io.sluice.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.cluster.CapacityModel.Machine;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Bounds; the agreement with Helix's published figures is tested where these are read, in the clusters module. */
final class CapacityModelTest {
    private static final Workload WORKLOAD = new Workload(750, 240);

    private static Machine machine(String type, int count, double speed, Long... kvTokens) {
        return Machine.of(
                type,
                count,
                Curve.line(0, 5e-6 / speed),
                Curve.line(1e-3 / speed, 2e-5 / speed),
                List.of(kvTokens),
                WORKLOAD);
    }

    @Test
    void shouldGiveAFasterMachineMoreThroughputAndFewerLayersMoreThanMany() {
        CapacityModel model = CapacityModel.of(
                8,
                WORKLOAD,
                List.of(
                        machine("fast", 1, 4, 800_000L, 400_000L, 200_000L, 100_000L),
                        machine("slow", 2, 1, 800_000L, 400_000L, 200_000L, 100_000L)));
        for (int k = 1; k <= 4; k++) {
            assertThat(model.tokensPerSecond("fast", k)).isGreaterThan(model.tokensPerSecond("slow", k));
        }
        assertThat(model.tokensPerSecond("slow", 1)).isGreaterThan(model.tokensPerSecond("slow", 4));
    }

    @Test
    void shouldGiveNothingWithoutRoomForARequest() {
        CapacityModel model = CapacityModel.of(8, WORKLOAD, List.of(machine("t", 4, 1, 90_000L, 16L)));
        assertThat(model.tokensPerSecond("t", 2)).isZero();
        assertThat(CapacityModel.of(1, WORKLOAD, List.of(machine("t", 1, 1, 0L)))
                        .tokensPerSecond("t", 1))
                .isZero();
    }

    @Test
    void shouldHoldAWholeModelOnOneMachine() {
        assertThat(CapacityModel.of(2, WORKLOAD, List.of(machine("t", 1, 1, 500_000L, 250_000L, 100_000L)))
                        .tokensPerSecond("t", 3))
                .isPositive()
                .isFinite();
    }

    @Test
    void shouldRefuseWhatCannotBe() {
        assertThatThrownBy(() -> CapacityModel.of(8, WORKLOAD, List.of())).hasMessageContaining("0 machine types");
        assertThatThrownBy(() -> machine("t", 0, 1, 5L))
                .hasMessageContaining("machine type t: 0 machines (at least 1)");
        CapacityModel model = CapacityModel.of(8, WORKLOAD, List.of(machine("t", 1, 1, 5L)));
        assertThatThrownBy(() -> model.tokensPerSecond("u", 1)).hasMessageContaining("no machine type u");
        assertThatThrownBy(() -> model.tokensPerSecond("t", 2)).hasMessageContaining("holds 1 to 1 layers, not 2");
    }
}
