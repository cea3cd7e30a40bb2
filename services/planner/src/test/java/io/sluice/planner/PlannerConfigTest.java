package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlannerConfigTest {
    private static final PlannerConfig DEFAULT =
            PlannerConfig.of(new KafkaSettings("127.0.0.1:9092", "http://127.0.0.1:8081"), Path.of("data"));

    @Test
    void shouldTakeAClustersAddress() {
        assertThat(DEFAULT.flink()).isEmpty();
        assertThat(DEFAULT.onCluster("flink.example:8081", List.of()).flink()).contains("flink.example:8081");
    }

    @Test
    void shouldNameTheFlagThatIsWrong() {
        for (String address : List.of("", "8081", "host", "host:0", "host:99999", "http://host:8081", "a b:1")) {
            assertThatThrownBy(() -> DEFAULT.onCluster(address, List.of()))
                    .as(address)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("--flink '" + address + "' must be HOST:PORT");
        }
        assertThatThrownBy(() -> DEFAULT.withCheckpointInterval(Duration.ofMillis(1)))
                .hasMessageContaining("--checkpoint-interval");
        assertThatThrownBy(() -> DEFAULT.withCheckpointInterval(Duration.ofMinutes(6)))
                .hasMessageContaining("transaction timeout");
        assertThatThrownBy(() -> DEFAULT.withParallelism(0)).hasMessageContaining("--parallelism 0");
    }

    @Test
    void shouldLimitBestEffortWorkUnlessToldOtherwise() {
        assertThat(DEFAULT.sharing()).contains(SharingPolicy.DEFAULT);
        assertThat(DEFAULT.withSharing(Optional.empty()).sharing()).isEmpty();
        assertThatThrownBy(() -> new SharingPolicy(0, 0.01, Duration.ofSeconds(3)))
                .hasMessageContaining("--slowdown 0.0 must be above 0");
        assertThatThrownBy(() -> new SharingPolicy(Double.NaN, 0.01, Duration.ofSeconds(3)))
                .hasMessageContaining("--slowdown NaN");
        assertThatThrownBy(() -> new SharingPolicy(0.1, 1, Duration.ofSeconds(3)))
                .hasMessageContaining("--sharing-target 1.0");
        assertThatThrownBy(() -> new SharingPolicy(0.1, 0.01, Duration.ofMillis(900)))
                .hasMessageContaining("--limits-lease PT0.9S");
    }
}
