package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.routing.RoutingPolicy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RouterConfigTest {
    private final RouterConfig config = RouterHarness.config(new SimpleMeterRegistry());

    @Test
    void shouldChangeWhatIsAskedForAndNothingElse() {
        Duration time = Duration.ofMillis(77);
        RouterConfig changed = config.withInstanceId("other")
                .withPolicy(RoutingPolicy.ROUND_ROBIN)
                .withQueue(7, time.plusMillis(1))
                .withHighWater(0.5)
                .withBestEffortShare(0.25)
                .withSessionTimes(time.plusMillis(2), time.plusMillis(3))
                .withSilence(time.plusMillis(4), time.plusMillis(5), time.plusMillis(6))
                .withStartTimeout(time.plusMillis(7));

        assertThat(changed)
                .isEqualTo(new RouterConfig(
                        config.kafka(),
                        config.models(),
                        config.metrics(),
                        config.stateDirectory(),
                        config.applicationId(),
                        "other",
                        RoutingPolicy.ROUND_ROBIN,
                        7,
                        time.plusMillis(1),
                        0.5,
                        0.25,
                        time.plusMillis(2),
                        time.plusMillis(4),
                        time.plusMillis(5),
                        time.plusMillis(6),
                        time.plusMillis(3),
                        time.plusMillis(7)));
        assertThat(config.instanceId()).as("the former one stays as it is").isEqualTo("router-1");
    }

    @Test
    void shouldRejectWhatTheConstructorRejects() {
        assertThatThrownBy(() -> config.withQueue(0, Duration.ofSeconds(1))).hasMessageContaining("--queue 0");
        assertThatThrownBy(() -> config.withBestEffortShare(0)).hasMessageContaining("--best-effort-kv-share 0.0");
    }
}
