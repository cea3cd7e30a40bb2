package io.sluice.sharing.gates;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ValidationGatesTest {
    @Test
    void shouldHoldTheSmallestExperiments() {
        List<GateCheck> checks = ValidationGates.micro();
        assertThat(checks).hasSize(22).allMatch(GateCheck::holds);
    }

    @Test
    void shouldHoldTheClosedLoopIdentity() {
        assertThat(ValidationGates.closedLoop(4)).hasSize(6).allMatch(GateCheck::holds);
    }

    @Test
    void shouldAddTheLatencyThatPreemptionByRoundsBlocksAndContextsAdds() {
        assertThat(ValidationGates.preemption(1)).hasSize(4).allMatch(GateCheck::holds);
    }

    @Test
    void shouldSayWhyOnlyOfAFigureThatDoesNotHold() {
        GateCheck check = GateCheck.within("V", "w", true, 2, 1, 0.5).because("nobody knows the kernels");
        assertThat(check.toString()).contains("FAILS").contains("why: nobody knows the kernels");
        assertThat(GateCheck.within("V", "w", true, 2, 1, 0.5).toString()).contains("why: not known");
        assertThat(GateCheck.within("V", "w", true, 1, 1, 0.5).because("x").toString())
                .doesNotContain("why");
    }

    @Test
    void shouldNotHoldOutsideItsBounds() {
        assertThat(GateCheck.within("V", "w", true, 1.06, 1, 0.05).holds()).isFalse();
        assertThat(GateCheck.factor("V", "w", true, 1.4, 1, 1.5).holds()).isTrue();
        assertThat(GateCheck.factor("V", "w", true, 0.6, 1, 1.5).holds()).isFalse();
        assertThat(GateCheck.factor("V", "w", true, Double.NaN, 1, 1.5).holds()).isFalse();
    }
}
