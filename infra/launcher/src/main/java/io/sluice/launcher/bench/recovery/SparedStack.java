package io.sluice.launcher.bench.recovery;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.runtime.ActivationDtype;
import io.sluice.worker.device.DeviceSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** A stack of three stages in which two workers hold every layer range, so that each has a spare; psalm's six layers. */
public final class SparedStack {
    /** Layer ranges of the stages. */
    public static final List<LayerRange> STAGES =
            List.of(new LayerRange(0, 2), new LayerRange(2, 4), new LayerRange(4, 6));
    /** Name of the served model. */
    public static final String MODEL = "psalm";

    private static final int COPIES = 2;
    /** A matrix of kills restarts workers again and again on purpose. */
    private static final int RESTARTS_PER_MINUTE = 60;

    private SparedStack() {}

    /** @param device of every worker, for example {@code cpu} */
    public static StackConfig config(Path data, String device) {
        return new StackConfig(
                        StackFolder.repository().resolve("models").resolve(MODEL),
                        MODEL,
                        workers(device),
                        STAGES.size(),
                        RoutingPolicy.MAX_FLOW,
                        ActivationDtype.FP16,
                        data,
                        StackConfig.Ports.FREE)
                .withSupervision(new StackConfig.Supervision(true, RESTARTS_PER_MINUTE));
    }

    /** The workers, pinned to their layers. */
    public static List<WorkerSpec> workers(String device) {
        List<WorkerSpec> workers = new ArrayList<>();
        for (int copy = 0; copy < COPIES; copy++) {
            for (int stage = 0; stage < STAGES.size(); stage++) {
                workers.add(new WorkerSpec(
                        new WorkerId("stage-" + stage + (char) ('a' + copy)),
                        DeviceSpec.parse(device),
                        OptionalLong.empty(),
                        "local",
                        Optional.of(STAGES.get(stage)),
                        OptionalInt.empty()));
            }
        }
        return workers;
    }

    /** Their names. */
    public static Set<WorkerId> ids() {
        return workers("cpu").stream().map(WorkerSpec::id).collect(Collectors.toSet());
    }
}
