package io.sluice.launcher;

import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.embedded.WanShape;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.launcher.stack.WorkersFile;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.ActivationDtype;
import io.sluice.worker.sharing.SharingSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Flags of every command that starts a whole stack. */
public final class StackOptions {
    @Option(
            names = "--model",
            paramLabel = "DIR|FILE.gguf",
            description = "Llama-family model to serve; default: models/psalm of this repository.")
    private Path model;

    @Option(names = "--model-name", paramLabel = "NAME", description = "Name it is served under; default: the file's.")
    private String modelName;

    @Option(
            names = "--workers",
            paramLabel = "FILE",
            description =
                    "JSON list of workers (id, device, memory, region, layers, kv_mib, max_layers); default: four unlike"
                            + " emulated devices.")
    private Path workers;

    @Option(
            names = "--stages",
            paramLabel = "N",
            defaultValue = "2",
            description = "Pipeline stages, unless the workers file names layers; default: ${DEFAULT-VALUE}.")
    private int stages;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = "max-flow",
            converter = PolicyConverter.class,
            description = "How pipelines are chosen: max-flow (default), sluice (by what is in flight) or round-robin.")
    private RoutingPolicy policy;

    @Option(
            names = "--activations",
            paramLabel = "TYPE",
            converter = ActivationConverter.class,
            description =
                    "Numbers between stages: fp16 (default on one machine, so that a run repeats), fp32, int8 (blocks"
                            + " of 64 with a scale), or auto (default with --wan): int8 where a link was measured to be"
                            + " slow, else fp16.")
    private ActivationChoice activations;

    @Option(
            names = "--wan",
            paramLabel = "RTT[,RATE][,jitter=TIME][,loss=PART%]",
            converter = WanConverter.class,
            description =
                    "Put every worker at a site of its own, across an emulated wide-area network: 80ms,100mbit is 80"
                            + " ms there and back between two sites and 100 Mbit/s each way at each. Broker, router and clients"
                            + " share a site.")
    private WanShape wan;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Folder of everything; default: $SLUICE_HOME or" + " .sluice.")
    private Path data;

    @Option(names = "--broker-port", paramLabel = "N", defaultValue = "0", description = "0: any free one.")
    private int brokerPort;

    @Option(names = "--registry-port", paramLabel = "N", defaultValue = "0", description = "0: any free one.")
    private int registryPort;

    @Option(names = "--metrics-port", paramLabel = "N", defaultValue = "0", description = "0: any free one.")
    private int metricsPort;

    @Option(
            names = "--no-restart",
            description =
                    "Leave a worker process that ends by itself. Default: its end is reported to the router at once"
                            + " and it is started again, at most six times a minute.")
    private boolean noRestart;

    @Mixin
    private final PlacementOptions placement = new PlacementOptions();

    @Mixin
    private final SharingOptions sharing = new SharingOptions();

    @Mixin
    private final LimitsOptions limits = new LimitsOptions();

    /** Folder of the stack. */
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath() : data.toAbsolutePath();
    }

    /** The stack these flags ask for; policy and folder as given. */
    public StackConfig config() {
        Path own = StackFolder.repository().resolve("models").resolve("psalm");
        Path path = model == null ? own : model.toAbsolutePath();
        List<WorkerSpec> specs = workers == null ? WorkersFile.defaults() : WorkersFile.read(workers);
        boolean unplaced = specs.getFirst().layers().isEmpty();
        Optional<PlacementPolicy> live = placement.policy(unplaced);
        if (live.isPresent() && !unplaced) {
            throw new UserException(
                    "--placement auto and a workers file that names layers exclude each other: drop one");
        }
        SharingSettings settings = sharing.settings();
        StackConfig config = new StackConfig(
                        path,
                        modelName == null ? StackConfig.defaultName(path) : modelName,
                        specs,
                        stages,
                        policy,
                        activations(),
                        dataFolder(),
                        new StackConfig.Ports(brokerPort, registryPort, metricsPort))
                .withSupervision(noRestart ? StackConfig.Supervision.LEAVE : StackConfig.Supervision.RESTART)
                .withSharing(settings)
                .withLimits(limits.policy(settings.slowdown(), settings.target()));
        StackConfig placed = live.map(config::withPlacement).orElse(config);
        return wan == null ? placed : placed.withWan(wan);
    }

    /** What is measured differs from run to run, so on one machine, where no link is slow, nothing depends on it. */
    private ActivationChoice activations() {
        ActivationChoice byNetwork = wan == null ? ActivationDtype.FP16 : ActivationChoice.AUTO;
        return activations == null ? byNetwork : activations;
    }

    /** Reads {@code max-flow}, {@code sluice} or {@code round-robin}. */
    public static final class PolicyConverter implements ITypeConverter<RoutingPolicy> {
        @Override
        public RoutingPolicy convert(String text) {
            try {
                return RoutingPolicy.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
