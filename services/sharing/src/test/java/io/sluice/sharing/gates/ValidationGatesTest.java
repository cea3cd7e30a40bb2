package io.sluice.sharing.gates;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ValidationGatesTest {
    @Test
    void shouldHoldTheSmallestExperiments() {
        List<GateCheck> checks = ValidationGates.micro();
        assertThat(checks.stream().filter(c -> c.what().contains("768 threads")))
                .hasSize(2)
                .allMatch(GateCheck::holds);
        assertThat(checks.stream().filter(c -> c.what().contains("32 MB"))).allMatch(GateCheck::holds);
        assertThat(checks.stream().filter(c -> c.what().contains("GB/s"))).allMatch(GateCheck::holds);
        assertThat(checks.stream().filter(c -> c.what().contains("10.8 ms")))
                .hasSize(3)
                .allMatch(GateCheck::holds);
        assertThat(checks.stream().filter(c -> c.what().contains("2.2 ms")))
                .hasSize(3)
                .allMatch(GateCheck::holds);
    }

    @Test
    void shouldHoldTheClosedLoopIdentity() {
        assertThat(ValidationGates.closedLoop(4)).hasSize(6).allMatch(GateCheck::holds);
    }

    @Test
    void shouldNotHoldOutsideItsBounds() {
        assertThat(GateCheck.within("V", "w", true, 1.06, 1, 0.05).holds()).isFalse();
        assertThat(GateCheck.factor("V", "w", true, 1.4, 1, 1.5).holds()).isTrue();
        assertThat(GateCheck.factor("V", "w", true, 0.6, 1, 1.5).holds()).isFalse();
        assertThat(GateCheck.factor("V", "w", true, Double.NaN, 1, 1.5).holds()).isFalse();
    }
}
