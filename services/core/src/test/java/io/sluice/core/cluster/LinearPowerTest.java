package io.sluice.core.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class LinearPowerTest {
    private static final LinearPower T4 = new LinearPower(33, 70);

    @Test
    void shouldDrawIdlePowerAndTheRestInProportionToWork() {
        assertThat(T4.watts(0)).isEqualTo(33);
        assertThat(T4.watts(0.5)).isCloseTo(51.5, within(1e-12));
        assertThat(T4.watts(1)).isEqualTo(70);
        assertThat(T4.watts(1.5)).as("never more than at full load").isEqualTo(70);
    }

    @Test
    void shouldAddUpEnergyOverTheTimeThatItWorkedAndRested() {
        assertThat(T4.joules(2_000_000_000L, 500_000_000L)).isCloseTo(2 * 33 + 0.5 * 37, within(1e-9));
        assertThat(T4.joules(0, 0)).isZero();
        assertThat(T4.joules(1_000_000_000L, 2_000_000_000L)).isCloseTo(70, within(1e-9));
    }

    @Test
    void shouldRejectPowerThatIsNone() {
        assertThatThrownBy(() -> new LinearPower(-1, 70)).hasMessageContaining("idle watts: -1.0");
        assertThatThrownBy(() -> new LinearPower(1, Double.NaN)).hasMessageContaining("busy watts: NaN");
    }
}
