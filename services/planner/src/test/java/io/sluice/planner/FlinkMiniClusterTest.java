package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkMiniClusterTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final Duration STEADY = Duration.ofSeconds(2);

    @TempDir
    Path folder;

    @Test
    void shouldHaveOneTaskManagerHoweverOftenItIsReplaced() throws Exception {
        try (FlinkMiniCluster cluster = FlinkMiniCluster.start(folder, 1)) {
            for (int i = 0; i < 3; i++) {
                cluster.replaceTaskManager();
            }
            // One that is left over joins late, too.
            await().atMost(PATIENCE).during(STEADY).untilAsserted(() -> assertThat(connected(cluster))
                    .as("TaskManagers that have joined and not gone")
                    .isEqualTo(1));
        }
    }

    private static int connected(FlinkMiniCluster cluster) throws Exception {
        return cluster.cluster().requestClusterOverview().get().getNumTaskManagersConnected();
    }
}
