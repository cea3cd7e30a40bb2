package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.StackConfig.Isolation;
import io.sluice.launcher.stack.StackConfig.Ports;
import io.sluice.launcher.stack.StackConfig.Supervision;
import io.sluice.runtime.ActivationDtype;
import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StackConfigTest {
    @TempDir
    Path folder;

    @Test
    void shouldChangeWhatIsAskedForAndNothingElse() {
        StackConfig config = new StackConfig(
                folder,
                "m",
                List.of(new WorkerSpec(
                        new WorkerId("w"),
                        DeviceSpec.parse("cpu"),
                        OptionalLong.empty(),
                        "local",
                        Optional.empty(),
                        OptionalInt.empty())),
                2,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP16,
                folder.resolve("data"),
                Ports.FREE);

        StackConfig changed = config.withSupervision(Supervision.LEAVE)
                .withIsolation(Isolation.FULL)
                .withActivations(ActivationDtype.FP32)
                .withSharing(SharingSettings.OFF)
                .withLimits(Optional.empty());

        assertThat(changed)
                .isEqualTo(new StackConfig(
                        config.model(),
                        config.modelName(),
                        config.workers(),
                        config.stages(),
                        config.policy(),
                        ActivationDtype.FP32,
                        config.data(),
                        config.ports(),
                        Optional.empty(),
                        Supervision.LEAVE,
                        Isolation.FULL,
                        Optional.empty(),
                        SharingSettings.OFF,
                        Optional.empty()));
        assertThat(config.supervision()).as("the former one stays as it is").isEqualTo(Supervision.RESTART);
    }
}
