package io.sluice.launcher.stack;

import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.UserException;
import io.sluice.runtime.ActivationDtype;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What an embedded stack serves, on which workers and where. Immutable.
 *
 * @param model folder of a Hugging Face model, or a {@code .gguf} file
 * @param modelName name it is served under
 * @param workers at least one
 * @param stages pipeline stages when the workers do not name their layers; 0: one per worker
 * @param policy how the router splits sessions
 * @param activations element type of hidden states between stages
 * @param data folder of everything the stack keeps
 * @param ports ports of the parts
 * @param placement how placements follow the workers while the stack runs; empty: they stay as they are
 */
public record StackConfig(
        Path model,
        String modelName,
        List<WorkerSpec> workers,
        int stages,
        RoutingPolicy policy,
        ActivationDtype activations,
        Path data,
        Ports ports,
        Optional<PlacementPolicy> placement) {
    /** A stack whose placement stays as it is. */
    public StackConfig(
            Path model,
            String modelName,
            List<WorkerSpec> workers,
            int stages,
            RoutingPolicy policy,
            ActivationDtype activations,
            Path data,
            Ports ports) {
        this(model, modelName, workers, stages, policy, activations, data, ports, Optional.empty());
    }

    public StackConfig {
        Objects.requireNonNull(modelName, "modelName");
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(activations, "activations");
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(ports, "ports");
        Objects.requireNonNull(placement, "placement");
        workers = List.copyOf(workers);
        if (!Files.exists(model)) {
            throw new UserException(
                    "model " + model + " does not exist: give --model a Hugging Face folder or a .gguf file");
        }
        if (workers.isEmpty()) {
            throw new UserException("no workers are given: a stack needs at least one");
        }
        if (stages < 0) {
            throw new UserException("--stages " + stages + " must be at least 1");
        }
    }

    /** The same stack with placements that follow the workers. */
    public StackConfig withPlacement(PlacementPolicy live) {
        return new StackConfig(model, modelName, workers, stages, policy, activations, data, ports, Optional.of(live));
    }

    /** Ports on loopback; 0: any free one. Flink always takes free ones. */
    public record Ports(int broker, int registry, int metrics) {
        /** Free ports for everything. */
        public static final Ports FREE = new Ports(0, 0, 0);
    }

    /** Name a model is served under when the user gives none: that of its folder or file, without its suffix. */
    public static String defaultName(Path model) {
        String name = model.toAbsolutePath().normalize().getFileName().toString();
        return name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
    }
}
