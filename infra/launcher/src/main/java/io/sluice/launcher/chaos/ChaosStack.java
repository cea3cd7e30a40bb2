package io.sluice.launcher.chaos;

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
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The stack that is hurt: the repository's own model, three layer ranges of two layers each, two workers for each range.
 * Every part that can fail alone has a process and every worker a relay of its own. Stateless.
 */
final class ChaosStack {
    static final String MODEL = "psalm";

    private static final int LAYERS = 6;
    private static final int STAGES = 3;
    private static final int COPIES = 2;
    /** As often as faults can hit one worker, and more. */
    private static final int RESTARTS_PER_MINUTE = 20;

    private ChaosStack() {}

    /** Layers of every worker: w1a and w1b hold the first range, and so on. */
    static SortedMap<String, LayerRange> workers() {
        SortedMap<String, LayerRange> workers = new TreeMap<>();
        for (int stage = 0; stage < STAGES; stage++) {
            LayerRange layers = new LayerRange(stage * LAYERS / STAGES, (stage + 1) * LAYERS / STAGES);
            for (int copy = 0; copy < COPIES; copy++) {
                workers.put("w" + (stage + 1) + (char) ('a' + copy), layers);
            }
        }
        return Collections.unmodifiableSortedMap(workers);
    }

    /** The stack in this folder, all workers on {@code device}. */
    static StackConfig config(Path data, DeviceSpec device) {
        List<WorkerSpec> specs = new ArrayList<>();
        workers()
                .forEach((name, layers) -> specs.add(new WorkerSpec(
                        new WorkerId(name),
                        device,
                        OptionalLong.empty(),
                        "local",
                        Optional.of(layers),
                        OptionalInt.empty())));
        return new StackConfig(
                        StackFolder.repository().resolve("models").resolve(MODEL),
                        MODEL,
                        specs,
                        STAGES,
                        RoutingPolicy.MAX_FLOW,
                        ActivationDtype.FP16,
                        data,
                        StackConfig.Ports.FREE)
                .withSupervision(new StackConfig.Supervision(true, RESTARTS_PER_MINUTE))
                .withIsolation(StackConfig.Isolation.FULL);
    }
}
