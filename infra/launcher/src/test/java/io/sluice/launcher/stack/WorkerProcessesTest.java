package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.StackConfig.Ports;
import io.sluice.messaging.KafkaSettings;
import io.sluice.runtime.ActivationDtype;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WorkerProcessesTest {
    @TempDir
    Path folder;

    private List<String> arguments(SharingSettings sharing) {
        WorkerSpec worker = WorkerSpec.of("w", "emulated:t4@2");
        StackConfig config = new StackConfig(
                        folder,
                        "m",
                        List.of(worker),
                        1,
                        RoutingPolicy.MAX_FLOW,
                        ActivationDtype.FP16,
                        folder.resolve("data"),
                        Ports.FREE)
                .withSharing(sharing);
        KafkaSettings kafka = new KafkaSettings("127.0.0.1:9", "http://127.0.0.1:8");
        return WorkerProcesses.arguments(config, worker, Optional.of(new LayerRange(0, 3)), kafka);
    }

    @Test
    void shouldTellAWorkerWhatTheStackWasTold() {
        assertThat(arguments(SharingSettings.DEFAULT))
                .startsWith("worker", "--id", "w", "--bootstrap", "127.0.0.1:9", "--registry", "http://127.0.0.1:8")
                .containsSequence("--device", "emulated:t4@2")
                .containsSequence("--layers", "0-3")
                .contains("--best-effort");
        assertThat(arguments(SharingSettings.OFF)).contains("--no-best-effort").doesNotContain("--best-effort");
        assertThat(arguments(new SharingSettings(true, 0.2, 0.25, 0.05)))
                .containsSequence("--slowdown", "0.2")
                .containsSequence("--sharing-target", "0.05")
                .containsSequence("--best-effort-kv-share", "0.25")
                .containsSequence("--slo-slowdown", "1.0");
    }
}
