package io.sluice.launcher;

import io.sluice.core.Stage;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.Placements;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.launcher.stack.WorkersFile;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.PlacementCodec;
import io.sluice.messaging.TopicAdmin;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.ModelConfig;
import io.sluice.schemas.RecordJson;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Publishes a static placement, as the embedded stack does for its own workers. */
@Command(
        name = "place",
        description = "Decides which worker holds which layers and publishes it as a placement.",
        mixinStandardHelpOptions = true)
final class PlaceCommand implements Callable<Integer> {
    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    @Spec
    private CommandSpec spec;

    @Mixin
    private Endpoints endpoints;

    @Option(names = "--model", paramLabel = "DIR|FILE.gguf", required = true, description = "The model.")
    private Path model;

    @Option(names = "--model-name", paramLabel = "NAME", description = "Name it is served under; default: the file's.")
    private String modelName;

    @Option(
            names = "--workers",
            paramLabel = "FILE",
            required = true,
            description = "JSON list of workers (id, device, memory, region, layers, kv_mib).")
    private Path workers;

    @Option(
            names = "--stages",
            paramLabel = "N",
            defaultValue = "2",
            description = "Pipeline stages, unless the workers file names layers; default: ${DEFAULT-VALUE}.")
    private int stages;

    @Option(
            names = "--activations",
            paramLabel = "TYPE",
            defaultValue = "auto",
            converter = ActivationConverter.class,
            description =
                    "Numbers sent to the next stage: fp16, fp32, int8 (blocks of 64 with a scale), or auto (default):"
                            + " int8 where a link was measured to be slow, else fp16.")
    private ActivationChoice activations;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the placement to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        StackConfig config = new StackConfig(
                model.toAbsolutePath(),
                modelName == null ? StackConfig.defaultName(model) : modelName,
                WorkersFile.read(workers),
                stages,
                RoutingPolicy.MAX_FLOW,
                activations,
                StackFolder.defaultPath(),
                StackConfig.Ports.FREE);
        ModelConfig shape = ModelShape.read(config.model());
        KafkaSettings settings = endpoints.settings();
        try (TopicAdmin topics = new TopicAdmin(settings, TIMEOUT)) {
            topics.ensure(Topics.PLACEMENTS);
        }
        Placements.Made made;
        long now = System.currentTimeMillis();
        try (SchemaRegistry registry = new SchemaRegistry(settings.registryUrl(), TIMEOUT)) {
            long epoch = 1 + Placements.newestEpoch(settings, registry, config.modelName());
            made = Placements.make(config, shape, epoch);
            Placements.publish(settings, registry, made, now);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("placement " + made.plan().epoch() + " of " + config.modelName() + ", " + made.method() + ":");
        for (Stage stage : made.plan().stages()) {
            out.println("  " + stage.worker() + " layers " + stage.layers().first() + "-"
                    + stage.layers().end());
        }
        out.flush();
        JsonFile.write(json, RecordJson.toTree(PlacementCodec.encode(made.plan(), made.method(), now)));
        return 0;
    }
}
