package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

final class RopeScalingTest {
    @Test
    void shouldFollowThePlainFormula() {
        assertThat(RopeScaling.NONE.frequencies(10000, 4)).containsExactly(1.0, 0.01);
        assertThat(new RopeScaling.Linear(4).frequencies(10000, 4)).containsExactly(0.25, 0.0025);
        assertThat(new RopeScaling.Factors(List.of(1f, 8f)).frequencies(10000, 4))
                .containsExactly(1.0, 0.00125);
    }

    @Test
    void shouldStretchOnlyLongWavelengthsAsLlama3Does() {
        double[] plain = RopeScaling.NONE.frequencies(500000, 128);
        double[] scaled = new RopeScaling.Llama3(8, 1, 4, 8192).frequencies(500000, 128);
        assertThat(scaled[0]).isEqualTo(plain[0]);
        assertThat(scaled[63]).isEqualTo(plain[63] / 8);
        // Pair 30: 8192 positions are 2.78 turns, so the ramp stands at (2.78 - 1) / 3.
        double turns = 8192 * plain[30] / (2 * Math.PI);
        double ramp = (turns - 1) / 3;
        assertThat(ramp).isBetween(0.0, 1.0);
        assertThat(scaled[30]).isCloseTo(plain[30] * (ramp + (1 - ramp) / 8), within(1e-15));
    }

    @Test
    void shouldRefuseNonsense() {
        assertThatThrownBy(() -> new RopeScaling.Linear(0)).hasMessageContaining("factor 0.0");
        assertThatThrownBy(() -> new RopeScaling.Llama3(8, 4, 4, 8192)).hasMessageContaining("high_freq_factor");
        assertThatThrownBy(() -> new RopeScaling.Factors(List.of(1f)).frequencies(10000, 4))
                .hasMessageContaining("1 factors");
    }
}
