package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.worker.sharing.SharingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** A stack of one worker that computes the shape of a 135M model on this machine's cores. */
final class CpuStack {
    private CpuStack() {}

    /** What is done with it, and with the folder of its model; it is stopped afterwards. */
    interface Measurement {
        void on(EmbeddedStack stack, CpuLoad load, Path model) throws InterruptedException;
    }

    /**
     * @param bestEffortCores as the flag has it
     * @param window of the load
     */
    static void measure(Bench.Setting setting, int bestEffortCores, Duration window, Measurement measurement)
            throws IOException, InterruptedException {
        Path path = BenchStacks.whole135m(setting);
        int layers;
        String model;
        try (ModelWeights weights = ModelFiles.weights(path)) {
            layers = weights.config().layerCount();
            model = weights.config().name();
        }
        try (EmbeddedStack stack = EmbeddedStack.start(
                BenchStacks.chain(setting.data(), path, model, layers, 1)
                        .withSharing(SharingSettings.DEFAULT.withCores(bestEffortCores)),
                Progress.SILENT)) {
            measurement.on(stack, new CpuLoad(stack, model, window), path);
        }
    }
}
