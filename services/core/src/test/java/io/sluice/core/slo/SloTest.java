package io.sluice.core.slo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class SloTest {
    @Test
    void shouldRefuseWhatNobodyCanMeanAndNameIt() {
        assertThatThrownBy(() -> Slo.of(0L, null)).hasMessageContaining("slo.ttft_ms is 0: give milliseconds from 1");
        assertThatThrownBy(() -> Slo.of(null, -1L))
                .hasMessageContaining("slo.tpot_ms is -1")
                .hasMessageContaining("leave it out");
        assertThatThrownBy(() -> Slo.of(Slo.MOST_MS + 1, null)).hasMessageContaining("86400001");
        assertThatThrownBy(() -> Slo.of(null, Long.MIN_VALUE)).hasMessageContaining("-9223372036854775808");
        assertThat(Slo.of(1L, Slo.MOST_MS).isNone()).isFalse();
        assertThat(Slo.of(null, null)).isEqualTo(Slo.NONE);
    }

    @Test
    void shouldBeMetByWhatKeepsAllThatIsAsked() {
        Slo both = Slo.of(500L, 40L);
        assertThat(both.met(500, OptionalDouble.of(40))).isTrue();
        assertThat(both.met(501, OptionalDouble.of(1))).isFalse();
        assertThat(both.met(1, OptionalDouble.of(40.1))).isFalse();
        assertThat(both.met(500, OptionalDouble.empty())).as("one token only").isTrue();
        assertThat(Slo.of(null, 40L).met(1e9, OptionalDouble.of(40))).isTrue();
        assertThat(Slo.NONE.met(1e9, OptionalDouble.of(1e9))).isTrue();
    }

    @Test
    void shouldRefuseBudgetsThatNoRouterMakes() {
        assertThatThrownBy(() -> new StageBudget(-1, 0)).hasMessageContaining("ttft_us is -1");
        assertThatThrownBy(() -> new StageBudget(0, Long.MAX_VALUE))
                .hasMessageContaining("tpot_us is 9223372036854775807");
    }
}
