package io.sluice.launcher.bench;

import io.sluice.core.LayerRange;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.launcher.stack.WorkersFile;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The stacks that benchmarks start. */
final class BenchStacks {
    private BenchStacks() {}

    /** The model that comes with Sluice. */
    static Path psalmModel() {
        return StackFolder.repository().resolve("models").resolve("psalm");
    }

    /** The demo's stack: four unlike emulated devices in two stages. */
    static StackConfig psalm(Path data) {
        return new StackConfig(
                psalmModel(),
                "psalm",
                WorkersFile.defaults(),
                2,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP16,
                data,
                StackConfig.Ports.FREE);
    }

    /** The demo's devices at a quarter of their speed, so that they and not this machine's cores are the bottleneck. */
    private static List<WorkerSpec> quarterSpeed() {
        return WorkersFile.defaults().stream()
                .map(worker -> WorkerSpec.of(worker.id().value(), worker.device() + "@0.25"))
                .toList();
    }

    /** The demo's stack under a policy, every device at a quarter of its speed. */
    static StackConfig unlike(Path data, RoutingPolicy policy) {
        return new StackConfig(
                psalmModel(), "psalm", quarterSpeed(), 2, policy, ActivationDtype.FP16, data, StackConfig.Ports.FREE);
    }

    /** SmolLM2's layers, random weights, and a vocabulary that psalm's tokenizer fits, so that a stack can serve it. */
    static Path layersOf135m(Bench.Setting setting) throws IOException {
        return shapeOf135m(setting, "layers-of-135m", 1024);
    }

    /** As {@link #layersOf135m}, with SmolLM2's vocabulary: tokens that psalm's tokenizer does not have give no text. */
    static Path whole135m(Bench.Setting setting) throws IOException {
        return shapeOf135m(setting, "shape-of-135m", SyntheticModel.smolLm135m().vocabSize());
    }

    private static Path shapeOf135m(Bench.Setting setting, String name, int vocabulary) throws IOException {
        ModelConfig smol = SyntheticModel.smolLm135m();
        ModelConfig shape = new ModelConfig(
                name,
                smol.architecture(),
                smol.layerCount(),
                smol.hiddenSize(),
                smol.intermediateSize(),
                smol.headCount(),
                smol.kvHeadCount(),
                smol.headDim(),
                vocabulary,
                1024,
                smol.normEpsilon(),
                smol.ropeTheta(),
                true,
                0,
                List.of(0));
        Path folder = setting.data().resolve("models").resolve(shape.name());
        setting.progress("writing " + folder);
        SyntheticModel.write(folder, shape, ActivationDtype.FP16, 1);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(psalmModel().resolve(file), folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        return folder;
    }

    /** {@code stages} workers on the CPU in a row, layers split evenly. */
    static StackConfig chain(Path data, Path model, String name, int layerCount, int stages) {
        List<WorkerSpec> workers = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            LayerRange layers = new LayerRange(stage * layerCount / stages, (stage + 1) * layerCount / stages);
            WorkerSpec plain = WorkerSpec.of("stage-" + stage, "cpu");
            workers.add(new WorkerSpec(
                    plain.id(),
                    plain.device(),
                    plain.memoryBytes(),
                    plain.region(),
                    Optional.of(layers),
                    plain.kvMib()));
        }
        return new StackConfig(
                model,
                name,
                workers,
                stages,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP16,
                data,
                StackConfig.Ports.FREE);
    }
}
