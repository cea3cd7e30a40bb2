package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RoutingPolicyTest {
    @Test
    void canReadWhatItWrites() {
        for (RoutingPolicy policy : RoutingPolicy.values()) {
            assertThat(RoutingPolicy.parse(policy.toString())).isEqualTo(policy);
        }
        assertThat(RoutingPolicy.parse("max-flow")).isEqualTo(RoutingPolicy.MAX_FLOW);
        assertThatThrownBy(() -> RoutingPolicy.parse("random"))
                .hasMessageContaining("max-flow or round-robin or sluice");
    }
}
