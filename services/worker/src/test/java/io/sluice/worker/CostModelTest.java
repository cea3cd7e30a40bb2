package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.device.EmulatedDevice;
import org.junit.jupiter.api.Test;

final class CostModelTest {
    @Test
    void shouldRunThroughTheMeasuredPoints() {
        CostModel cost = CostModel.fit(1, 110, 8, 180, 32, 420);

        assertThat(cost).isEqualTo(new CostModel(100, 10, 10));
        assertThat(cost.decodeTokensPerSecond()).isCloseTo(8e6 / 180, within(1e-6));
        assertThat(cost.prefillTokensPerSecond(32)).isCloseTo(32e6 / 420, within(1e-6));
    }

    @Test
    void shouldStaySaneWhenTheMeasurementIsNoise() {
        CostModel faster = CostModel.fit(1, 200, 8, 150, 32, 100);

        assertThat(faster.decodeMicros()).isPositive();
        assertThat(faster.batchMicros()).isPositive();
        assertThat(faster.prefillMicros()).isPositive();
    }

    @Test
    void shouldFollowTheProfileAndTheSpeed() {
        CostModel t4 = of("emulated:t4");
        CostModel half = of("emulated:t4@0.5");
        CostModel a100 = of("emulated:a100");

        // The table says 7.5 ms a layer for 8 sequences and 18 ms for 250 prompt tokens.
        assertThat(t4.decodeTokensPerSecond()).isCloseTo(8 / (2 * 7.5e-3), within(20.0));
        assertThat(t4.prefillTokensPerSecond(128)).isCloseTo(250 / (2 * 18e-3), within(20.0));
        assertThat(half.decodeTokensPerSecond()).isCloseTo(t4.decodeTokensPerSecond() / 2, within(1e-3));
        assertThat(a100.decodeTokensPerSecond()).isGreaterThan(4 * t4.decodeTokensPerSecond());
        assertThat(a100.prefillTokensPerSecond(128)).isGreaterThan(4 * t4.prefillTokensPerSecond(128));
    }

    private static CostModel of(String device) {
        return CostModel.of((EmulatedDevice) DeviceSpec.parse(device).open(), 2, 128);
    }
}
